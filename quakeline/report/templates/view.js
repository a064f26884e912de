"use strict";
// Any event and any time of the run, from the server; picks are changed there.
(() => {
  const place = document.getElementById("view"), root = document.getElementById("closer");
  if (!root) return;
  const settings = JSON.parse(document.getElementById("view-data").textContent);
  const field = name => place.querySelector(`[name=${name}]`);
  const says = root.querySelector("output"), edited = document.getElementById("edited");
  const act = field("act");
  let asked = null;

  // The token stands in the address of the page alone.
  const token = new URLSearchParams(location.search).get("token") ?? "";
  async function answered(address, more = {}) {
    const headers = {"X-Quakeline-Token": token, ...more.headers};
    const answer = await fetch(address, {...more, headers})
      .catch(() => { throw new Error("The server does not answer: has quakeline view ended?"); });
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json();
  }

  async function fetched(address) {
    const stations = encodeURIComponent(field("stations").value);
    const section = await answered(`${address}&stations=${stations}`), rows = section.rows;
    const named = section.silent.slice(0, 5).join(", "), further = section.silent.length - 5;
    const told = [
      rows.length ? "" : "No waveforms in this time.",
      section.left_out ? `${section.left_out} more instruments are left out: too many samples. Stations names those to show, or show a shorter time.` : "",
      section.silent.length ? `No data in this time: ${named}${further > 0 ? ` and ${further} more` : ""}.` : "",
      section.without_pick ? `${section.without_pick} arrivals of the event have no pick in the table of picks.` : "",
    ].filter(Boolean);
    if (told.length) says.textContent = told.join(" ");
    return {...section, rows: await Promise.all(rows.map(async row => ({...row,
      traces: await Promise.all(row.traces.map(async trace =>
        ({...trace, values: await traces.unpacked(trace.packed, trace.step)})))})))};
  }

  async function change(body) {
    const [from, until] = viewer.window;
    let wrong = "";
    try {
      const {picks, edited: n, undo} = await answered("/picks", {method: "POST",
        body: JSON.stringify(body), headers: {"Content-Type": "application/json"}});
      edited.textContent = `${picks} picks in the table, ${n} of them added or moved.`;
      field("undo").disabled = !undo;
    } catch (error) { wrong = error.message; }
    await viewer.show(asked).catch(error => { wrong ||= error.message; });
    viewer.look(from, until);
    if (wrong) says.textContent = wrong;
  }

  const time = t => viewer.data.zero + 1000 * t;
  const editor = settings.writes ? {
    get moves() { return act.value === "move"; },
    clicked(row, t, pick) {
      if (act.value === "delete" && pick) change({act: "delete", id: pick.id});
      else if ((act.value === "P" || act.value === "S") && !pick) change({act: "add", label: row.label, phase: act.value, time: time(t)});
    },
    moved(pick) { change({act: "move", id: pick.id, time: time(pick.t)}); },
  } : null;
  const viewer = traces.viewer(root, address => fetched(address), editor);
  const said = time => new Date(time).toISOString().replace("T", " ").replace("Z", "");
  const go = address => {
    asked = address;
    return viewer.show(address).then(() => {
      const {zero, start, end} = viewer.data;
      if (asked !== address) return;
      field("begin").value = said(Math.round(zero + 1000 * start));
      field("length").value = Math.max(1, Math.round(end - start));
    }).catch(error => { says.textContent = error.message; });
  };
  field("undo")?.addEventListener("click", () => change({act: "undo"}));

  function span(shift = 0) {
    const begin = Date.parse(field("begin").value.trim().replace(" ", "T").replace(/Z?$/, "Z"));
    const length = Number(field("length").value);
    if (Number.isNaN(begin) || !(length > 0)) { says.textContent = "A time such as 2010-05-27 16:24:00 is needed."; return; }
    const start = Math.round(begin + shift * length * 1000);
    field("begin").value = said(start);
    go(`/span?start=${start}&end=${Math.round(start + 1000 * length)}`);
  }
  field("show").addEventListener("click", () => span());
  field("earlier").addEventListener("click", () => span(-1));
  field("later").addEventListener("click", () => span(1));
  field("stations").addEventListener("change", () => asked && go(asked));
  field("begin").value = said(settings.start);
  selection.watch(number => { if (number !== null) go(`/event?number=${number}`); });
  span();
})();
