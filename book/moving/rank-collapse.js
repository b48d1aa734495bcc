/* Kernel regression on its own values, again and again: the spectrum of what k fits do to targets, without rewards and with them,
   and its effective rank against the fits and against δ. On the torus of the page, by its closed form. */
(() => {
"use strict";
const {rank: theory, short} = catapult;
const SIDE = 8, COUNT = SIDE * SIDE, LONGEST = 10000, STYLES = ["catapult", "lazy"], DELTA = [.001, .3], LEAST = 1e-5;
const FITS = [...new Set(Array.from({length: 81}, (_, i) => Math.round(LONGEST ** (i / 80))))];
const DELTAS = Array.from({length: 61}, (_, i) => DELTA[0] * (DELTA[1] / DELTA[0]) ** (i / 60));
const TONES = {"rank kept": "lazy", "lost without rewards": "catapult", "lost with rewards": "divergent", "lost with and without rewards": "divergent"};
const falling = values => [...values].sort((a, b) => b - a);

/* Singular values after fits, without rewards and with them: of S^k and M_k, which make the targets, or of A S^(k-1) and A M_k,
   the fits; and what those with rewards tend to. */
function spectra_of({kernel, ridge, horizon, of}) {
  const s = theory.torus_eigenvalues(SIDE, 1 - 1 / horizon, kernel, ridge), A = theory.torus_fit(SIDE, kernel, ridge), fits = of === "fits";
  const fitted = values => fits ? values.map((one, i) => A[i] * one) : values;
  return {after: k => [theory.distilled(s, fits ? k - 1 : k), theory.rewarded(s, k)].map(fitted), limit: fitted(s.map(one => 1 / (1 - one)))};
}

function compute(state) {
  const {after, limit} = spectra_of(state), now = after(state.fits), both = (spectra, part = state.delta) => spectra.map(one => theory.srank(one, part));
  const share = values => Math.min(...values) / Math.max(...values), ranks = both(now), first = both(after(1));
  const [bare, rewarded] = ranks.map((one, i) => one <= first[i] / 2);
  return {spectra: [...now, limit].map(falling), ranks, first, least: share(now[1]), floor: share(limit),
    by_fits: FITS.map(k => both(after(k))), by_delta: DELTAS.map(part => both(now, part)),
    phase: bare && rewarded ? "lost with and without rewards" : bare ? "lost without rewards" : rewarded ? "lost with rewards" : "rank kept"};
}

/* Which colour is which, above a panel on the right. */
function named(p, [x, y]) {
  p.text([x, y], "with rewards", "m-text-lazy", "end", 0, -12);
  p.text([x, y], "without,", "m-text-catapult", "end", -90, -12);
}

function spectrum({spectra, ranks}, state, axes) {
  const p = axes("spectrum", {x: [0, COUNT + 1], y: [LEAST, 1.4], xticks: [1, 16, 32, 48, 64], ylog: true, xlabel: "singular value, by size", ylabel: "share of the largest", left: 46});
  const shares = spectra.map(values => values.map((one, i) => [i + 1, one / values[0]]));
  ranks.forEach((rank, i) => {
    p.line([[rank, LEAST / 9], shares[i][rank - 1]], `m-${STYLES[i]} m-dotted`);
    p.line(shares[i], `m-${STYLES[i]} m-thick`);
    p.dot(shares[i][rank - 1], "m-ring", 5);
  });
  p.line(shares[2], "m-theory m-dashed m-thin");
  named(p, [COUNT, 1.4]);
}

function ranks(axes, panel, x, at, over, now, label) {
  const p = axes(panel, {x: [.88 * x[0], 1.14 * x[1]], y: [-3, 69], yticks: [0, 16, 32, 48, 64], xlog: true, xlabel: label, ylabel: `srank, of ${COUNT}`, left: 34});
  for (const i of [0, 1]) p.line(over.map((both, k) => [at[k], both[i]]), `m-${STYLES[i]} m-thick`);
  for (const i of [0, 1]) p.dot([now[0], now[1][i]], "m-ring", 5);
  return p;
}

function words({ranks, first, least, floor}, {fits, delta}) {
  const [bare, rewarded] = ranks.map((one, i) => `${one} (${first[i]} after one)`);
  return `After ${fits} ${fits === 1 ? "fit" : "fits"} srank at δ = ${short(delta)} is ${bare} without rewards and ${rewarded} with them. `
    + `With rewards the least singular value is ${short(least, 2)} of the largest, and goes to ${short(floor, 2)} as fits go on.`;
}

catapult.figure("rank-collapse", {
  slides: "the fits",
  parameters: {
    fits: {label: "number of fits k", low: 1, high: LONGEST, log: true, whole: true, value: 30},
    delta: {label: "part left out δ", low: DELTA[0], high: DELTA[1], log: true, value: .01},
    horizon: {label: "discount γ", low: 2, high: 1e4, log: true, value: 20, shown: x => short(1 - 1 / x, 4)},
    ridge: {label: "ridge c", low: .001, high: 10, log: true, value: 1},
    kernel: {label: "width of the kernel", low: .3, high: 1.2, value: 1},
    of: {label: "rank of the", among: ["targets", "fits"], value: "targets"},
  },
  panels: {
    spectrum: {label: "Singular values by size, as shares of the largest: without rewards, with rewards, and their limit; a ring where srank is.", ratio: 1.14},
    fits: {label: "Srank against the number of fits, without rewards and with them.", ratio: .58},
    delta: {label: "Srank against δ, without rewards and with them.", ratio: .58},
  },
  compute,
  draw(result, state, axes) {
    spectrum(result, state, axes);
    const p = ranks(axes, "fits", [1, LONGEST], FITS, result.by_fits, [state.fits, result.ranks], "number of fits k");
    named(p, [1.14 * LONGEST, 69]);
    ranks(axes, "delta", DELTA, DELTAS, result.by_delta, [state.delta, result.ranks], "part left out δ");
  },
  reading: (result, state) => ({phase: result.phase, tone: TONES[result.phase], words: words(result, state)}),
  commands({fits, kernel, ridge, horizon, delta, of}) {
    const torus = `${kernel}, ${ridge}`, A = of === "fits" ? "A * " : "";
    return [["The chapter, with its networks:", "catapult run rank-collapse"], ["These ranks, without rewards and with them:",
      `python -c "from catapult.theory import rank; s = rank.torus_eigenvalues(${SIDE}, ${1 - 1 / horizon}, ${torus}); ${A ? `A = rank.torus_fit(${SIDE}, ${torus}); ` : ""}`
      + `print(rank.srank(${A}rank.distilled(s, ${A ? fits - 1 : fits}), ${delta}), rank.srank(${A}rank.rewarded(s, ${fits}), ${delta}))"`]];
  },
});
})();
