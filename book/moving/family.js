/* Gradient descent on F(xy): pure functions with the names and meanings of those in Python, where their equations and
   sources stand: lib/catapult/chapters/regularity/family.py, and labels in experiment.py beside it, for one run.
   tests/moving compares them with Python. */
(() => {
"use strict";
const LOST = 1e8, SETTLED = 1e-6, RISE = 1e-3, EDGE = 1.8, BALANCED = .9;
const log_sum = (a, b) => Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
const sigmoid = u => 1 / (1 + Math.exp(-u));

/* A member: F, F', F'' and what is known of it at its minimum. */
function power(order, target = .5) {
  const p = order, square = s => (s - target) ** 2;
  return {
    value: s => Math.expm1(p / 2 * Math.log1p(square(s))) / p,
    slope: s => (s - target) * (1 + square(s)) ** (p / 2 - 1),
    curvature: s => (1 + (p - 1) * square(s)) * (1 + square(s)) ** (p / 2 - 2),
    minimiser: target, second: 1, third: 0, fourth: 3 * (p - 2), order: p,
    steepest: p > 1 ? Infinity : p === 1 ? 1 : (1 + 1 / (1 - p)) ** (p / 2 - 1) / Math.sqrt(1 - p)};
}

function log_cosh(target = .5) {
  return {
    value: s => log_sum(s - target, target - s) - Math.LN2, slope: s => Math.tanh(s - target),
    curvature: s => 1 - Math.tanh(s - target) ** 2,
    minimiser: target, second: 1, third: 0, fourth: -2, order: 1, steepest: 1};
}

function cross_entropy(share = .7) {
  const least = Math.log(share / (1 - share)), v = share * (1 - share);
  return {
    value: s => log_sum(0, s) - share * s - log_sum(0, least) + share * least, slope: s => sigmoid(s) - share,
    curvature: s => sigmoid(s) * sigmoid(-s),
    minimiser: least, second: v, third: v * (1 - 2 * share), fourth: v * (1 - 6 * v), order: 1, steepest: Math.max(share, 1 - share)};
}

/* A member, or its name with what makes it: ["power", 1, .5]. */
const MEMBERS = {power, log_cosh, cross_entropy};
const built = member => Array.isArray(member) ? MEMBERS[member[0]](...member.slice(1)) : member;
const derivative = (member, which, s) => built(member)[which](s);

function sharpness(given, x, y) {
  const member = built(given), s = x * y, bend = member.curvature(s);
  return (bend * (x * x + y * y) + Math.hypot(bend * (x * x - y * y), 2 * (member.slope(s) + bend * s))) / 2;
}

function product_stability(given) {
  const {second, third, fourth} = built(given);
  return 3 * third ** 2 - second * fourth;
}

const end = (given, rate) => 2 - 3 * rate * rate * built(given).second ** 4 / product_stability(given);

/* What to call a run. */
const labels = run => run.lost ? "divergent" : !run.converged ? "unsettled" : run.rise <= RISE ? "lazy" : run.edge >= EDGE ? "edge" : "catapult";

/* One run: what `follow` in Python sees of it, ηλ at its end (edge, NaN if it has not converged), the share of x² - y² that
   is left, and its label; path, if it is asked for by a list, is what it went through, up to where it is lost. */
function follow(given, x0, y0, rate, steps, path = null) {
  const member = built(given), first = member.value(x0 * y0);
  let x = x0, y = y0, lost = false;
  path?.push([x, y]);
  let lowest = first, peak = first, rise = 0;
  for (let t = 0; t < steps; t++) {
    const a = rate * member.slope(x * y);
    [x, y] = [x - a * y, y - a * x];
    if (!(x * x + y * y < LOST)) { lost = true; break; }
    const loss = member.value(x * y);
    lowest = Math.min(lowest, loss);
    peak = Math.max(peak, loss);
    rise = Math.max(rise, loss - lowest);
    path?.push([x, y]);
  }
  const converged = !lost && Math.abs(x * y - member.minimiser) < SETTLED;
  const run = {converged, lost, rise: lost ? Infinity : rise / first, peak: lost ? Infinity : peak / first, x, y, path,
    edge: converged ? rate * member.second * (x * x + y * y) : NaN,
    left: lost ? NaN : Math.abs(x * x - y * y) / Math.abs(x0 * x0 - y0 * y0)};
  return {...run, label: labels(run)};
}

const family = {BALANCED, built, derivative, sharpness, product_stability, end, labels, follow};
if (typeof module !== "undefined") module.exports = {family};
if (typeof window !== "undefined") window.catapult.family = family;
})();
