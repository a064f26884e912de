"use strict";
// The record section of the chosen event, from the samples that the page holds.
(() => {
  const root = document.getElementById("closer");
  const events = JSON.parse(document.getElementById("traces-data").textContent);
  const opened = async event => ({...event, rows: await Promise.all(event.rows.map(async row => ({...row,
    traces: await Promise.all(row.traces.map(async trace =>
      ({...trace, values: await traces.unpacked(trace.packed, trace.step)})))})))});
  const viewer = traces.viewer(root, number => events[number] ? opened(events[number]) : null);
  selection.watch(viewer.show);
  const first = Object.keys(events)[0];
  if (first !== undefined) viewer.show(Number(first));
})();
