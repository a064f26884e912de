"use strict";
(() => {
  const SHOWN_S = 60, STALE_S = 30, MOST_ROWS = 100;
  const byId = name => document.getElementById(name);
  const SVG = "http://www.w3.org/2000/svg";
  const state = {facts: null, events: new Map(), picks: new Map(), traces: new Map(), health: []};
  let over = null;

  const fixed = (value, digits) => typeof value === "number" ? value.toFixed(digits) : "";
  const clock = text => String(text ?? "").replace("T", " ").replace("Z", "").slice(0, 22);

  function cell(row, text, style) {
    const made = row.insertCell();
    made.textContent = text;
    if (style) made.className = style;
  }

  function fill(body, rows, write) {
    body.replaceChildren();
    for (const one of rows) write(body.insertRow(), one);
  }

  // seconds, or days where they are many: recordings of long ago may arrive now
  const ago = seconds => seconds < 1e5 ? `${fixed(seconds, 1)} s` : `${fixed(seconds / 86400, 0)} d`;

  // --- the map

  function place(longitude, latitude) {
    const f = state.facts.frame;
    const east = f.wrapped ? (longitude % 360 + 360) % 360 : longitude;
    return [f.x + (east - f.west) / (f.east - f.west) * f.width,
            f.y + (f.north - latitude) / (f.north - f.south) * f.height];
  }

  function circle(longitude, latitude, radius, style, title) {
    const [x, y] = place(longitude, latitude);
    const made = document.createElementNS(SVG, "circle");
    made.setAttribute("cx", x);
    made.setAttribute("cy", y);
    made.setAttribute("r", radius);
    made.setAttribute("class", style);
    const words = document.createElementNS(SVG, "title");
    words.textContent = title;
    made.append(words);
    over.append(made);
  }

  function inside([x, y]) {
    const f = state.facts.frame;
    return x >= f.x && x <= f.x + f.width && y >= f.y && y <= f.y + f.height;
  }

  function drawMap() {
    const base = byId("map").querySelector("svg");
    if (!base || !state.facts || !state.facts.frame) return;
    if (!over) {
      over = document.createElementNS(SVG, "svg");
      over.setAttribute("viewBox", base.getAttribute("viewBox"));
      over.setAttribute("class", "over");
      byId("map").append(over);
    }
    over.replaceChildren();
    const delays = new Map();
    for (const one of state.health) {
      const site = one.label.split(".").slice(0, 2).join(".");
      delays.set(site, Math.min(delays.get(site) ?? Infinity, one.delay_s));
    }
    for (const one of state.facts.stations) {
      const delay = delays.get(one.site);
      if (delay === undefined) continue;
      const style = delay < STALE_S ? "ring fresh" : "ring stale";
      circle(one.longitude, one.latitude, 9, style, `${one.site}: newest sample ${ago(delay)} ago`);
    }
    const events = [...state.events.values()].filter(known);
    events.forEach((one, n) => {
      if (!inside(place(one.longitude, one.latitude))) return;
      const size = typeof one.magnitude === "number" ? Math.max(3, 5 + 3 * one.magnitude) : 6;
      const style = n === events.length - 1 ? "event newest" : "event";
      circle(one.longitude, one.latitude, size, style, `${clock(one.time)} M ${fixed(one.magnitude, 1)}`);
    });
  }

  const known = one => typeof one.longitude === "number" && typeof one.latitude === "number"
    && one.status !== "withdrawn";

  // --- tables

  function drawEvents() {
    const rows = [...state.events.values()].sort((a, b) => (b.time_ns ?? 0) - (a.time_ns ?? 0));
    fill(byId("events"), rows.slice(0, MOST_ROWS), (row, one) => {
      cell(row, clock(one.time));
      cell(row, fixed(one.magnitude, 1), "n");
      cell(row, fixed(one.depth_km, 1), "n");
      cell(row, known(one) ? `${fixed(one.latitude, 3)}, ${fixed(one.longitude, 3)}` : "", "n");
      cell(row, one.n_picks ?? "", "n");
      cell(row, one.version ?? "", "n");
      cell(row, one.status ?? "");
    });
  }

  function drawPicks() {
    const rows = [...state.picks.values()].reverse().slice(0, MOST_ROWS);
    fill(byId("picks"), rows, (row, one) => {
      cell(row, clock(one.time));
      cell(row, one.label);
      cell(row, one.phase);
      cell(row, fixed(one.probability, 2), "n");
      cell(row, fixed(one.time_sigma_s, 2), "n");
      cell(row, fixed(one.data_latency_s, 1), "n");
      cell(row, fixed(one.computing_latency_s, 2), "n");
      cell(row, one.status ?? "final");
    });
  }

  function drawStations() {
    fill(byId("stations"), state.health, (row, one) => {
      cell(row, one.label);
      cell(row, ago(one.delay_s), one.delay_s < STALE_S ? "n" : "n stale");
      cell(row, one.picks, "n");
      cell(row, fixed(one.computing_s, 2), "n");
    });
  }

  function drawNumbers(tick) {
    byId("n-instruments").textContent = tick.health.length;
    const silent = tick.health.filter(one => one.delay_s >= STALE_S).length;
    byId("n-silent").textContent = silent ? `${silent} without new data` : "";
    const phases = Object.entries(tick.picks);
    byId("n-picks").textContent = phases.reduce((sum, [, n]) => sum + n, 0);
    byId("n-phases").textContent = phases.map(([phase, n]) => `${n} ${phase}`).join(", ");
    byId("n-events").textContent = tick.events;
    byId("behind").textContent = `${tick.behind_s.toFixed(1)} s`;
  }

  // --- traces

  function keep(piece) {
    const own = state.traces.get(piece.label) ?? {};
    const lines = Object.entries(piece).flatMap(([name, part]) => name === "label" ? []
      : name === "z" ? part.values.map((values, n) => [`z${n}`, {...part, values}]) : [[name, part]]);
    for (const [name, {at, step, values}] of lines) {
      const line = own[name] ?? [];
      const last = line.length ? line[line.length - 1][0] : -Infinity;
      values.forEach((value, n) => {
        const time = at + n * step;
        if (time > last + step / 2) line.push([time, value]);
      });
      const end = line.length ? line[line.length - 1][0] : 0;
      own[name] = line.filter(([time]) => time > end - 1.5 * SHOWN_S);
    }
    own.seen = performance.now();
    state.traces.set(piece.label, own);
  }

  // what was chosen stays when the connection begins anew
  function offer(bands) {
    const choice = byId("band"), before = choice.value;
    choice.replaceChildren(...bands.map((name, n) => new Option(name, n)));
    choice.value = before in bands ? before : 0;
  }

  function drawTraces() {
    const now = performance.now();
    const order = [...state.traces].filter(([, own]) => now - own.seen < 20000)
      .map(([label]) => label).sort().slice(0, 12);
    const place = byId("traces");
    const there = new Map([...place.children].map(e => [e.dataset.label, e]));
    for (const [label, element] of there) if (!order.includes(label)) element.remove();
    for (const label of order) {
      let element = there.get(label);
      if (!element) {
        element = document.createElement("div");
        element.className = "live-trace";
        element.dataset.label = label;
        const name = document.createElement("span");
        name.textContent = label;
        element.append(name, document.createElement("canvas"));
        place.append(element);
      }
      drawTrace(element.querySelector("canvas"), label, state.traces.get(label));
    }
  }

  function drawTrace(canvas, label, own) {
    const ratio = window.devicePixelRatio || 1;
    canvas.width = canvas.clientWidth * ratio;
    canvas.height = canvas.clientHeight * ratio;
    const pen = canvas.getContext("2d"), w = canvas.clientWidth, h = canvas.clientHeight;
    pen.scale(ratio, ratio);
    const style = getComputedStyle(document.documentElement);
    const colour = name => style.getPropertyValue("--" + name).trim();
    const motion = own[`z${byId("band").value || 0}`] ?? [];
    const end = Math.max(...[motion, own.P ?? [], own.S ?? []].map(l => l.length ? l[l.length - 1][0] : 0));
    const x = time => w * (1 - (end - time) / SHOWN_S);
    const shown = motion.filter(([time]) => time > end - SHOWN_S);
    const mean = shown.reduce((sum, [, v]) => sum + v, 0) / Math.max(shown.length, 1);
    const most = shown.reduce((m, [, v]) => Math.max(m, Math.abs(v - mean)), 0) || 1;
    const line = (points, y, ink) => {
      pen.beginPath();
      points.forEach(([time, v], n) => n ? pen.lineTo(x(time), y(v)) : pen.moveTo(x(time), y(v)));
      pen.strokeStyle = ink;
      pen.lineWidth = 1;
      pen.stroke();
    };
    line(shown, v => 0.36 * h - 0.34 * h * (v - mean) / most, colour("muted"));
    for (const phase of ["P", "S"]) {
      const ink = colour(phase.toLowerCase());
      line((own[phase] ?? []).filter(([time]) => time > end - SHOWN_S), v => h - 1 - 0.27 * h * v, ink);
      for (const pick of state.picks.values()) {
        if (pick.label !== label || pick.phase !== phase || pick.status === "withdrawn") continue;
        const at = x(Date.parse(pick.time) / 1000);
        if (at < 0) continue;
        pen.beginPath();
        pen.moveTo(at, 0);
        pen.lineTo(at, h);
        pen.setLineDash(pick.status === "preliminary" ? [3, 3] : []);
        pen.strokeStyle = ink;
        pen.stroke();
        pen.setLineDash([]);
      }
    }
  }

  byId("band").addEventListener("change", drawTraces);

  // --- messages

  function renew(map, name, one, most) {
    map.delete(name);
    map.set(name, one);
    while (map.size > most) map.delete(map.keys().next().value);
  }

  const source = new EventSource("events");
  const says = text => { byId("link").textContent = text; };
  source.addEventListener("error", () => says("no connection; trying again"));
  source.addEventListener("begin", message => {
    const begin = JSON.parse(message.data);
    state.facts = begin;
    state.health = begin.health;
    state.events.clear();
    state.picks.clear();
    state.traces.clear();
    for (const one of begin.last_events) renew(state.events, one.id, one, 200);
    for (const one of begin.last_picks) renew(state.picks, one.id, one, 200);
    offer(begin.bands);
    says("live");
    drawNumbers(begin);
    drawEvents();
    drawPicks();
    drawStations();
    drawMap();
  });
  source.addEventListener("tick", message => {
    const tick = JSON.parse(message.data);
    state.health = tick.health;
    byId("clock").textContent = `data up to ${clock(new Date(1000 * tick.now).toISOString())} UTC`;
    tick.traces.forEach(keep);
    drawNumbers(tick);
    drawStations();
    drawTraces();
    drawMap();
  });
  source.addEventListener("pick", message => {
    const pick = JSON.parse(message.data);
    renew(state.picks, pick.id, pick, 200);
    drawPicks();
  });
  source.addEventListener("event", message => {
    const event = JSON.parse(message.data);
    renew(state.events, event.id, event, 200);
    drawEvents();
    drawMap();
  });
})();
