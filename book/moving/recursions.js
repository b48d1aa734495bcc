/* The recursions of the figures that move: pure functions with the names and meanings of those in Python, where their
   equations and sources stand: linear_predictor (lib/catapult/theory/linear_predictor.py), two_layer
   (lib/catapult/theory/two_layer.py, and its kernel `follow`), separability (lib/catapult/datasets/separability.py, for
   whole numbers in the plane). tests/moving compares them with Python. */
(() => {
"use strict";

/* A loss of the margin u: value, slope, curvature; on the degenerate pair g = L', 2w/g, w g'/g and L - min L, of |w|. */
const tiny = w => Math.abs(w) < 1e-8;
const sigmoid = u => 1 / (1 + Math.exp(-u));
const losses = {
  exponential: {
    value: u => Math.exp(-u), slope: u => -Math.exp(-u), curvature: u => Math.exp(-u), curvature_at_zero: 1,
    pair: {slope: Math.sinh, bend: Math.cosh,
           critical_rate: w => tiny(w) ? 2 : 4 * (w * Math.exp(-w)) / -Math.expm1(-2 * w),
           elasticity: w => tiny(w) ? 1 : w / Math.tanh(w),
           excess: w => 2 * Math.sinh(w / 2) ** 2}},
  logistic: {
    value: u => Math.max(0, -u) + Math.log1p(Math.exp(-Math.abs(u))), slope: u => -sigmoid(-u),
    curvature: u => sigmoid(u) * sigmoid(-u), curvature_at_zero: 1 / 4,
    pair: {slope: w => Math.tanh(w / 2) / 2, bend: w => (1 - Math.tanh(w / 2) ** 2) / 4,
           critical_rate: w => tiny(w) ? 8 : 4 * w / Math.tanh(w / 2),
           elasticity: w => tiny(w) ? 1 : 2 * (w * Math.exp(-w)) / -Math.expm1(-2 * w),
           excess: w => w < 4 ? Math.log1p(2 * Math.sinh(w / 4) ** 2) : w / 2 - Math.LN2 + Math.log1p(Math.exp(-w))}},
  squared: {
    value: u => (1 - u) ** 2 / 2, slope: u => u - 1, curvature: () => 1, curvature_at_zero: 1,
    pair: {slope: w => w, bend: () => 1, critical_rate: () => 2, elasticity: () => 1, excess: w => w * w / 2}},
};

/* One predictor. */

const PHASES = ["converges", "oscillates below", "oscillates above", "diverges"];
const slope = (loss, w) => losses[loss].pair.slope(w);
const excess_risk = (loss, w) => losses[loss].pair.excess(Math.abs(w));
const critical_learning_rate = (loss, w0) => losses[loss].pair.critical_rate(Math.abs(w0));
const update = (loss, w, rate) => Number.isFinite(w) ? w - rate * slope(loss, w) : -w;

function orbit(step, start, steps) {
  const path = [start];
  for (let t = 0; t < steps; t++) path.push(step(path[t]));
  return path;
}

const iterate = (loss, w0, rate, steps) => orbit(w => update(loss, w, rate), w0, steps);

/* The w* > 0 that a step swaps with -w*, by Newton's method; NaN where there is none. */
function two_cycle(loss, rate) {
  if (loss === "logistic" && rate > 8) {
    let w = rate / 4;
    for (let i = 0; i < 60; i++) {
      const tanh = Math.tanh(w / 2);
      w -= (w - rate / 4 * tanh) / (1 - rate / 8 * (1 - tanh * tanh));
    }
    return w;
  }
  if (loss === "exponential" && rate > 0 && rate < 2) {
    const target = rate < 1 ? Math.log(2) - Math.log(rate) : Math.log1p((2 - rate) / rate);
    if (target < 3e-5) return Math.sqrt(6 * target * (1 + target / 5));
    let w = Math.sqrt(6 * target);
    for (let i = 0; i < 60; i++) {
      const log_sinhc = w - Math.log(2 * w) + Math.log(-Math.expm1(-2 * w));
      w -= (log_sinhc - target) / (1 / Math.tanh(w) - 1 / w);
    }
    return w;
  }
  return NaN;
}

const cycle_multiplier = (loss, w) => 2 * losses[loss].pair.elasticity(Math.abs(w)) - 1;

function predicted_phase(loss, w0, rate) {
  const below = rate < critical_learning_rate(loss, w0);
  if (loss === "logistic") return rate <= 8 ? PHASES[0] : rate <= critical_learning_rate(loss, w0) ? PHASES[1] : PHASES[2];
  return below ? PHASES[0] : PHASES[3];
}

function observed_phase(loss, w0, rate, steps) {
  const start = Math.abs(w0);
  let before = start, w = start;
  for (let t = 0; t < steps; t++) [before, w] = [w, update(loss, w, rate)];
  const last = Math.abs(w);
  if (last > 1e6 * (1 + start)) return PHASES[3];
  if (last < start / 50 || (Math.sign(w) === Math.sign(before) && last < Math.abs(before))) return PHASES[0];
  return Math.max(Math.abs(before), last) <= start ? PHASES[1] : PHASES[2];
}

/* A share p of the labels of the pair is +1. */
const imbalanced_update = (w, rate, p) => w - rate * (sigmoid(w) - p);

function imbalanced_attractor(rate, p, transient, kept, start = Math.log(p / (1 - p)) + 1.3) {
  const step = w => imbalanced_update(w, rate, p);
  let w = start, exponent = 0;
  for (let t = 0; t < transient; t++) w = step(w);
  const late = [];
  for (let t = 0; t < kept; t++) {
    late.push(w);
    exponent += Math.log(Math.max(Math.abs(1 - rate * sigmoid(w) * sigmoid(-w)), 1e-300));
    w = step(w);
  }
  return [late, exponent / kept];
}

/* General data in the plane: Z is a list of signed inputs [y x1, y x2]; the risk is a mean. */

const dot = (a, b) => a[0] * b[0] + a[1] * b[1];
const risk = (loss, Z, w) => Z.reduce((sum, z) => sum + losses[loss].value(dot(z, w)), 0) / Z.length;

function gradient(loss, Z, w) {
  let a = 0, b = 0;
  for (const z of Z) {
    const s = losses[loss].slope(dot(z, w));
    a += s * z[0];
    b += s * z[1];
  }
  return [a / Z.length, b / Z.length];
}

function descend(loss, Z, w0, rate, steps) {
  return orbit(w => {
    const g = gradient(loss, Z, w), next = [w[0] - rate * g[0], w[1] - rate * g[1]];
    return next.every(Number.isFinite) ? next : [NaN, NaN];
  }, w0, steps);
}

/* The larger eigenvalue of the mean of h_i z_i z_i^T. */
function largest_curvature(Z, h) {
  let a = 0, b = 0, c = 0;
  Z.forEach((z, i) => { a += h[i] * z[0] * z[0]; b += h[i] * z[0] * z[1]; c += h[i] * z[1] * z[1]; });
  return ((a + c) / 2 + Math.hypot((a - c) / 2, b)) / Z.length;
}

const smoothness = Z => largest_curvature(Z, Z.map(() => 1 / 4));
const sharpness = (loss, Z, w) => largest_curvature(Z, Z.map(z => losses[loss].curvature(dot(z, w))));

/* The minimiser of the risk of strictly non-separable data, by Newton's method with halved steps. */
function minimiser(loss, Z) {
  let w = [0, 0], now = risk(loss, Z, w);
  for (let i = 0; i < 200; i++) {
    const g = gradient(loss, Z, w);
    let a = 0, b = 0, c = 0;
    for (const z of Z) {
      const curved = losses[loss].curvature(dot(z, w)) / Z.length;
      a += curved * z[0] * z[0]; b += curved * z[0] * z[1]; c += curved * z[1] * z[1];
    }
    const area = a * c - b * b, step = [(c * g[0] - b * g[1]) / area, (a * g[1] - b * g[0]) / area];
    if (!step.every(Number.isFinite) || Math.hypot(...step) < 1e-13 * (1 + Math.hypot(...w))) break;
    let share = 1, next, then;
    do {
      next = [w[0] - share * step[0], w[1] - share * step[1]];
      then = risk(loss, Z, next);
      share /= 2;
    } while (!(then <= now) && share > 1e-12);
    [w, now] = [next, then];
  }
  return w;
}

/* The kind of whole-number data in the plane, decided exactly, with its evidence: a direction v with z_i.v > 0 (separable)
   or >= 0 (non-separable), or the two or three z_i whose positive multiples add up to 0 (conflict, positions in Z).
   separable_part: the points with z_i.v > 0 where the others cannot be separated from each other. */
const cross = (a, b) => a[0] * b[1] - a[1] * b[0];

function certify(Z) {
  const zero = Z.findIndex(z => z[0] === 0 && z[1] === 0), rows = Z.filter(z => z[0] !== 0 || z[1] !== 0);
  const pair = () => {
    for (let i = 0; i < Z.length; i++)
      for (let j = i + 1; j < Z.length; j++) if (cross(Z[i], Z[j]) === 0 && dot(Z[i], Z[j]) < 0) return [i, j];
    return [];
  };
  const triple = () => {
    for (let i = 0; i < Z.length; i++)
      for (let j = i + 1; j < Z.length; j++)
        for (let k = j + 1; k < Z.length; k++) {
          const turns = [cross(Z[i], Z[j]), cross(Z[j], Z[k]), cross(Z[k], Z[i])];
          if (turns.every(turn => turn > 0) || turns.every(turn => turn < 0)) return [i, j, k];
        }
    return pair();
  };
  // All are in one closed half-plane iff they are in one whose edge passes through one of them.
  const normals = rows.flatMap(z => [[-z[1], z[0]], [z[1], -z[0]]]);
  const holding = normals.filter(v => rows.every(z => dot(z, v) >= 0));
  if (rows.length && !holding.length) return {kind: "strictly non-separable", conflict: triple(), separable_part: []};
  const opposed = pair();
  const inside = v => Z.flatMap((z, i) => dot(z, v) > 0 ? [i] : []);
  const kind = zero < 0 && rows.length && !opposed.length ? "separable" : "non-separable";
  const direction = opposed.length ? holding.find(v => inside(v).length) ?? holding[0] : largest_margin(rows) ?? [0, 0];
  return {kind, direction, conflict: opposed.length || zero < 0 ? opposed : [zero], separable_part: inside(direction)};
}

/* The unit vector v with the largest margin min z_i.v: the direction of the point nearest to 0 of the hull of the z_i, which
   is one of them or the foot of the perpendicular on the line through two, (d1, -d0) (a x b)/|d|^2 with d = b - a. */
function largest_margin(Z) {
  let best = null, margin = 0;
  const consider = (q, level) => {  // z.q >= level for all z: the margin along q is level/|q|
    const size = Math.hypot(...q);
    if (level / size > margin && Z.every(z => dot(z, q) >= level - 1e-12 * size * Math.hypot(...z))) [best, margin] = [q, level / size];
  };
  for (const a of Z) {
    consider(a, dot(a, a));
    for (const b of Z) {
      const d = [b[0] - a[0], b[1] - a[1]], c = cross(a, b);
      if (dot(a, d) < 0 && dot(b, d) > 0) consider([d[1] * c, -d[0] * c], c * c);
    }
  }
  return best && best.map(x => x / Math.hypot(...best));
}

/* Two layers on the balanced pair: the output f and the kernel lambda = ntk; Lambda = rate ntk, kappa = rate^2 / width. */

const LABELS = ["lazy", "catapult", "divergent", "unsettled"];
const HUGE = 1e30, h = loss => losses[loss].curvature_at_zero;
const feasible = (f, ntk, width) => ntk >= 2 * Math.abs(f) / Math.sqrt(width) * (1 - 1e-12);
const stability_edge = (loss, rate) => 2 / (h(loss) * rate);

function plane_step(loss, f, scaled, kappa) {
  const g = slope(loss, f);
  return [f * (1 + kappa * g * g) - scaled * g, scaled + kappa * g * (scaled * g - 4 * f)];
}

/* [f_t, ntk_t], t = 0 ... steps; NaN from the first overflow on. */
function iterate_two_layer(loss, f0, ntk0, width, rate, steps) {
  const kappa = rate * rate / width;
  const path = orbit(([f, scaled]) => {
    const next = plane_step(loss, f, scaled, kappa);
    return next.every(Number.isFinite) ? next : [NaN, NaN];
  }, [f0, rate * ntk0], steps);
  return [path.map(([f]) => f), path.map(([, scaled]) => scaled / rate)];
}

function critical_learning_rate_two_layer(loss, f0, ntk0, width) {
  const ratio = f0 === 0 ? h(loss) : slope(loss, f0) / f0, root = ntk0 * ntk0 - 8 * f0 * f0 / width;
  return root >= 0 ? 4 / (ratio * (ntk0 + Math.sqrt(root))) : ntk0 * width / (ratio * f0 * f0);
}

const EDGES = {
  exponential: (f, ntk) => critical_learning_rate("exponential", f) / ntk,
  logistic: (f, ntk, width) => Math.max(16 / ntk, Math.sqrt(8 * width)),
  squared: (f, ntk) => 4 / ntk,
};
const convergence_edge = (loss, f0, ntk0, width) => EDGES[loss](f0, ntk0, width);

function two_cycle_two_layer(width, rate) {
  const kappa = rate * rate / width, tanh = kappa > 8 ? 2 * Math.sqrt(2 / kappa) : NaN, f = 2 * Math.atanh(tanh);
  return [f, 8 * f / (tanh * rate)];
}

const slide_ntk = (width, rate) => 8 / rate - 1.5 * rate / width;

function slow_ntk(loss, f, width, rate) {
  const size = Math.max(Math.abs(f), 1e-3), e = losses[loss].pair.elasticity(size);
  const drift = e === 1 ? NaN : size * slope(loss, size) * e / (e - 1);
  return critical_learning_rate(loss, f) / rate + drift * rate / width;
}

/* Iterate until the outcome is known, as `follow` in lib/catapult/theory/_kernels.py does: [label, f, Lambda]. An orbit
   that is known to return (`returns`: squared, Lambda < 4; logistic, kappa <= 8) is left where it first rises. */
function follow(loss, f, scaled, kappa, steps, tail = 0, returns = false) {
  const edge = h(loss);
  let rises = LABELS[0], annihilated = false, carry = 0;
  for (let t = 0; t < steps; t++) {
    if (f === 0 || (returns && rises === LABELS[1])) return [rises, f, scaled];
    const g = slope(loss, f);
    if (!(scaled < HUGE && Math.abs(g) < Infinity)) return [LABELS[2], f, scaled];
    if (Math.max(scaled * g / f, edge * scaled) <= 2) {
      if (tail > 0 && annihilated) return [rises, f, 0];
      const left = kappa * f * f * (4 - edge * scaled);
      if (tail === 0 || left <= tail * scaled * scaled * (2 - edge * scaled)) return [rises, f, scaled];
    }
    annihilated ||= kappa * g * g === 1;
    const after = f * (1 + kappa * g * g) - scaled * g, change = carry + kappa * g * (scaled * g - 4 * f);
    const before = scaled;
    scaled += change;
    carry = change - (scaled - before);
    if (Math.abs(after) > Math.abs(f) * (1 + 1e-12)) rises = LABELS[1];
    f = after;
  }
  return [LABELS[3], f, scaled];
}

const phase = (loss, f0, ntk0, width, rate, steps = 100000) =>
  follow(loss, f0, rate * ntk0, rate * rate / width, steps)[0];

/* The limit of ntk; NaN where the orbit diverges or is not decided in these steps. */
function final_ntk(loss, f0, ntk0, width, rate, max_steps = 200000) {
  const [label, , scaled] = follow(loss, f0, rate * ntk0, rate * rate / width, max_steps, 1e-17);
  return label === LABELS[2] || label === LABELS[3] ? NaN : scaled / rate;
}

const catapult = {
  losses,
  linear_predictor: {PHASES, slope, excess_risk, critical_learning_rate, update, iterate, two_cycle, cycle_multiplier,
                     predicted_phase, observed_phase, imbalanced_update, imbalanced_attractor, risk, gradient, descend,
                     smoothness, sharpness, minimiser, largest_margin},
  separability: {certify},
  two_layer: {LABELS, feasible, stability_edge, iterate: iterate_two_layer, slide_ntk, slow_ntk, follow, phase, final_ntk,
              critical_learning_rate: critical_learning_rate_two_layer, convergence_edge, two_cycle: two_cycle_two_layer},
};
if (typeof module !== "undefined") module.exports = catapult;
if (typeof window !== "undefined") window.catapult = catapult;
})();
