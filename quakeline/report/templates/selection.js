"use strict";
// The chosen event, by its number: the map, the table and the record sections all watch it.
const selection = (() => {
  const watchers = [];
  let current = null;
  return {
    get current() { return current; },
    choose(number) {
      current = number;
      for (const watcher of watchers) watcher(number);
    },
    watch(watcher) { watchers.push(watcher); },
  };
})();
