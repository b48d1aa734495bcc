/* A small network on the Chebyshev task, trained here at two learning rates from one start: sharpness against 2/η, loss, and what
   it says of the polynomial. Computed a few steps a frame. */
(() => {
"use strict";
const {polynomial: theory, short, clamp} = catapult;
const TIME = 96, LOOKS = 128, MOST = 1e6, BUDGET = 12, STYLES = ["catapult", "lazy"];
const AT = Array.from({length: LOOKS + 1}, (_, i) => i * TIME / LOOKS), INPUTS = Array.from({length: 81}, (_, i) => -1 + i / 40);
const TONES = {"passes 2/η": "curve", "above 2/η at the start": "catapult", "below 2/η": "lazy", diverges: "divergent", computing: "unsettled"};

/* A run, and how it goes on to its next look; its weights at the looks are no part of what others read. */
function begun(task, seed, rate) {
  const run = {rate, losses: [], sharp: [], lost: false, ends: Math.round(TIME / rate)};
  let w = theory.start(task, seed), here, guess = null;  // here: the weights whose loss came last; w: those that follow
  const kept = [];
  const step = () => {
    const {loss, gradient} = theory.slope(task, w);
    run.losses.push(loss);
    run.lost = !(loss < MOST);
    here = w;
    w = Float64Array.from(w, (one, i) => one - rate * gradient[i]);
  };
  const on = () => {
    const until = Math.round(AT[run.sharp.length] / rate);
    while (!run.lost && run.losses.length <= until) step();
    if (run.lost) return;
    const {value, vector} = theory.sharpness(task, here, guess);
    guess = vector;
    kept.push(here);
    run.sharp.push(value);
  };
  const done = () => run.lost || run.sharp.length > LOOKS;
  return {run, kept, on, done};
}

let kept = new Map();  // the slider of the time asks for them again and again
function compute({time, eta, other, hidden, degree, seed}) {
  const task = theory.fit(hidden, degree), jobs = [eta, other].map(rate => {
    const key = [hidden, degree, seed, rate].join();
    if (!kept.has(key)) kept.set(key, begun(task, seed, rate));
    return [key, kept.get(key)];
  });
  kept = new Map(jobs);
  const began = performance.now(), both = jobs.map(([, job]) => job), left = () => both.filter(job => !job.done());
  while (left().length && performance.now() - began < BUDGET) left().reduce((a, b) => a.run.sharp.length <= b.run.sharp.length ? a : b).on();
  const runs = both.map(job => job.run), look = Math.round(time / TIME * LOOKS);
  const share = both.reduce((sum, job) => sum + (job.done() ? 1 : job.run.losses.length / job.run.ends), 0) / 2;
  return {runs, task, look, unfinished: left().length > 0, share: left().length ? share : 1,
    fitted: both.map(job => job.kept[look] ? theory.values(task, job.kept[look], INPUTS) : null)};
}

const highest = numbers => numbers.reduce((a, b) => Math.max(a, b), 0);
function sharpness({runs, look}, {time}, axes) {
  const edges = runs.map(run => 2 / run.rate), least = Math.min(...edges), seen = highest(runs.filter(run => !run.lost).flatMap(run => run.sharp));
  const inside = clamp(1.12 * seen, 1.4 * least, 8 * least), top = Math.max(inside, ...edges.filter(edge => edge < 1.5 * inside).map(edge => 1.12 * edge));
  const p = axes("sharpness", {x: [0, TIME], y: [0, top], xlabel: "time, η · step", ylabel: "sharpness λ", left: 36});
  p.line([[time, 0], [time, top]], "m-muted m-dotted");
  runs.forEach((run, i) => {
    p.line([[0, edges[i]], [TIME, edges[i]]], `m-${STYLES[i]} m-dashed m-thin`);
    p.line(run.sharp.map((one, k) => [AT[k], one]), `m-${STYLES[i]} m-thick`);
    p.dot([AT[look], run.sharp[look]], "m-ring", 4.5);
  });
  edges.forEach((edge, i) => { if (edge < top && (i === 0 || edge !== edges[0])) p.text([0, edge], `2/η_${i + 1}`, `m-text-${STYLES[i]}`, "start", 6, -5); });
}

function losses({runs, look}, {time}, axes) {
  const all = runs.flatMap(run => run.losses).filter(one => one < MOST), high = Math.min(2 * highest(all), 1e3);
  const low = Math.min(all.reduce((a, b) => Math.min(a, b), 1) / 1.5, high / 10);
  const p = axes("loss", {x: [0, TIME], y: [low, high], ylog: true, xlabel: "time, η · step", ylabel: "loss: mean and range between two looks", left: 46});
  p.line([[time, low / 9], [time, 9 * high]], "m-muted m-dotted");
  runs.forEach(({losses, rate, sharp}, i) => {
    if (sharp.length < 2) return;
    const spans = sharp.slice(1).map((_, k) => losses.slice(Math.round(AT[k] / rate), Math.max(Math.round(AT[k + 1] / rate), Math.round(AT[k] / rate) + 1)));
    const middle = k => (AT[k] + AT[k + 1]) / 2;
    const bounds = spans.map((span, k) => [middle(k), Math.min(...span), Math.max(...span), span.reduce((a, b) => a + b, 0) / span.length]);
    p.line([...bounds.map(([x, least]) => [x, least]), ...bounds.map(([x, , most]) => [x, most]).reverse()], `m-area-${STYLES[i]}`, "Z");
    p.line(bounds.map(([x, , , mean]) => [x, mean]), `m-${STYLES[i]}`);
  });
}

function fitted({task, fitted}, state, axes) {
  const p = axes("fit", {x: [-1.06, 1.06], y: [-1.7, 1.7], yticks: [-1, 0, 1], xticks: [-1, -.5, 0, .5, 1], xlabel: "input x", ylabel: "network, at the time that is set", left: 36});
  fitted.forEach((found, i) => { if (found) p.line(found.map((f, k) => [INPUTS[k], f]), `m-${STYLES[i]}`); });
  p.dots([...task.x].map((x, i) => [x, task.y[i]]), "m-fill-ink", 2.8);
}

/* What a run does at 2/η, and η·sharpness/2 on average over the second half of what follows its first look above it. */
function called({rate, sharp, lost}) {
  const share = sharp.map(one => one * rate / 2), first = share.findIndex(one => one > 1);
  const after = first < 0 ? [] : share.slice(first), half = after.slice(Math.floor(after.length / 2));
  return {share, first, phase: lost ? "diverges" : first < 0 ? "below 2/η" : first === 0 ? "above 2/η at the start" : "passes 2/η",
    mean: half.reduce((sum, one) => sum + one, 0) / half.length};
}

function words(run, name) {
  const {share, first, phase, mean} = called(run), end = share[share.length - 1], it = `${name} = ${short(run.rate)}`;
  return {
    diverges: `${it} diverges: lost after ${run.losses.length} steps.`,
    "below 2/η": `${it} stays below 2/η: ηλ/2 is ${end.toFixed(2)} at the end.`,
    "above 2/η at the start": `${it} starts above 2/η, at ηλ/2 = ${share[0].toFixed(2)}; later it is ${mean.toFixed(2)} on average.`,
    "passes 2/η": `${it} passes 2/η at time ${short(AT[first], 2)}; then ηλ/2 is ${mean.toFixed(2)} on average.`,
  }[phase];
}

function reading({runs, unfinished, share}) {
  if (unfinished) return {phase: "computing", tone: TONES.computing, words: `${Math.round(100 * share)} % of the steps.`};
  const {phase} = called(runs[0]);
  return {phase, tone: TONES[phase], words: runs.map((run, i) => words(run, `η_${i + 1}`)).join(" ").replaceAll("/", "/\u2060")};
}

const rate = {low: .04, high: .5, log: true};
catapult.figure("edge-of-stability", {
  slides: "the time",
  long: true,
  parameters: {
    time: {label: "time looked at", low: 0, high: TIME, value: TIME},
    eta: {label: "learning rate η_1", ...rate, value: .1},
    other: {label: "learning rate η_2", ...rate, value: .05},
    hidden: {label: "width", low: 4, high: 16, whole: true, value: 12},
    degree: {label: "degree", low: 1, high: 8, whole: true, value: 4},
    seed: {label: "start, by number", low: 1, high: 20, whole: true, value: 2},
  },
  panels: {
    sharpness: {label: "Sharpness of the two runs against time, with 2/η of each.", ratio: 1.14},
    loss: {label: "Loss of the two runs against time, on a logarithmic scale.", ratio: .58},
    fit: {label: "The points of the polynomial, and the values of the two networks at the time that is set.", ratio: .58},
  },
  compute,
  draw(result, state, axes) {
    sharpness(result, state, axes);
    losses(result, state, axes);
    fitted(result, state, axes);
  },
  reading,
  commands: ({eta, other, hidden, degree, seed}) => [["The chapter at this size, from starts of its own, at a quarter, half, once and twice the rate η₁:",
    `catapult run edge-of-stability -p width=${hidden} -p degree=${degree} -p learning_rate=${eta}`],
  ["These two runs, step by step: their losses, and the sharpness at the start:",
    `python -c "import numpy as np; from catapult.chapters.edge_of_stability import experiment, polynomial, uniform; fit = polynomial.Fit(${hidden}, ${degree}); `
    + `w = uniform.start(fit, ${seed}); print(*[experiment.descend(fit, w, rate, np.array([0, ${TIME}]))[0][:, 0] for rate in (${eta}, ${other})], fit.sharpness(w)[0])"`]],
});
})();
