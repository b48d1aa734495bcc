/* Effective rank of repeated kernel regression on the torus: pure functions with the names and meanings of those in Python,
   where their equations and sources stand: lib/catapult/theory/rank.py. tests/moving compares them with Python. */
(() => {
"use strict";
const PART = .01;

function srank(singular, part = PART) {
  const falling = [...singular].sort((a, b) => b - a), sums = [];
  falling.reduce((sum, one) => (sums.push(sum + one), sum + one), 0);
  return sums.filter(sum => sum < (1 - part) * sums[sums.length - 1] * (1 - 1e-12)).length + 1;
}

/* Values of two frequencies (i, j), in the order of Python's. */
const both = (side, of) => Array.from({length: side * side}, (_, n) => of(Math.floor(n / side), n % side));
const cosine = (side, k) => Math.cos(2 * Math.PI * k / side);

/* The eigenvalues of A, of one fit. The transform of an even function is a sum of cosines. */
function torus_fit(side, width, ridge) {
  const steps = Array.from({length: side}, (_, d) => d);
  const one = steps.map(k => steps.reduce((sum, d) => sum + Math.exp(-(Math.min(d, side - d) ** 2) / (2 * width * width)) * cosine(side, k * d % side), 0));
  return both(side, (i, j) => one[i] * one[j]).map(kernel => kernel / (kernel + ridge));
}

/* The eigenvalues of S. */
function torus_eigenvalues(side, discount, width, ridge) {
  const fit = torus_fit(side, width, ridge);
  return both(side, (i, j) => (cosine(side, i) + cosine(side, j)) / 2).map((walk, n) => discount * walk * fit[n]);
}

const distilled = (eigenvalues, fits) => eigenvalues.map(s => Math.abs(s) ** fits);
const rewarded = (eigenvalues, fits) => eigenvalues.map(s => (1 - s ** fits) / (1 - s));

const rank = {srank, torus_fit, torus_eigenvalues, distilled, rewarded};
if (typeof module !== "undefined") module.exports = {rank};
if (typeof window !== "undefined") window.catapult.rank = rank;
})();
