/* The Chebyshev task of the edge of stability: pure functions with the names and meanings of those in Python, where their
   equations and sources stand: polynomial.py, uniform.py and experiment.py in lib/catapult/chapters/edge_of_stability.
   For one run; a product with the Hessian is exact, by hand. tests/moving compares them with Python. */
(() => {
"use strict";
const GAIN = 1.5, MODULUS = 2147483647, FACTOR = 48271, PRODUCTS = 80, SURE = 1e-5;

/* The task: inputs x (with 1 beside them), values y. */
function fit(width, degree = 4, points = 20) {
  const x = Float64Array.from({length: points}, (_, i) => -1 + 2 * i / (points - 1)), y = x.map(one => chebyshev(degree, one));
  return {width, degree, points, x, y, size: width * (width + 3)};
}

function chebyshev(degree, x) {
  let before = 1, now = x;
  for (let k = 1; k < degree; k++) [before, now] = [now, 2 * x * now - before];
  return degree ? now : 1;
}

const built = task => Array.isArray(task) ? fit(...task) : task;

/* Initial weights: the entries of W1, W2, W3, in this order. */
function start(task, seed) {
  const {width, size} = built(task);
  let state = seed;
  return Float64Array.from({length: size}, (_, k) => {
    state = state * FACTOR % MODULUS;
    return GAIN * Math.sqrt(3 / (k < 2 * width ? 2 : width)) * (2 * state / MODULUS - 1);
  });
}

/* All that the loss, its gradient and its Hessian need at w. Arrays over (unit, point): low = tanh(W1 x), high = tanh(W2 low);
   delta = (f - y)/n; above = W3' delta and below = W2' upper, before the slopes of tanh make upper and lower of them. */
function at(task, w) {
  const {width: m, points: n, x, y} = task, second = 2 * m, third = second + m * m;
  const low = new Float64Array(m * n), high = new Float64Array(m * n), above = new Float64Array(m * n), below = new Float64Array(m * n);
  const upper = new Float64Array(m * n), lower = new Float64Array(m * n), delta = new Float64Array(n);
  for (let j = 0; j < m; j++) for (let i = 0; i < n; i++) low[j * n + i] = Math.tanh(w[2 * j] * x[i] + w[2 * j + 1]);
  let loss = 0;
  for (let k = 0; k < m; k++) {
    for (let j = 0; j < m; j++) {
      const W = w[second + k * m + j];
      for (let i = 0; i < n; i++) high[k * n + i] += W * low[j * n + i];
    }
    for (let i = 0; i < n; i++) {
      const h = high[k * n + i] = Math.tanh(high[k * n + i]);
      delta[i] += w[third + k] * h;
    }
  }
  for (let i = 0; i < n; i++) {
    const residual = delta[i] - y[i];
    loss += residual * residual / (2 * n);
    delta[i] = residual / n;
  }
  for (let k = 0; k < m; k++) {
    for (let i = 0; i < n; i++) {
      const a = k * n + i;
      above[a] = w[third + k] * delta[i];
      upper[a] = above[a] * (1 - high[a] * high[a]);
    }
    for (let j = 0; j < m; j++) {
      const W = w[second + k * m + j];
      for (let i = 0; i < n; i++) below[j * n + i] += W * upper[k * n + i];
    }
  }
  for (let a = 0; a < m * n; a++) lower[a] = below[a] * (1 - low[a] * low[a]);
  return {w, loss, low, high, above, below, upper, lower, delta};
}

/* The loss and its gradient. */
function slope(task, w) {
  const known = built(task), {width: m, points: n, x} = known, {loss, low, high, upper, lower, delta} = at(known, w);
  const gradient = new Float64Array(w.length), second = 2 * m, third = second + m * m;
  for (let j = 0; j < m; j++) {
    for (let i = 0; i < n; i++) {
      gradient[2 * j] += lower[j * n + i] * x[i];
      gradient[2 * j + 1] += lower[j * n + i];
      gradient[third + j] += delta[i] * high[j * n + i];
    }
    for (let k = 0; k < m; k++) {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += upper[k * n + i] * low[j * n + i];
      gradient[second + k * m + j] = sum;
    }
  }
  return {loss, gradient};
}

/* Hv, from what `at` found: the derivative of the gradient along v; d... are derivatives of what they are called after. */
function product_at({width: m, points: n, x}, {w, low, high, above, below, upper, delta}, v) {
  const second = 2 * m, third = second + m * m, found = new Float64Array(v.length);
  const dlow = new Float64Array(m * n), dhigh = new Float64Array(m * n), dupper = new Float64Array(m * n), dbelow = new Float64Array(m * n), ddelta = new Float64Array(n);
  for (let j = 0; j < m; j++) for (let i = 0; i < n; i++) {
    const a = j * n + i;
    dlow[a] = (v[2 * j] * x[i] + v[2 * j + 1]) * (1 - low[a] * low[a]);
  }
  for (let k = 0; k < m; k++) {
    for (let j = 0; j < m; j++) {
      const W = w[second + k * m + j], V = v[second + k * m + j];
      for (let i = 0; i < n; i++) dhigh[k * n + i] += V * low[j * n + i] + W * dlow[j * n + i];
    }
    for (let i = 0; i < n; i++) {
      const a = k * n + i;
      dhigh[a] *= 1 - high[a] * high[a];
      ddelta[i] += (v[third + k] * high[a] + w[third + k] * dhigh[a]) / n;
    }
  }
  for (let k = 0; k < m; k++) {
    for (let i = 0; i < n; i++) {
      const a = k * n + i;
      dupper[a] = (v[third + k] * delta[i] + w[third + k] * ddelta[i]) * (1 - high[a] * high[a]) - 2 * above[a] * high[a] * dhigh[a];
      found[third + k] += ddelta[i] * high[a] + delta[i] * dhigh[a];
    }
    for (let j = 0; j < m; j++) {
      const W = w[second + k * m + j], V = v[second + k * m + j];
      let sum = 0;
      for (let i = 0; i < n; i++) {
        const a = k * n + i, b = j * n + i;
        dbelow[b] += V * upper[a] + W * dupper[a];
        sum += dupper[a] * low[b] + upper[a] * dlow[b];
      }
      found[second + k * m + j] = sum;
    }
  }
  for (let j = 0; j < m; j++) for (let i = 0; i < n; i++) {
    const a = j * n + i, dlower = dbelow[a] * (1 - low[a] * low[a]) - 2 * below[a] * low[a] * dlow[a];
    found[2 * j] += dlower * x[i];
    found[2 * j + 1] += dlower;
  }
  return found;
}

function product(task, w, v) {
  const known = built(task);
  return product_at(known, at(known, w), v);
}

const inner = (a, b) => { let sum = 0; for (let i = 0; i < a.length; i++) sum += a[i] * b[i]; return sum; };
const unit = a => { const size = Math.sqrt(inner(a, a)); return a.map(one => one / size); };

/* The largest eigenvalue of the tridiagonal matrix with this diagonal and these entries beside it, by bisection on how many
   are above; and its unit vector, by inverse iteration from above, where elimination needs no pivots. */
function top(diagonal, beside) {
  const n = diagonal.length, reach = i => Math.abs(beside[i - 1] ?? 0) + Math.abs(i < n - 1 ? beside[i] : 0);
  let low = Math.max(...diagonal), high = Math.max(...diagonal.map((one, i) => one + reach(i)));
  const size = Math.max(Math.abs(low), Math.abs(high), 1e-300), above = value => {
    let pivot = value - diagonal[0];
    for (let i = 1; pivot > 0 && i < n; i++) pivot = value - diagonal[i] - beside[i - 1] ** 2 / pivot;
    return pivot > 0;  // value is above all of them
  };
  while (high - low > 1e-14 * size) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) break;
    if (above(middle)) high = middle; else low = middle;
  }
  let vector = new Float64Array(n).fill(1);
  for (let round = 0; round < 3; round++) {
    const pivots = [high + 1e-13 * size - diagonal[0]];
    for (let i = 1; i < n; i++) {
      const share = beside[i - 1] / pivots[i - 1];
      pivots.push(high + 1e-13 * size - diagonal[i] - share * beside[i - 1]);
      vector[i] += share * vector[i - 1];
    }
    for (let i = n - 1; i >= 0; i--) vector[i] = (vector[i] + (i < n - 1 ? beside[i] * vector[i + 1] : 0)) / pivots[i];
    vector = unit(vector);
  }
  return [high, vector];
}

