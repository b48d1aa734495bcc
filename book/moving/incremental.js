/* The toy model of incremental learning: pure functions with the names and meanings of those in Python, where their equations
   and sources stand: lib/catapult/theory/incremental.py. tests/moving compares them with Python. */
(() => {
"use strict";
const LEVELS = [1 / 4, 3 / 4];
const stable_learning_rate = (depth, target) => 2 / (depth * depth * target ** (2 - 2 / depth));
const step = (depth, targets, rate, w) => w.map((one, i) => one + rate * depth * one ** (depth - 1) * (targets[i] - one ** depth));

/* The values from one start; stop, if given, says of their weights when it is enough. */
function descend(depth, targets, rate, log_start, steps, stop = null) {
  let w = targets.map(() => Math.exp(log_start / depth));
  const path = [w];
  for (let t = 0; t < steps && !stop?.(w, t); t++) path.push(w = step(depth, targets, rate, w));
  return path.map(weights => weights.map(one => one ** depth));
}

/* Along values (step, targets): when one first gets to a level, between two steps of log sigma; NaN if never. */
function crossing(path, i, level) {
  const t = path.findIndex(values => values[i] >= level);
  if (t < 1) return t === 0 ? 0 : NaN;
  return t - 1 + Math.log(level / path[t - 1][i]) / Math.log(path[t][i] / path[t - 1][i]);
}

function between(path, i, time) {
  const t = Math.floor(time), share = time - t;
  return share === 0 ? path[t][i] : path[t][i] * (path[t + 1][i] / path[t][i]) ** share;
}

/* log sigma of target 1 when that of target r gets to `first` r, at `multiple` times 2/sharpness at r. */
function log_second_of_steps(depth, r, multiple, log_start, first = LEVELS[1]) {
  const targets = [r, 1], rate = multiple * stable_learning_rate(depth, r);
  const path = descend(depth, targets, rate, log_start, 1e6, w => w[0] ** depth >= first * r);
  return Math.log(between(path, 1, crossing(path, 0, first * r)));
}

const incremental = {LEVELS, stable_learning_rate, step, descend, crossing, between, log_second_of_steps};
if (typeof module !== "undefined") module.exports = {incremental};
if (typeof window !== "undefined") window.catapult.incremental = incremental;
})();
