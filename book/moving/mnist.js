/* The recorded sweep of learning rates on two digits: nothing is trained here, and nothing is interpolated. */
(() => {
"use strict";
const {sweep: recorded, short, clamp} = catapult;
const element = document.getElementById("moving-data-mnist");
if (!element) return;
const table = recorded.parse(element.textContent), {multiples, versions, seeds, steps, digits, labels, pictures} = table;
const WAYS = ["catapult", "lazy", "curve"], TONES = {lazy: "lazy", catapult: "catapult", divergent: "divergent", dead: "divergent", unsettled: "unsettled"};
const SMALL = .25, FAR = .5, FRAME = 28, RATES = [multiples[0] / 1.3, multiples[multiples.length - 1] * 1.3];
const finite = values => values.flat(3).filter(Number.isFinite), thousands = n => String(n).replace(/(\d)(?=(\d{3})+$)/g, "$1,");
const of_seed = ({version, seed}) => multiples.map(multiple => recorded.at(table, version, seed, multiple));

function compute(state) {
  const run = recorded.at(table, state.version, state.seed, state.multiple), usual = recorded.at(table, state.version, state.seed, SMALL);
  return {...run, usual: usual.outputs, mistaken: recorded.mistaken(table, run.outputs), judged: table.judged[seeds.indexOf(state.seed)]};
}

/* Each digit in a row of its own, as far from the border as its output is. */
function border(result, axes) {
  const rows = digits.length, p = axes("digits", {x: [-FAR * 1.12, FAR * 1.12], y: [rows - .4, -.6], yticks: [], xticks: [-FAR, 0, FAR], left: 22,
    xlabel: "output, over its root mean square", ylabel: ""});
  p.line([[0, -1], [0, rows]], "m-theory m-dashed");
  const half = labels.indexOf(-1) - .5;
  p.line([[-FAR * 2, half], [FAR * 2, half]], "m-grid");
  p.text([0, -.6], `← answered ${digits[rows - 1]}`, "", "end", -8, -9);
  p.text([0, -.6], `answered ${digits[0]} →`, "", "start", 8, -9);
  labels.forEach((label, i) => {
    const where = x => [clamp(x, -FAR, FAR), i], right = (result.outputs[i] > 0) === (label > 0);
    if (i === 0 || label !== labels[i - 1]) p.text([-FAR * 1.12, i], String(digits[i]), "", "end", -6, 5);
    p.line([where(result.usual[i]), where(result.outputs[i])], "m-muted m-thin");
    p.dot(where(result.usual[i]), "m-fill-muted", 2.5);
    p.picture(where(result.outputs[i]), pictures[i], FRAME, right ? "m-curve" : "m-catapult m-thick");
  });
  if (!(result.mistaken >= 0)) p.text([0, half], "diverged: no answers", "m-text-divergent", "middle", 0, -6);
}

function losses(result, state, axes) {
  const runs = of_seed(state), seen = finite(runs.map(run => run.loss)), first = result.loss[0];
  const p = axes("losses", {x: [1, steps[steps.length - 1] + 1], y: [Math.min(...seen) / 1.3, clamp(Math.max(...seen), 1.5 * first, 6 * first)], xlog: true, ylog: true,
    xlabel: "step + 1", ylabel: "training loss"});
  const line = (run, style) => p.line(steps.map((step, i) => [step + 1, run.loss[i]]), style);
  runs.forEach(run => line(run, "m-muted m-contour"));
  line(result, `m-${TONES[result.phase]} m-thick`);
}

function ends(result, state, axes) {
  const p = axes("ends", {x: RATES, y: [.03, 3], xlog: true, ylog: true, xlabel: "learning rate, in η_crit", ylabel: "sharpness, end over start"});
  p.line(RATES.map(one => [one, 1 / one]), "m-theory m-dashed");
  p.text([multiples[2], 1 / multiples[2]], "2/η", "", "start", -22, 22);
  for (const seed of seeds) p.dots(of_seed({...state, seed}).map((run, i) => [multiples[i], run.end / run.start]), "m-fill-catapult m-faint", 2);
  p.line(of_seed(state).map((run, i) => [multiples[i], run.end / run.start]), "m-catapult");
  p.dot([state.multiple, result.end / result.start], "m-ring", 5.5);
}

function accuracies(result, state, axes) {
  const all = table.accuracy[versions.indexOf(state.version)], seen = finite(all), runs = of_seed(state);
  const low = Math.floor(100 * Math.min(...seen)), high = Math.ceil(100 * Math.max(...seen)), under = low - .25 * (high - low);
  const p = axes("accuracy", {x: RATES, y: [under, high], xlog: true, xlabel: "learning rate, in η_crit", ylabel: "test accuracy, %"});
  WAYS.forEach((style, way) => {
    const points = runs.map((run, i) => [multiples[i], 100 * run.accuracy[way]]);
    p.line(points, `m-${style}`);
    p.dots(points, `m-fill-${style}`, 2);
    p.text([RATES[0], under], table.comparisons[way], `m-text-${style}`, "start", 6 + 86 * way, -7);
  });
  result.accuracy.forEach(one => p.dot([state.multiple, 100 * one], "m-ring", 4.5));
}

function words({phase, learning_rate, start, end, accuracy, right, wrong, judged, mistaken}, {multiple, version}) {
  const rate = `η = ${short(learning_rate)} is ${short(multiple)} η_crit`;
  if (!(mistaken >= 0)) return `${rate}, on ${version} data: the loss leaves for ever; there is nothing to answer with.`;
  const changed = right + wrong === 0 ? "none is answered otherwise than at η_crit/4"
    : `${thousands(right + wrong)} are answered otherwise than at η_crit/4: ${thousands(right)} rightly now, ${thousands(wrong)} wrongly`;
  return `${rate}, on ${version} data. The sharpness ends at ${short(end / start, 2)} of its start, at ${short(learning_rate * end / 2, 2)} of the edge 2/η. `
    + `${(100 * accuracy[0]).toFixed(1)} % of ${thousands(judged)} test images are right, and ${changed}. Of the ${digits.length} shown, ${mistaken} are on the wrong side.`;
}

catapult.figure("mnist", {
  parameters: {
    multiple: {label: "learning rate η, in η_crit", stops: multiples, low: multiples[0], high: multiples[multiples.length - 1], value: 4, shown: one => one < .1 ? `1/${Math.round(1 / one)}` : short(one)},
    version: {label: "data", among: versions, value: versions[0]},
    seed: {label: "seed", low: seeds[0], high: seeds[seeds.length - 1], whole: true, value: 0},
  },
  panels: {
    digits: {label: "Sixteen test digits, a row each, threes above and fives below: right of the border those that are answered 3. A dot shows where each is at a quarter of 2/sharpness at the start.", height: 566},
    losses: {label: "Training loss against the step, at the chosen rate and, pale, at all others.", ratio: .56},
    ends: {label: "Sharpness at the end over that at the start against the learning rate, ten seeds, with the line 2/η.", ratio: .56},
    accuracy: {label: "Test accuracy against the learning rate, at equal steps, at equal time and annealed.", ratio: .56},
  },
  compute,
  draw(result, state, axes) {
    border(result, axes);
    losses(result, state, axes);
    ends(result, state, axes);
    accuracies(result, state, axes);
  },
  reading: (result, state) => ({phase: result.phase, tone: TONES[result.phase], words: words(result, state)}),
  commands: ({version, seed, multiple}) => [
    ["This seed and the next, both versions, trained again at every rate:", `catapult sweep mnist-phases -p first_seed=${seed} -p seeds=2 --out mnist-sweep`],
    ["What is recorded of this run:", `python -c "from catapult.chapters.mnist_sides import outcomes; print(outcomes.at('${version}', ${seed}, ${multiple}))"`]],
});
})();
