/* A diagonal network of two layers on a few points in the plane: where gradient flow from the scale alpha is at a loss that
   the reader sets, between the solution of least l2 norm and that of least l1 norm. */
(() => {
"use strict";
const {diagonal: theory, linear_predictor, separability, short, clamp} = catapult;
const REACH = 30, TENTH = .1, GRID = Array.from({length: 43}, (_, i) => 10 ** (i / 6 - 1));
const TONES = {kernel: "lazy", rich: "catapult", "in between": "curve", "not yet separated": "divergent"};
const signed = points => points.map(([x, y, label]) => [label * x / 10, label * y / 10]);
const least = Z => Math.min(...Z.map(z => z[0] * linear_predictor.largest_margin(Z)?.[0] + z[1] * linear_predictor.largest_margin(Z)?.[1]));
const fine = points => separability.certify(points.map(([x, y, label]) => [label * x, label * y])).kind === "separable" && least(signed(points)) > .1;
const l1 = w => Math.abs(w[0]) + Math.abs(w[1]), l2 = w => Math.hypot(...w);

/* w scaled to least margin 1, its l1 excess over that of the l2 solution's, and its l2 excess over that of the l1 solution's. */
function measured(Z, w, kernel, rich) {
  const margin = Math.min(...Z.map(z => z[0] * w[0] + z[1] * w[1]));
  if (!(margin > 0)) return {at: null, l1: NaN, l2: NaN};
  const at = w.map(x => x / margin), share = (norm, best, other) => (norm(at) / norm(best) - 1) / (norm(other) / norm(best) - 1);
  return {at, l1: share(l1, rich, kernel), l2: share(l2, kernel, rich)};
}

let kept = {};
function compute({points, alpha, decades}) {
  const Z = signed(points), key = JSON.stringify([Z, alpha]);
  if (kept.key !== key) {
    const kernel = theory.least_l2(Z), rich = theory.least_l1(Z), same = l1(kernel) < l1(rich) * (1 + 1e-9);
    kept = {key, kernel, rich, same, curve: theory.flow(Z, alpha, GRID).map(nu => measured(Z, theory.predictor(Z, alpha, nu), kernel, rich))};
  }
  const {kernel, rich, same, curve} = kept, [nu] = theory.flow(Z, alpha, [decades]), w = theory.predictor(Z, alpha, nu);
  const now = measured(Z, w, kernel, rich);
  const regime = !now.at ? "not yet separated" : same ? "in between" : now.l1 <= TENTH ? "rich" : now.l2 <= TENTH ? "kernel" : "in between";
  return {Z, w, now, curve, kernel, rich, same, regime};
}

const line = (p, w, style) => { if (l2(w)) { const n = [-w[1] / l2(w), w[0] / l2(w)]; p.line([n.map(x => -9 * x), n.map(x => 9 * x)], style); } };

function weights({Z, now, curve, kernel, rich, same, regime}, {decades}, axes) {
  const seen = [kernel, rich, ...(now.at ? [now.at] : [])], far = 1.25 * Math.max(...seen.flat().map(Math.abs));
  const signs = [0, 1].map(i => kernel[i] + rich[i] < 0 ? -1 : 1), reach = Math.min(far, 3.2 * Math.max(...kernel.concat(rich).map(Math.abs)));
  const frame = signs.map(sign => sign > 0 ? [-.35 * reach, reach] : [-reach, .35 * reach]), range = i => [Math.min(frame[i][0], ...seen.map(w => 1.15 * w[i]).filter(x => x > -reach)), Math.max(frame[i][1], ...seen.map(w => 1.15 * w[i]).filter(x => x < reach))];
  const p = axes("plane", {x: range(0), y: range(1), xlabel: "w_1, at margin 1", ylabel: "w_2", left: 42}), size = 40 * reach;
  for (const z of Z) {  // all w with z.w < 1 are excluded
    const n = z.map(x => x / l2(z)), foot = n.map(x => x / l2(z)), along = [-n[1], n[0]];
    const corner = (a, b) => [foot[0] + a * along[0] - b * n[0], foot[1] + a * along[1] - b * n[1]];
    p.line([corner(-size, 0), corner(size, 0), corner(size, size), corner(-size, size)], "m-area-divergent m-half", "Z");
  }
  const turn = Array.from({length: 121}, (_, i) => i * Math.PI / 60), ball = l2(kernel), diamond = l1(rich);
  p.line(turn.map(a => [ball * Math.cos(a), ball * Math.sin(a)]), "m-lazy m-dashed m-thin");
  p.line([[diamond, 0], [0, diamond], [-diamond, 0], [0, -diamond], [diamond, 0]], "m-catapult m-dashed m-thin");
  const path = curve.map(one => one.at ?? [NaN, NaN]), until = GRID.filter(x => x < decades).length;
  p.line(path, "m-theory m-pale");
  p.line([...path.slice(0, until), now.at ?? [NaN, NaN]], "m-theory m-thick");
  p.dot(kernel, "m-fill-lazy", 6);
  p.dot(rich, "m-fill-catapult", 6);
  if (same) p.text(kernel, "l2 = l1", "", "start", 9, -7);
  else {
    const below = kernel[1] < rich[1];
    p.text(kernel, "l2", "m-text-lazy", "start", 9, below ? 16 : -8);
    p.text(rich, "l1", "m-text-catapult", "start", 9, below ? -8 : 16);
  }
  if (now.at) p.dot(now.at, "m-ring", 5.5);
}

function data({w, kernel, rich}, state, axes) {
  const p = axes("points", {x: [-3.3, 3.3], y: [-3.3, 3.3], xlabel: "input x_1", ylabel: "input x_2", left: 34});
  line(p, kernel, "m-lazy m-dashed");
  line(p, rich, "m-catapult m-dashed");
  line(p, w, "m-theory m-thick");
  p.dot([0, 0], "m-fill-ink", 2.5);
}

function excess({curve, now, same}, {decades}, axes) {
  const seen = curve.map(one => one.l1).filter(one => one > 0), high = clamp(1.1 * Math.max(1, ...seen), 1.15, 2);
  const p = axes("excess", {x: [.1, 1e6], y: [0, high], xlog: true, xlabel: "digits of 1/loss", ylabel: "share of the excess in l1, in l2"});
  p.line([[.1, TENTH], [1e6, TENTH]], "m-muted m-dotted");
  p.line([[100, 0], [100, high]], "m-muted m-dotted");
  if (same) return;
  p.line(curve.map((one, i) => [GRID[i], one.l1]), "m-catapult");
  p.line(curve.map((one, i) => [GRID[i], one.l2]), "m-lazy");
  p.dot([decades, now.l1], "m-fill-catapult", 5);
  p.dot([decades, now.l2], "m-fill-lazy", 5);
  const at = curve.findIndex((one, i) => GRID[i] > .2 && one.l1 < .93 * high && one.l1 > .2), other = curve.findLastIndex((one, i) => GRID[i] < 3e5 && one.l2 < .9 * high && one.l2 > .2);
  if (at >= 0) p.text([GRID[at], curve[at].l1], "l1", "m-text-catapult", "start", 3, -7);
  if (other >= 0) p.text([GRID[other], curve[other].l2], "l2", "m-text-lazy", "end", -3, -7);
}

const raised = x => [...String(x)].map(c => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]).join("");
const power = x => Number.isInteger(x) ? `10⁻${raised(x)}` : `10^(−${short(x)})`;
function words({now, regime, same}, {alpha, decades}) {
  const where = `From α = ${short(alpha)}, at a loss of ${power(decades)}: `, percent = x => `${short(100 * x, 2)} %`;
  if (!now.at) return `${where}a point is still on the wrong side.`;
  if (same) return `${where}here the two solutions are the same predictor. Drag a point.`;
  const rest = `${percent(now.l1)} of the l2 solution's excess in l1 ${now.l1 > 1 ? "(more than all of it)" : "is left"}, and ${percent(now.l2)} of the l1 solution's excess in l2 is there`;
  return where + rest + {kernel: "; it is next to the l2 solution.", rich: "; it is next to the l1 solution.",
    "in between": now.l1 >= 1 - TENTH && now.l2 >= 1 - TENTH ? "; it is neither of the two." : "."}[regime];
}

const matrix = Z => `[${Z.map(z => `[${z.join(", ")}]`).join(", ")}]`;
const place = (points, i, x, y) => {
  const next = points.map((point, j) => j === i ? [clamp(Math.round(x), -REACH, REACH), clamp(Math.round(y), -REACH, REACH), point[2]] : point);
  return fine(next) ? {points: next} : {};
};

catapult.figure("diagonal-networks", {
  slides: "the loss",
  parameters: {
    decades: {label: "loss reached", shown: power, low: .1, high: 1e6, log: true, value: 10},
    alpha: {label: "initial scale α", low: .01, high: 10, log: true, value: 1},
    points: {
      value: [[18, 14, 1], [10, -4, 1], [22, 3, 1]],
      write: all => all.map(([x, y, label]) => `${x}_${y}_${label > 0 ? "p" : "n"}`).join("~"),
      read(text) {
        const all = text.split("~").map(one => /^(-?\d{1,4})_(-?\d{1,4})_([pn])$/.exec(one)).filter(Boolean)
          .map(([, x, y, label]) => [clamp(Number(x), -REACH, REACH), clamp(Number(y), -REACH, REACH), label === "p" ? 1 : -1]).slice(0, 3);
        return all.length && fine(all) ? all : undefined;
      },
    },
  },
  panels: {
    plane: {label: "Predictors scaled to margin 1: the path of gradient flow, the solution of least l2 norm on its circle, that of least l1 norm on its diamond.", ratio: 1.2},
    points: {label: "The points with the lines of the trained predictor and of the two solutions.", ratio: .66},
    excess: {label: "How much of the excess in l1 is left, and how much of that in l2 is there, against the digits of one over the loss.", ratio: .58},
  },
  compute,
  draw(result, state, axes) {
    weights(result, state, axes);
    data(result, state, axes);
    excess(result, state, axes);
  },
  reading: (result, state) => ({phase: result.regime, tone: TONES[result.regime], words: words(result, state)}),
  commands: ({points, alpha, decades}) => [["The chapter, which has data of its own:", "catapult run diagonal-networks"],
    ["This predictor:", `python -c "import numpy as np; from catapult.theory import diagonal; print(diagonal.flow(np.array(${matrix(signed(points))}), 2, `
      + `diagonal.start_at(${alpha}), [${decades}]).w[0])"`]],
  handles: ({points}) => points.map(([x, y, label], i) => ({
    key: `point${i}`, label: `point ${i + 1}, label ${label > 0 ? "+1" : "−1"}`, panel: "points", at: [x / 10, y / 10],
    low: -REACH / 10, high: REACH / 10, value: x / 10, text: `x1 = ${x / 10}, x2 = ${y / 10}, label ${label > 0 ? "+1" : "−1"}`,
    style: `moving-point ${label > 0 ? "moving-plus" : "moving-minus"}`,
    moved: (a, b) => place(points, i, 10 * a, 10 * b), stepped: (a, b) => place(points, i, x + a, y + b),
  })),
});
})();
