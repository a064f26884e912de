"use strict";
// A record section to zoom into: filters, picks, spectrogram and particle motion of what is shown.
// `source(number)` promises {zero, name, start, end, rows} with times in seconds after `zero` (ms
// since 1970); a row is {label, where, picks, traces}, a trace {component, units, rate, start, values}.
const traces = (() => {
  const FILTERS = [["raw", null, null], ["1 Hz and above", 1, null], ["1 to 10 Hz", 1, 10],
                   ["2 to 20 Hz", 2, 20], ["0.5 to 5 Hz", 0.5, 5], ["0.05 to 0.5 Hz", 0.05, 0.5]];

  // Two poles of Butterworth's filter by the bilinear transform, forward only.
  function section(values, rate, corner, high) {
    const w = 2 * Math.PI * corner / rate, cos = Math.cos(w), alpha = Math.sin(w) / Math.SQRT2;
    const gain = (high ? 1 + cos : 1 - cos) / (2 * (1 + alpha));
    const b1 = (high ? -2 : 2) * gain, a1 = -2 * cos / (1 + alpha), a2 = (1 - alpha) / (1 + alpha);
    const result = new Float32Array(values.length);
    let x1 = 0, x2 = 0, y1 = 0, y2 = 0;
    for (let i = 0; i < values.length; i++) {
      const x = values[i], y = gain * (x + x2) + b1 * x1 - a1 * y1 - a2 * y2;
      [x2, x1, y2, y1] = [x1, x, y1, y];
      result[i] = y;
    }
    return result;
  }

  function filtered(values, rate, low, high) {
    let made = values;
    if (low !== null && low < 0.4 * rate) made = section(made, rate, low, true);
    if (high !== null && high < 0.4 * rate) made = section(made, rate, high, false);
    return made;
  }

  // Differences of samples in steps, low bytes before high bytes, deflated, in base64.
  async function unpacked(text, step) {
    const packed = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    const n = bytes.length / 2, values = new Float32Array(n);
    for (let i = 0, sum = 0; i < n; i++) {
      sum = (sum + bytes[i] + 256 * bytes[n + i]) & 65535;
      values[i] = (sum > 32767 ? sum - 65536 : sum) * step;
    }
    return values;
  }

  // Squared amplitudes of the Fourier transform of a power of two of samples, in place.
  function power(re) {
    const n = re.length, im = new Float32Array(n);
    for (let i = 1, j = 0; i < n; i++) {
      let bit = n >> 1;
      for (; j & bit; bit >>= 1) j ^= bit;
      j ^= bit;
      if (i < j) [re[i], re[j]] = [re[j], re[i]];
    }
    for (let size = 2; size <= n; size *= 2) {
      for (let k = 0; k < size / 2; k++) {
        const angle = -2 * Math.PI * k / size, c = Math.cos(angle), s = Math.sin(angle);
        for (let i = k; i < n; i += size) {
          const j = i + size / 2, a = re[j] * c - im[j] * s, b = re[j] * s + im[j] * c;
          [re[j], im[j], re[i], im[i]] = [re[i] - a, im[i] - b, re[i] + a, im[i] + b];
        }
      }
    }
    return Float32Array.from({length: n / 2}, (_, i) => re[i] ** 2 + im[i] ** 2);
  }

  function viewer(root, source, editor = null) {
    const canvas = root.querySelector("canvas.section"), more = root.querySelector("canvas.more");
    const says = root.querySelector("output"), heading = root.querySelector("h3");
    const field = name => root.querySelector(`[name=${name}]`);
    const [filter, component, kind] = ["filter", "component", "kind"].map(field);
    FILTERS.forEach(([name], index) => filter.add(new Option(name, index)));
    filter.value = 1;
    const TRACE = 44, HEAD = 20, FOOT = 22;
    let data = null, lines = [], from = 0, until = 1, gain = 1, current = 0, near = null, turns = 0;

    const style = () => getComputedStyle(document.documentElement);
    const left = () => canvas.clientWidth < 600 ? 84 : 150;
    const x = t => left() + (t - from) / (until - from) * (canvas.clientWidth - left());
    const time = px => from + (px - left()) / (canvas.clientWidth - left()) * (until - from);
    const hue = phase => phase.startsWith("P") ? "p" : phase.startsWith("S") ? "s" : "muted";
    const clock = t => new Date(data.zero + 1000 * t).toISOString().slice(11, 23);

    async function show(number) {
      const asked = source(number);
      root.hidden = !asked;
      const turn = ++turns;
      if (!asked) return;
      const found = await asked;
      if (turn !== turns) return;
      data = found;
      heading.textContent = data.name;
      [from, until, gain, current] = [data.start, data.end, 1, 0];
      const names = [...new Set(data.rows.flatMap(row => row.traces.map(t => t.component)))];
      const before = component.value;
      component.replaceChildren(new Option("all", ""), ...names.map(name => new Option(name, name)));
      component.value = names.includes(before) ? before : "";
      prepare();
    }

    function prepare() {
      const [, low, high] = FILTERS[filter.value];
      lines = data.rows.flatMap(row => row.traces
        .filter(t => !component.value || t.component === component.value)
        .map(t => ({row, trace: t, values: filtered(t.values, t.rate, low, high)})));
      current = Math.min(current, Math.max(lines.length - 1, 0));
      canvas.style.height = `${HEAD + TRACE * lines.length + FOOT}px`;
      draw();
    }

    function part(line) {
      const {trace, values} = line;
      const first = Math.max(0, Math.floor((from - trace.start) * trace.rate));
      return [first, Math.min(values.length, Math.ceil((until - trace.start) * trace.rate) + 1)];
    }

    function sized(surface) {
      const ratio = window.devicePixelRatio || 1;
      surface.width = surface.clientWidth * ratio;
      surface.height = surface.clientHeight * ratio;
      const pen = surface.getContext("2d");
      pen.scale(ratio, ratio);
      pen.font = "12px sans-serif";
      return pen;
    }

    function draw() {
      if (!data || !canvas.clientWidth) return;
      const pen = sized(canvas), look = style();
      const colour = name => look.getPropertyValue("--" + name).trim();
      drawTicks(pen, colour);
      lines.forEach((line, index) => drawLine(pen, colour, line, index));
      lines.forEach((line, index) => drawPicks(pen, colour, line, index));
      if (kind.value) drawMore(colour);
    }

    function drawTicks(pen, colour) {
      const bottom = canvas.clientHeight - FOOT, rough = (until - from) / (canvas.clientWidth / 110);
      const base = 10 ** Math.floor(Math.log10(rough)), step = base * ([1, 2, 5].find(k => k * base >= rough) ?? 10);
      pen.strokeStyle = colour("line"); pen.fillStyle = colour("muted"); pen.textAlign = "center";
      for (let k = Math.ceil(from / step); k * step <= until; k++) {
        pen.beginPath(); pen.moveTo(x(k * step), HEAD); pen.lineTo(x(k * step), bottom); pen.stroke();
        const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
        pen.fillText(data.utc ? clock(k * step).slice(0, digits ? 12 : 8) : (k * step).toFixed(digits), x(k * step), bottom + 15);
      }
      if (!data.utc && from <= 0 && until >= 0) {
        pen.strokeStyle = colour("muted"); pen.setLineDash([8, 3]);
        pen.beginPath(); pen.moveTo(x(0), HEAD); pen.lineTo(x(0), bottom); pen.stroke(); pen.setLineDash([]);
      }
    }

    function drawLine(pen, colour, line, index) {
      const top = HEAD + TRACE * index, middle = top + TRACE / 2, width = canvas.clientWidth - left();
      const [first, last] = part(line), {trace, values} = line;
      if (index === current) { pen.fillStyle = colour("panel"); pen.fillRect(0, top, canvas.clientWidth, TRACE); }
      let peak = 0;
      for (let i = first; i < last; i++) peak = Math.max(peak, Math.abs(values[i]));
      pen.fillStyle = colour("ink"); pen.textAlign = "left";
      if (index === 0 || lines[index - 1].row !== line.row) pen.fillText(line.row.label, 2, top + 14, left() - 6);
      pen.fillStyle = colour("muted");
      pen.fillText(`${trace.component} ${peak.toPrecision(3)} ${trace.units}`, 2, top + 28, left() - 6);
      if (line.row.where && canvas.clientWidth >= 600 && (index === 0 || lines[index - 1].row !== line.row)) pen.fillText(line.row.where, 2, top + 41, left() - 6);
      pen.save();
      pen.beginPath(); pen.rect(left(), top, width, TRACE); pen.clip();
      pen.strokeStyle = colour("ink"); pen.lineWidth = 0.9; pen.beginPath();
      const scale = peak ? gain * (TRACE / 2 - 2) / peak : 0, each = Math.max(1, (last - first) / width);
      if (each <= 2) {
        for (let i = first; i < last; i++) pen.lineTo(x(trace.start + i / trace.rate), middle - scale * values[i]);
      } else for (let px = 0; px < width; px++) {
        let low = Infinity, high = -Infinity;
        const stop = Math.min(last, first + Math.ceil((px + 1) * each));
        for (let i = first + Math.floor(px * each); i < stop; i++) { low = Math.min(low, values[i]); high = Math.max(high, values[i]); }
        if (low > high) continue;
        const at = x(trace.start + (first + px * each) / trace.rate);
        pen.lineTo(at, middle - scale * low); pen.lineTo(at, middle - scale * high);
      }
      pen.stroke();
      pen.fillStyle = colour("blank");
      for (const [begin, end] of trace.blanks || []) pen.fillRect(x(begin), top + 2, x(end) - x(begin), TRACE - 4);
      pen.restore();
    }

    function drawPicks(pen, colour, line, index) {
      const top = HEAD + TRACE * index;
      for (const pick of line.row.picks) {
        if (pick.t < from || pick.t > until) continue;
        pen.strokeStyle = pen.fillStyle = colour(hue(pick.phase));
        pen.lineWidth = pick === near ? 3 : 1.5;
        pen.setLineDash(pick.own ? [] : [2, 3]);
        pen.beginPath(); pen.moveTo(x(pick.t), top); pen.lineTo(x(pick.t), top + TRACE); pen.stroke();
        pen.setLineDash([]);
        if (index === 0 || lines[index - 1].row !== line.row) { pen.textAlign = "left"; pen.fillText(pick.phase, x(pick.t) + 3, top + 11); }
      }
    }

    function drawMore(colour) {
      const line = lines[current];
      if (!line) return;
      const pen = sized(more);
      pen.fillStyle = colour("muted");
      if (kind.value === "spectrogram") drawSpectrogram(pen, colour, line);
      else drawMotion(pen, colour, line);
    }

    function drawSpectrogram(pen, colour, line) {
      const {trace} = line, [first, last] = part(line);
      const n = 2 ** Math.max(4, Math.round(Math.log2(trace.rate * Math.min(1, (until - from) / 8))));
      const width = more.clientWidth - left(), high = more.clientHeight - FOOT, columns = Math.max(1, Math.min(400, Math.floor(width / 2)));
      const spectra = [];
      let most = -Infinity;
      for (let k = 0; k < columns; k++) {
        const begin = Math.round(first + (last - first) * (k + 0.5) / columns - n / 2), cut = new Float32Array(n);
        let mean = 0;
        for (let i = 0; i < n; i++) mean += (line.trace.values[begin + i] ?? 0) / n;
        for (let i = 0; i < n; i++) cut[i] = ((line.trace.values[begin + i] ?? mean) - mean) * (0.5 - 0.5 * Math.cos(2 * Math.PI * i / n));
        const spectrum = power(cut).map(p => 10 * Math.log10(p + 1e-30));
        spectra.push(spectrum);
        for (const value of spectrum) most = Math.max(most, value);
      }
      spectra.forEach((spectrum, k) => spectrum.forEach((value, f) => {
        const share = Math.min(1, Math.max(0, 1 + (value - most) / 60));
        pen.fillStyle = `hsl(${Math.round(260 - 210 * share)} 75% ${Math.round(12 + 50 * share)}%)`;
        pen.fillRect(left() + k * width / columns, high * (1 - (f + 1) / spectrum.length), width / columns + 0.6, high / spectrum.length + 0.6);
      }));
      pen.fillStyle = colour("muted"); pen.textAlign = "right";
      for (let k = 0; k <= 4; k++) pen.fillText(`${(trace.rate / 8 * k).toPrecision(3)} Hz`, left() - 6, Math.max(10, high * (1 - k / 4) + 4));
      pen.textAlign = "left";
      pen.fillText(`${line.row.label} ${trace.component}, 60 dB from dark to bright, ${(n / trace.rate).toFixed(2)} s windows`, left(), more.clientHeight - 6);
    }

    function drawMotion(pen, colour, line) {
      const own = Object.fromEntries(line.row.traces.map(t => [t.component, {row: line.row, trace: t, values: filtered(t.values, t.rate, ...FILTERS[filter.value].slice(1))}]));
      const pairs = [["E", "N"], ["E", "Z"], ["N", "Z"]].filter(pair => pair.every(name => own[name]));
      const side = Math.min(more.clientHeight - FOOT - 6, more.clientWidth / 3 - 12);
      let peak = 0;
      for (const one of Object.values(own)) { const [a, b] = part(one); for (let i = a; i < b; i++) peak = Math.max(peak, Math.abs(one.values[i])); }
      pen.textAlign = "center";
      pairs.forEach(([across, up], k) => {
        const cx = 6 + (side + 12) * k + side / 2, cy = 3 + side / 2, scale = peak ? side / 2 / peak : 0;
        pen.strokeStyle = colour("line"); pen.strokeRect(cx - side / 2, cy - side / 2, side, side);
        pen.strokeStyle = colour("p"); pen.beginPath();
        const [a, b] = part(own[across]);
        for (let i = a; i < b; i++) pen.lineTo(cx + scale * own[across].values[i], cy - scale * own[up].values[i]);
        pen.stroke();
        pen.fillText(`${across} to the right, ${up} up`, cx, cy + side / 2 + 15);
      });
      if (!pairs.length) { pen.textAlign = "left"; pen.fillText(`${line.row.label} has one component: no motion to draw.`, 6, 20); }
    }

    const nearest = (px, py) => {
      const line = lines[Math.floor((py - HEAD) / TRACE)];
      const best = line?.row.picks.reduce((a, b) => !a || Math.abs(x(b.t) - px) < Math.abs(x(a.t) - px) ? b : a, null);
      return best && Math.abs(x(best.t) - px) < 6 ? best : null;
    };
    function told(pick) {
      const row = data.rows.find(one => one.picks.includes(pick));
      return `${row.label}: ${pick.title}`;
    }
    function zoom(factor, px = (left() + canvas.clientWidth) / 2) {
      const at = time(px), wide = Math.min(Math.max((until - from) * factor, 0.05), data.end - data.start);
      const share = (at - from) / (until - from);
      from = Math.min(Math.max(at - share * wide, data.start), data.end - wide);
      until = from + wide;
      draw();
    }
    function move(seconds) {
      const shift = Math.min(Math.max(seconds, data.start - from), data.end - until);
      from += shift; until += shift;
      draw();
    }
    let held = null;
    canvas.addEventListener("pointerdown", event => {
      held = {x: event.offsetX, y: event.offsetY, moved: 0, pick: nearest(event.offsetX, event.offsetY)};
      held.drags = Boolean(editor?.moves && held.pick);
      held.at = held.pick?.t;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", event => {
      if (!data) return;
      if (held) {
        const step = event.offsetX - held.x;
        held.moved += Math.abs(step);
        if (held.drags) { held.pick.t = time(event.offsetX); draw(); says.textContent = `${held.pick.phase} at ${clock(held.pick.t)}`; }
        else move(-step / (canvas.clientWidth - left()) * (until - from));
        held.x = event.offsetX;
        return;
      }
      const pick = nearest(event.offsetX, event.offsetY);
      if (pick !== near) { near = pick; draw(); }
      says.textContent = pick ? told(pick) : `${clock(time(event.offsetX))} UTC`;
    });
    canvas.addEventListener("pointerup", event => {
      const was = held;
      held = null;
      if (!was || !data) return;
      const line = Math.floor((event.offsetY - HEAD) / TRACE);
      if (was.drags && was.moved < 4) was.pick.t = was.at;
      if (was.moved < 4 && line >= 0 && line < lines.length) {
        current = line;
        if (editor && event.offsetX > left()) clicked(lines[line].row, time(event.offsetX), was.pick);
        says.textContent = was.pick || near ? told(was.pick || near) : `${lines[line].row.label} ${lines[line].trace.component} chosen`;
      } else if (was.drags) editor.moved(was.pick);
      draw();
    });
    canvas.addEventListener("pointercancel", () => {
      if (held?.drags) held.pick.t = held.at;
      held = null;
      draw();
    });
    // A click changes picks when no second one has come, which would make it a double click.
    let waiting = 0;
    function clicked(...where) {
      clearTimeout(waiting);
      waiting = setTimeout(() => editor.clicked(...where), 400);
    }
    canvas.addEventListener("wheel", event => {
      if (!event.ctrlKey && !event.shiftKey) return;
      event.preventDefault();
      zoom(event.deltaY < 0 ? 0.8 : 1.25, event.offsetX);
    }, {passive: false});
    canvas.addEventListener("dblclick", event => { clearTimeout(waiting); zoom(0.5, event.offsetX); });
    canvas.addEventListener("keydown", event => {
      const step = (until - from) / 8;
      const acts = {ArrowLeft: () => move(-step), ArrowRight: () => move(step), "+": () => zoom(0.7), "-": () => zoom(1.4)};
      if (acts[event.key]) { event.preventDefault(); acts[event.key](); }
    });
    for (const button of root.querySelectorAll(".tools button")) button.addEventListener("click", () => {
      const acts = {in: () => zoom(0.6), out: () => zoom(1.6), whole: () => { [from, until, gain] = [data.start, data.end, 1]; draw(); },
                    larger: () => { gain *= 1.5; draw(); }, smaller: () => { gain /= 1.5; draw(); }};
      acts[button.name]?.();
    });
    for (const select of [filter, component]) select.addEventListener("change", prepare);
    kind.addEventListener("change", () => { more.hidden = !kind.value; draw(); });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    new ResizeObserver(draw).observe(canvas);
    const look = (a, b) => { [from, until] = [a, b]; draw(); };
    return {show, draw, look, get data() { return data; }, get window() { return [from, until]; }};
  }
  return {viewer, unpacked, filtered, power};
})();
