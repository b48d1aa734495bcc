/* Diagonal networks of two layers with the exponential loss: pure functions with the names and meanings of those in Python,
   where their equations and sources stand: lib/catapult/theory/diagonal.py (_diagonal.py: velocity, jacobian), at depth 2 from
   one scale in every entry. Z is a list of signed inputs. tests/moving compares them with Python. */
(() => {
"use strict";
const {linear_predictor} = catapult, ORDER = 5;
const inner = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
const combined = (Z, nu) => Z[0].map((_, i) => Z.reduce((sum, z, k) => sum + nu[k] * z[i], 0));

/* w = 2 alpha^2 sinh 4y, y = Z^T nu. */
const predictor = (Z, scale, nu) => combined(Z, nu).map(y => 2 * scale * scale * Math.sinh(4 * y));

function log_loss(Z, w) {
  const margins = Z.map(z => inner(z, w)), least = Math.min(...margins);
  return Math.log(margins.reduce((sum, one) => sum + Math.exp(least - one), 0) / Z.length) - least;
}

/* r, v = Z^T r, and the first two derivatives of w by y; q = v.Cv. Loops, as they run some ten thousand times a frame. */
function parts(Z, scale, nu) {
  const N = Z.length, d = Z[0].length, size = scale * scale, margins = new Array(N).fill(0), c = [], bend = [];
  for (let i = 0; i < d; i++) {
    let y = 0;
    for (let k = 0; k < N; k++) y += nu[k] * Z[k][i];
    const grown = Math.exp(4 * y), w = size * (grown - 1 / grown);
    for (let k = 0; k < N; k++) margins[k] += Z[k][i] * w;
    c.push(4 * size * (grown + 1 / grown));
    bend.push(16 * w);
  }
  const least = Math.min(...margins), r = margins;
  let sum = 0, q = 0;
  for (let k = 0; k < N; k++) sum += r[k] = Math.exp(least - r[k]);
  for (let k = 0; k < N; k++) r[k] /= sum;
  const v = combined(Z, r);
  for (let i = 0; i < d; i++) q += v[i] * c[i] * v[i];
  return {r, v, c, bend, q};
}

function velocity(Z, scale, nu) {
  const {r, q} = parts(Z, scale, nu);
  return r.map(one => one / q);
}

function jacobian(Z, scale, nu) {
  const {r, v, c, bend, q} = parts(Z, scale, nu);
  const K = Z.map(a => Z.map(b => a.reduce((sum, x, i) => sum + x * c[i] * b[i], 0)));
  const mean = K[0].map((_, j) => r.reduce((sum, one, k) => sum + one * K[k][j], 0));
  const dr = K.map((row, i) => row.map((one, j) => r[i] * (mean[j] - one)));
  const bent = v.map((x, i) => bend[i] * x * x), pulled = v.map((x, i) => c[i] * x), along = Z.map(z => inner(z, pulled));
  const dq = Z.map((z, j) => inner(z, bent) + 2 * along.reduce((sum, one, k) => sum + one * dr[k][j], 0));
  return dr.map((row, i) => row.map((one, j) => one / q - r[i] * dq[j] / (q * q)));
}

/* The solution of A x = b, by elimination with pivots. */
function solve(A, b) {
  const M = A.map((row, i) => [...row, b[i]]), n = b.length;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(M[i][k]) > Math.abs(M[pivot][k])) pivot = i;
    [M[k], M[pivot]] = [M[pivot], M[k]];
    for (let i = k + 1; i < n; i++) {
      const share = M[i][k] / M[k][k];
      for (let j = k; j <= n; j++) M[i][j] -= share * M[k][j];
    }
  }
  const x = Array(n);
  for (let k = n - 1; k >= 0; k--) {
    x[k] = M[k][n];
    for (let j = k + 1; j < n; j++) x[k] -= M[k][j] * x[j];
    x[k] /= M[k][k];
  }
  return x;
}

/* One step of linearly implicit Euler methods, extrapolated: the result, and how far it is from that of one order less. */
function extrapolated(Z, scale, nu, step) {
  const J = jacobian(Z, scale, nu);
  let before = [];
  for (let n = 1; n <= ORDER; n++) {
    const h = step / n, A = J.map((row, i) => row.map((one, j) => (i === j ? 1 : 0) - h * one));
    let at = nu;
    for (let k = 0; k < n; k++) {
      const move = solve(A, velocity(Z, scale, at).map(one => h * one));
      at = at.map((one, i) => one + move[i]);
    }
    const row = [at];
    for (let k = 1; k < n; k++) row.push(row[k - 1].map((one, i) => one + (one - before[k - 1][i]) / (n / (n - k) - 1)));
    before = row;
  }
  const [less, best] = before.slice(-2);
  return [best, Math.max(...best.map((one, i) => Math.abs(one - less[i]) / (Math.abs(one) + 1e-4 * Math.max(...best))))];
}

/* nu where the loss is 10^(-x), x in decades, in increasing order: gradient flow from alpha = scale in the time log(1/L). */
function flow(Z, scale, decades, tolerance = 1e-6) {
  let nu = Z.map(() => 0), s = 0, step = 1e-2 * scale * scale;
  return decades.map(x => {
    const end = Math.LN10 * x;
    for (let tries = 0; s < end && tries < 1000; tries++) {
      const last = s + step >= end, [next, error] = extrapolated(Z, scale, nu, last ? end - s : step);
      if (error <= tolerance) [nu, s] = [next, last ? end : s + step];
      const taken = last ? Math.min(step, end - s || step) : step, change = Math.min(4, Math.max(.1, .8 * (tolerance / (error || 1e-30)) ** (1 / ORDER)));
      step = last && error <= tolerance ? Math.max(step, taken * change) : (error >= 0 ? taken * change : taken / 10);
    }
    return nu;
  });
}

/* The w of least norms with all margins at least 1, in the plane. */
function least_l2(Z) {
  const v = linear_predictor.largest_margin(Z), margin = Math.min(...Z.map(z => inner(z, v)));
  return v.map(x => x / margin);
}

function least_l1(Z) {
  const corners = [];
  for (const a of Z) {
    for (const i of [0, 1]) if (a[i] !== 0) corners.push([0, 1].map(k => k === i ? 1 / a[i] : 0));
    for (const b of Z) {
      const area = a[0] * b[1] - a[1] * b[0];
      if (area !== 0) corners.push([(b[1] - a[1]) / area, (a[0] - b[0]) / area]);
    }
  }
  const norm = w => Math.abs(w[0]) + Math.abs(w[1]);
  return corners.filter(w => Z.every(z => inner(z, w) >= 1 - 1e-12)).reduce((best, w) => norm(w) < norm(best) - 1e-12 ? w : best, [1e300, 1e300]);
}

const diagonal = {predictor, log_loss, velocity, jacobian, flow, least_l2, least_l1};
if (typeof module !== "undefined") module.exports = {diagonal};
if (typeof window !== "undefined") window.catapult.diagonal = diagonal;
})();
