"use strict";
(() => {
  const place = document.getElementById("map-move");
  const data = JSON.parse(document.getElementById("map-data").textContent);
  const canvas = place.querySelector("canvas");
  const says = place.querySelector("output");
  const [from, until] = ["from", "until"].map(name => place.querySelector(`[name=${name}]`));
  const many = data.events.length > 150;
  const [SIZE, GROWTH] = many ? [2, 5] : [4, 7];
  const sizes = data.events.map(e => e[4]).filter(v => v !== null);
  const least = sizes.reduce((a, b) => Math.min(a, b), Infinity);
  const range = sizes.reduce((a, b) => Math.max(a, b), -Infinity) - least;
  const widest = Math.max(range, data.measured ? 2 : 10);
  const view = {x: 0, y: 0, zoom: 1};
  const shared = typeof selection === "undefined" ? null : selection;
  const pictures = new Map();
  let chosen = null;

  const scale = () => Math.min(canvas.clientWidth, canvas.clientHeight) / (2 * data.half) * view.zoom;
  const radius = size => size === null ? SIZE : SIZE + GROWTH * (size - least) / widest;
  const shade = depth => {
    const part = Math.min(Math.max(depth, 0) / data.deepest, 1);
    return `hsl(${Math.round(45 + 215 * part)} 75% ${Math.round(60 - 28 * part)}% / 0.8)`;
  };
  const numbered = new Map(data.events.map(e => [e[5], e]));
  const screen = (x, y) => [canvas.clientWidth / 2 + (x - view.x) * scale(),
                            canvas.clientHeight / 2 - (y - view.y) * scale()];
  const ends = () => {
    const both = [from, until].map(slider => slider.value / 1000 * data.seconds);
    return [Math.min(...both), Math.max(...both)];
  };
  const shownIn = (time, [low, high]) => time >= low - 0.05 && time <= high + 0.05;
  const utc = s => new Date(data.start + 1000 * s).toISOString().replace("T", " ").slice(0, 19);
  const shownEvents = () => data.events.filter(e => shownIn(e[3], ends()));

  function draw() {
    const ratio = window.devicePixelRatio || 1;
    canvas.width = canvas.clientWidth * ratio;
    canvas.height = canvas.clientHeight * ratio;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const style = getComputedStyle(document.documentElement);
    const colour = name => style.getPropertyValue("--" + name).trim();
    const limits = ends();
    pen.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
    pen.font = "12px sans-serif";
    pen.textAlign = "center";
    drawGround(pen, colour);
    drawReference(pen, colour("s"), limits);
    for (const e of data.events) {
      if (!shownIn(e[3], limits)) continue;
      const [x, y] = screen(e[0], e[1]);
      pen.beginPath();
      pen.arc(x, y, radius(e[4]), 0, 2 * Math.PI);
      pen.fillStyle = shade(e[2]);
      pen.fill();
      pen.lineWidth = many ? 0.4 : 0.8;
      pen.strokeStyle = colour("ink");
      pen.stroke();
    }
    if (chosen) drawChosen(pen, colour("s"));
    drawStations(pen, colour);
    drawScale(pen, colour("ink"));
  }

  // Stations without picks first, so that none of them hides a filled one at the same place.
  function drawStations(pen, colour) {
    const taken = [];
    const order = [...data.stations].sort((a, b) => a[3] - b[3]);
    for (const s of order) {
      const [x, y] = screen(s[0], s[1]);
      pen.beginPath();
      pen.moveTo(x, y - 7); pen.lineTo(x + 6, y + 5); pen.lineTo(x - 6, y + 5); pen.closePath();
      pen.fillStyle = colour(s[3] ? "station" : "paper");
      pen.fill();
      pen.lineWidth = 1.2;
      pen.strokeStyle = pen.fillStyle = colour("station");
      pen.stroke();
    }
    pen.textAlign = "center";
    for (const s of order) {
      const [x, y] = screen(s[0], s[1]);
      const half = pen.measureText(s[2]).width / 2 + 2;
      if (taken.some(([a, b, wide]) => Math.abs(a - x) < wide + half && Math.abs(b - y) < 14)) continue;
      taken.push([x, y, half]);
      pen.lineWidth = 3;
      pen.strokeStyle = colour("paper");
      pen.strokeText(s[2], x, y + 18);
      pen.fillText(s[2], x, y + 18);
    }
  }

  // Terrain, lakes, coastlines and borders of the region, and the lines of latitude and longitude.
  function drawGround(pen, colour) {
    const ground = data.ground || {};
    if (ground.terrain) drawTerrain(pen, ground.terrain);
    const styles = [["lakes", "water", 0.8], ["coastlines", "coast", 1.2], ["borders", "muted", 1], ["lines", "lines", 1]];
    for (const [name, hue, width] of styles) {
      pen.setLineDash(name === "borders" ? [6, 3, 1, 3] : []);
      pen.lineWidth = width;
      pen.strokeStyle = pen.fillStyle = colour(hue);
      for (const line of ground[name] || []) {
        pen.beginPath();
        for (let i = 0; i < line.length; i += 2) pen.lineTo(...screen(line[i], line[i + 1]));
        if (name === "lakes") { pen.globalAlpha = 0.35; pen.fill(); pen.globalAlpha = 1; }
        pen.stroke();
      }
    }
    pen.setLineDash([]);
    drawGraticule(pen, colour);
  }

  function drawTerrain(pen, terrain) {
    if (!pictures.has(terrain.image)) {
      const picture = new Image();
      picture.onload = draw;
      picture.src = terrain.image;
      pictures.set(terrain.image, picture);
    }
    const picture = pictures.get(terrain.image);
    if (!picture.complete || !picture.naturalWidth) return;
    const [left, top] = screen(terrain.west, terrain.north);
    const [right, bottom] = screen(terrain.east, terrain.south);
    pen.globalAlpha = 0.45;
    pen.drawImage(picture, left, top, right - left, bottom - top);
    pen.globalAlpha = 1;
  }

  function drawGraticule(pen, colour) {
    const [east, north] = data.kmPerDegree;
    const wide = canvas.clientWidth / scale() / 2, high = canvas.clientHeight / scale() / 2;
    pen.lineWidth = 0.8;
    pen.strokeStyle = colour("line");
    pen.fillStyle = colour("muted");
    const [longitude, latitude] = data.middle;
    const label = (value, step, letters) => {
      const text = Math.abs(value).toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
      return `${text}°${Number(text) === 0 ? "" : letters[value < 0 ? 1 : 0]}`;
    };
    const edges = (low, high, step) => [Math.ceil(low / step), Math.floor(high / step)];
    let step = roundStep(190 / scale() / east);
    let [first, last] = edges(longitude + (view.x - wide) / east, longitude + (view.x + wide) / east, step);
    for (let k = first; k <= last; k++) {
      const [x] = screen((k * step - longitude) * east, 0);
      line(pen, x, 0, x, canvas.clientHeight);
      pen.textAlign = "left";
      pen.fillText(label((k * step + 540) % 360 - 180, step, "EW"), x + 3, 13);
    }
    step = roundStep(150 / scale() / north);
    [first, last] = edges(latitude + (view.y - high) / north, latitude + (view.y + high) / north, step);
    for (let k = first; k <= last; k++) {
      const [, y] = screen(0, (k * step - latitude) * north);
      line(pen, 0, y, canvas.clientWidth, y);
      pen.textAlign = "right";
      pen.fillText(label(k * step, step, "NS"), canvas.clientWidth - 4, y - 4);
    }
  }

  function line(pen, x, y, toX, toY) {
    pen.beginPath();
    pen.moveTo(x, y); pen.lineTo(toX, toY);
    pen.stroke();
  }

  function roundStep(rough) {
    const base = 10 ** Math.floor(Math.log10(rough));
    return base * [5, 2, 1].find(step => step * base <= rough);
  }

  function drawChosen(pen, hue) {
    const [x, y] = screen(chosen[0], chosen[1]);
    pen.beginPath();
    pen.arc(x, y, radius(chosen[4]) + 4, 0, 2 * Math.PI);
    pen.lineWidth = 2.5;
    pen.strokeStyle = hue;
    pen.stroke();
  }

  function drawReference(pen, hue, limits) {
    pen.strokeStyle = hue;
    for (const [east, north, time, number] of data.theirs) {
      if (!shownIn(time, limits)) continue;
      const [x, y] = screen(east, north);
      pen.beginPath();
      if (number === null) {
        pen.lineWidth = 1.6;
        pen.moveTo(x - 5, y - 5); pen.lineTo(x + 5, y + 5);
        pen.moveTo(x - 5, y + 5); pen.lineTo(x + 5, y - 5);
      } else {
        const own = numbered.get(number);
        pen.lineWidth = 1;
        pen.moveTo(...screen(own[0], own[1])); pen.lineTo(x, y);
        pen.rect(x - 3, y - 3, 6, 6);
      }
      pen.stroke();
    }
  }

  function drawScale(pen, ink) {
    const km = roundStep(canvas.clientWidth / 4 / scale());
    const low = canvas.clientHeight - 12;
    pen.fillStyle = ink;
    pen.fillRect(12, low, km * scale(), 3);
    pen.textAlign = "left";
    pen.fillText(km >= 1 ? `${km} km` : `${Math.round(km * 1000)} m`, 12, low - 5);
  }

  function tell() {
    const [low, high] = ends();
    const count = shownEvents().length;
    let text = `${count} ${count === 1 ? "event" : "events"}, ${utc(low)} to ${utc(high)} UTC`;
    if (chosen) {
      const size = data.measured ? (chosen[4] === null ? "no magnitude" : `magnitude ${chosen[4]}`)
                                 : `${chosen[4]} arrivals`;
      text += `. Event ${chosen[5]}: ${utc(chosen[3])}, depth ${chosen[2]} km, ${size}`;
    }
    says.textContent = text;
    draw();
  }

  function zoom(factor, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) {
    const before = scale();
    view.zoom = Math.min(Math.max(view.zoom * factor, 0.3), 1000);
    const gain = 1 / before - 1 / scale();
    view.x += (x - canvas.clientWidth / 2) * gain;
    view.y -= (y - canvas.clientHeight / 2) * gain;
    tell();
  }

  function pick(x, y) {
    let best = 18, nearest = null;
    for (const e of shownEvents()) {
      const [a, b] = screen(e[0], e[1]);
      const far = Math.hypot(a - x, b - y);
      if (far < best) { best = far; nearest = e; }
    }
    const number = nearest && nearest[5];
    if (shared) shared.choose(number);
    else show(number);
  }

  // Marks an event and brings it into the picture.
  function show(number) {
    chosen = numbered.get(number) ?? null;
    if (chosen) {
      const [x, y] = screen(chosen[0], chosen[1]);
      const inside = x > 0 && y > 0 && x < canvas.clientWidth && y < canvas.clientHeight;
      if (!inside) Object.assign(view, {x: chosen[0], y: chosen[1]});
    }
    tell();
  }

  const fingers = new Map();
  let moved = 0;
  canvas.addEventListener("pointerdown", event => {
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, [event.offsetX, event.offsetY]);
    moved = 0;
  });
  canvas.addEventListener("pointermove", event => {
    const last = fingers.get(event.pointerId);
    if (!last) return;
    const now = [event.offsetX, event.offsetY];
    const other = [...fingers].find(([id]) => id !== event.pointerId);
    moved += Math.hypot(now[0] - last[0], now[1] - last[1]);
    fingers.set(event.pointerId, now);
    if (other) {
      const apart = point => Math.hypot(point[0] - other[1][0], point[1] - other[1][1]) || 1;
      zoom(apart(now) / apart(last), other[1][0], other[1][1]);
      return;
    }
    view.x -= (now[0] - last[0]) / scale();
    view.y += (now[1] - last[1]) / scale();
    draw();
  });
  canvas.addEventListener("pointerup", event => {
    if (fingers.size === 1 && moved < 5) pick(event.offsetX, event.offsetY);
    fingers.delete(event.pointerId);
  });
  canvas.addEventListener("pointercancel", event => fingers.delete(event.pointerId));
  canvas.addEventListener("wheel", event => {
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.25 : 0.8, event.offsetX, event.offsetY);
  }, {passive: false});
  canvas.addEventListener("keydown", event => {
    const step = 40 / scale();
    const moves = {ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step]};
    if (event.key in moves) {
      view.x += moves[event.key][0];
      view.y += moves[event.key][1];
      event.preventDefault();
      draw();
    } else if (event.key === "+" || event.key === "-") {
      zoom(event.key === "+" ? 1.5 : 1 / 1.5);
    }
  });
  for (const button of place.querySelectorAll("button")) {
    button.addEventListener("click", () => {
      if (button.name === "in") return zoom(1.5);
      if (button.name === "out") return zoom(1 / 1.5);
      Object.assign(view, {x: 0, y: 0, zoom: 1});
      [from.value, until.value] = [0, 1000];
      return tell();
    });
  }
  for (const slider of [from, until]) slider.addEventListener("input", tell);
  shared?.watch(show);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  place.hidden = false;
  new ResizeObserver(draw).observe(canvas);
  tell();
})();
