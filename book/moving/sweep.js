/* A recorded sweep, read: pure functions with the names and meanings of those in Python, which reads the same tables by
   their labels: lib/catapult/chapters/mnist_sides/outcomes.py. Nothing is interpolated. tests/moving compares them. */
(() => {
"use strict";
const LISTS = ["learning_rate", "phase", "loss", "start", "end", "accuracy", "right", "wrong", "outputs"];

/* What the page holds; what was not recorded, since the run diverged, is NaN. */
const parse = text => JSON.parse(text, (_, one) => one === null ? NaN : one);

/* The place of the nearest recorded rate, by logarithms. */
const nearest = (table, multiple) => table.multiples.reduce((best, one, i) =>
  Math.abs(Math.log(one / multiple)) < Math.abs(Math.log(table.multiples[best] / multiple)) ? i : best, 0);

/* What is recorded of one run. */
function at(table, version, seed, multiple) {
  const v = table.versions.indexOf(version), s = table.seeds.indexOf(seed), m = nearest(table, multiple);
  return Object.fromEntries(LISTS.map(name => [name, table[name][v][s][m]]));
}

/* Of the digits that are shown, how many the run answers wrongly; NaN if it diverged. */
function mistaken(table, outputs) {
  return outputs.every(Number.isFinite) ? outputs.filter((one, i) => (one > 0) !== (table.labels[i] > 0)).length : NaN;
}

const sweep = {parse, nearest, at, mistaken};
if (typeof module !== "undefined") module.exports = {sweep};
if (typeof window !== "undefined") window.catapult.sweep = sweep;
})();