/* The largest eigenvalue of the Hessian and its unit vector, by Lanczos with all vectors kept orthogonal, from a guess to which
   something of every direction is added. */
function sharpness(task, w, guess = null) {
  const known = built(task), point = at(known, w), other = unit(start(known, 1));
  let v = guess ? unit(unit(Float64Array.from(guess)).map((one, i) => one + .1 * other[i])) : other;
  const basis = [], diagonal = [], beside = [];
  for (let k = 0; ; k++) {
    basis.push(v);
    const next = product_at(known, point, v);
    diagonal.push(inner(v, next));
    for (let again = 0; again < 2; again++)
      for (const old of basis) {
        const share = inner(old, next);
        for (let i = 0; i < next.length; i++) next[i] -= share * old[i];
      }
    const rest = Math.sqrt(inner(next, next)), last = basis.length >= Math.min(v.length, PRODUCTS);
    if (!Number.isFinite(rest)) return {value: NaN, vector: null};
    if (k % 4 === 3 || last || rest < 1e-12) {
      const [value, parts] = top(diagonal, beside);
      if (last || rest * Math.abs(parts[parts.length - 1]) <= SURE * Math.abs(value)) {
        const vector = new Float64Array(v.length);
        basis.forEach((one, j) => { for (let i = 0; i < vector.length; i++) vector[i] += parts[j] * one[i]; });
        return {value, vector};
      }
    }
    beside.push(rest);
    v = next.map(one => one / rest);
  }
}

/* The losses at every step, and the weights at the times, each that of the step nearest to it. */
function descend(task, w, rate, times) {
  const known = built(task), kept_at = times.map(time => Math.round(time / rate)), losses = [], kept = [];
  for (let t = 0; t <= kept_at[kept_at.length - 1]; t++) {
    while (t === kept_at[kept.length]) kept.push(w);
    const {loss, gradient} = slope(known, w);
    losses.push(loss);
    w = Float64Array.from(w, (one, i) => one - rate * gradient[i]);
  }
  return {losses, kept};
}

/* The network's values at inputs. */
function values(task, w, inputs) {
  const {width: m} = built(task), second = 2 * m, third = second + m * m;
  return inputs.map(x => {
    const low = Array.from({length: m}, (_, j) => Math.tanh(w[2 * j] * x + w[2 * j + 1]));
    let f = 0;
    for (let k = 0; k < m; k++) {
      let sum = 0;
      for (let j = 0; j < m; j++) sum += w[second + k * m + j] * low[j];
      f += w[third + k] * Math.tanh(sum);
    }
    return f;
  });
}

const polynomial = {fit, chebyshev, start, slope, product, sharpness, descend, values};
if (typeof module !== "undefined") module.exports = {polynomial};
if (typeof window !== "undefined") window.catapult.polynomial = polynomial;
})();
