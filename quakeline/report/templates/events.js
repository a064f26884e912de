"use strict";
// The table of events: sorted and searched here, with as many columns as there is room for.
(() => {
  const section = document.getElementById("events");
  const data = JSON.parse(document.getElementById("events-data").textContent);
  const table = section.querySelector("table");
  const box = section.querySelector(".scroll");
  const tools = section.querySelector(".tools");
  const search = tools.querySelector("[name=search]");
  const says = tools.querySelector("output");
  const detail = section.querySelector(".chosen");
  const PAGE = 100;
  const columns = data.columns.map((column, index) => ({...column, index}));
  const place = new Map(data.rows.map((row, index) => [row[0], index]));
  const drawn = new Set(data.drawn);
  let shownColumns = columns, found = data.rows.map((_, index) => index);
  let order = {column: 0, down: false}, first = 0;

  const format = (value, column) => {
    if (value === null) return "–";
    if (column.digits === null) return String(value);
    const text = value.toFixed(column.digits);
    return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
  };
  const texts = data.rows.map(row =>
    columns.map(column => format(row[column.index], column)).join(" ").toLowerCase());

  // Words that a row must hold, and comparisons such as mag>2 or depth<10.
  function wanted(text) {
    return text.toLowerCase().split(/\s+/).filter(Boolean).map(word => {
      const parts = /^([a-z_]+)(<=|>=|<|>|=)(-?[\d.]+)$/.exec(word);
      const column = parts && columns.find(c => c.key === parts[1]);
      if (!column) return row => texts[row].includes(word);
      const value = Number(parts[3]);
      const compare = {"<": v => v < value, ">": v => v > value, "<=": v => v <= value,
                       ">=": v => v >= value, "=": v => v === value}[parts[2]];
      return row => data.rows[row][column.index] !== null && compare(data.rows[row][column.index]);
    });
  }

  function arrange() {
    const tests = wanted(search.value);
    found = data.rows.map((_, index) => index).filter(row => tests.every(test => test(row)));
    const sign = order.down ? -1 : 1, at = order.column;
    found.sort((a, b) => {
      const [x, y] = [data.rows[a][at], data.rows[b][at]];
      if (x === null || y === null) return (x === null) - (y === null);
      return sign * (x < y ? -1 : x > y ? 1 : a - b);
    });
    first = 0;
    fill();
  }

  function cell(row, column) {
    const heading = column.index === 0;
    const made = document.createElement(heading ? "th" : "td");
    const value = data.rows[row][column.index];
    if (column.digits !== null) made.className = "n";
    if (heading) {
      made.scope = "row";
      const link = document.createElement("a");
      link.href = drawn.has(value) ? `#record-${value}` : "#chosen-event";
      link.textContent = value;
      link.setAttribute("aria-label", drawn.has(value) ? `Record section of event ${value}` : `Event ${value}`);
      made.append(link);
      return made;
    }
    made.textContent = format(value, column);
    const sigma = column.sigma === null || box.clientWidth < 700 ? null : data.rows[row][column.sigma];
    if (sigma !== null) {
      const small = document.createElement("small");
      small.textContent = ` ± ${format(sigma, columns[column.sigma])}`;
      made.append(small);
    }
    return made;
  }

  function fill(all = false) {
    const head = document.createElement("tr");
    for (const column of shownColumns) {
      const title = document.createElement("th");
      title.scope = "col";
      if (column.digits !== null) title.className = "n";
      const mine = order.column === column.index;
      title.setAttribute("aria-sort", mine ? (order.down ? "descending" : "ascending") : "none");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = column.name;
      button.title = column.title;
      button.addEventListener("click", () => {
        order = {column: column.index, down: mine && !order.down};
        arrange();
      });
      title.append(button);
      head.append(title);
    }
    table.tHead.replaceChildren(head);
    const rows = found.slice(all ? 0 : first, all ? data.printed : first + PAGE).map(row => {
      const line = document.createElement("tr");
      line.dataset.number = data.rows[row][0];
      if (data.rows[row][0] === selection.current) line.className = "picked";
      line.append(...shownColumns.map(column => cell(row, column)));
      return line;
    });
    table.tBodies[0].replaceChildren(...rows);
    tell();
  }

  function tell() {
    const n = found.length, last = Math.min(first + PAGE, n);
    const whole = n === data.rows.length ? `${n}` : `${n} of ${data.rows.length}`;
    says.textContent = n > PAGE ? `${first + 1} to ${last} of ${whole} events` : `${whole} ${n === 1 ? "event" : "events"}`;
    tools.querySelector("[name=back]").disabled = first === 0;
    tools.querySelector("[name=on]").disabled = last >= n;
    tools.querySelector(".pages").hidden = n <= PAGE;
  }

  // Columns of the highest rank leave until the table fits.
  function fit() {
    const ranks = [...new Set(columns.map(column => column.rank))].sort((a, b) => b - a);
    let most = ranks[0];
    do {
      shownColumns = columns.filter(column => column.rank <= most && column.shown);
      fill();
      most -= 1;
    } while (table.scrollWidth > box.clientWidth + 1 && most >= 0);
    const hidden = columns.filter(c => c.shown && !shownColumns.includes(c));
    section.querySelector(".hidden-columns").textContent =
      hidden.length ? " A click on an event shows the columns for which there is no room." : "";
  }

  function describe(number) {
    const row = place.get(number);
    detail.hidden = row === undefined;
    if (detail.hidden) return;
    const list = columns.map(column => {
      const part = document.createElement("div");
      const term = document.createElement("dt"), value = document.createElement("dd");
      term.textContent = column.title;
      value.textContent = format(data.rows[row][column.index], column) + (column.unit && data.rows[row][column.index] !== null ? ` ${column.unit}` : "");
      part.append(term, value);
      return part;
    });
    detail.querySelector("h3").textContent = `Event ${number}`;
    detail.querySelector("dl").replaceChildren(...list);
    const link = detail.querySelector("a");
    link.hidden = !drawn.has(number);
    link.href = `#record-${number}`;
  }

  function show(number) {
    const at = found.indexOf(place.get(number));
    if (at >= 0 && (at < first || at >= first + PAGE)) { first = at - at % PAGE; fill(); }
    for (const line of table.tBodies[0].rows) {
      const mine = Number(line.dataset.number) === number;
      line.classList.toggle("picked", mine);
      if (mine) bringIn(line);
    }
    describe(number);
  }

  function bringIn(line) {
    const head = table.tHead.offsetHeight, top = line.offsetTop - head;
    if (top < box.scrollTop) box.scrollTop = top;
    const below = line.offsetTop + line.offsetHeight - box.clientHeight;
    if (below > box.scrollTop) box.scrollTop = below;
  }

  table.tBodies[0].addEventListener("click", event => {
    const line = event.target.closest("tr");
    if (line) selection.choose(Number(line.dataset.number));
  });
  search.addEventListener("input", arrange);
  tools.querySelector("[name=back]").addEventListener("click", () => { first -= PAGE; fill(); box.scrollTop = 0; });
  tools.querySelector("[name=on]").addEventListener("click", () => { first += PAGE; fill(); box.scrollTop = 0; });
  selection.watch(show);
  addEventListener("beforeprint", () => fill(true));
  addEventListener("afterprint", () => fill());
  tools.hidden = false;
  let width = 0;
  new ResizeObserver(() => {
    if (box.clientWidth !== width) { width = box.clientWidth; fit(); }
  }).observe(box);
  fit();
  // The circles of the drawn map, where they are single elements, and the record sections.
  const circles = [...document.querySelectorAll('#map [id$="-events-above"]')].map(group => {
    const uses = [...group.querySelectorAll("use")];
    return uses.length ? uses : [...group.querySelectorAll(":scope > path")];
  });
  for (const group of circles) group.forEach((circle, index) => {
    circle.style.cursor = "pointer";
    circle.addEventListener("click", () => selection.choose(index + 1));
  });
  const balls = [...document.querySelectorAll('#map [id*="-mechanism-"]')].map(ball =>
    [ball, Number(ball.id.split("-").pop())]);
  for (const [ball, number] of balls) {
    ball.style.cursor = "pointer";
    ball.addEventListener("click", () => selection.choose(number));
  }
  const records = [...document.querySelectorAll(".record")];
  for (const record of records) {
    record.addEventListener("click", () => selection.choose(Number(record.id.slice(7))));
  }
  selection.watch(number => {
    for (const [ball, own] of balls) ball.classList.toggle("picked", own === number);
    for (const record of records) record.classList.toggle("picked", record.id === `record-${number}`);
    for (const group of circles) {
      group.forEach((circle, index) => circle.classList.toggle("picked", index + 1 === number));
    }
  });
})();
