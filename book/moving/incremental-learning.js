/* Values that grow towards targets of their own, one after the other or together: the toy model of incremental learning. */
(() => {
"use strict";
const {incremental: theory, short} = catapult;
const MOST = 10000, STYLES = ["catapult", "curve", "lazy"], [LOW, HIGH] = theory.LEVELS;
const TONES = {"one after the other": "catapult", "partly": "curve", "together": "lazy", "not all learned": "divergent"};

let kept = {};  // the command asks for it, too
function compute({digits, depth, multiple, ratio}) {
  const key = [digits, depth, multiple, ratio].join();
  if (kept.key === key) return kept;
  const targets = [ratio * ratio, ratio, 1], rate = multiple * theory.stable_learning_rate(depth, targets[0]);
  let learned = NaN;  // then a fifth of the steps more
  const path = theory.descend(depth, targets, rate, -digits * Math.LN10, MOST, (w, t) => {
    if (!(learned >= 0) && w.every((one, i) => one ** depth >= .9 * targets[i])) learned = t;
    return t >= 1.2 * learned + 2 || !w.every(Number.isFinite);
  });
  const times = targets.map((target, i) => theory.crossing(path, i, HIGH * target));
  const seconds = [0, 1].map(i => times[i] >= 0 ? theory.between(path, i + 1, times[i]) / targets[i + 1] : NaN);
  const stages = seconds.filter(one => one <= LOW * (1 + 1e-12)).length;
  const phase = !times.every(Number.isFinite) ? "not all learned" : ["together", "partly", "one after the other"][stages];
  return kept = {key, targets, rate, path, times, seconds, phase};
}

function values({targets, path, times}, state, axes, key, log) {
  const steps = path.length - 1, low = Math.max(10 ** -state.digits / 2, 1e-13), top = 1.25 * targets[0];
  const p = axes(key, {x: [0, steps], y: log ? [low, 2 * top] : [0, top], ylog: log, xlabel: "step", ylabel: log ? "value σ, logarithmic" : "value σ", left: 52});
  const every = Math.max(1, Math.floor(steps / 500)), shown = path.map((_, t) => t).filter(t => t % every === 0 || t === steps || t < 20);
  targets.forEach((target, i) => {
    p.line([[0, target], [steps, target]], `m-${STYLES[i]} m-dotted`);
    p.line(shown.map(t => [t, path[t][i]]), `m-${STYLES[i]} m-thick`);
    if (!(times[i] >= 0)) return;
    p.line([[times[i], low / 9], [times[i], theory.between(path, i, times[i])]], "m-muted m-thin m-dashed");
    p.dot([times[i], theory.between(path, i, times[i])], `m-fill-${STYLES[i]}`, 5);
    if (i < 2) p.dot([times[i], theory.between(path, i + 1, times[i])], "m-ring", 4.5);
  });
}

function words({seconds, phase, path}, {depth}) {
  const percent = x => x < .001 ? `${short(100 * x, 1)} %` : `${short(100 * x, 2)} %`;
  const how = depth === 1 ? "one layer" : `${depth} layers`, [one, two] = seconds;
  if (phase === "not all learned") return `With ${how} the last value has not come after ${path.length - 1} steps.`;
  return `With ${how}, when the first value gets to three quarters of its target, the second is at ${percent(one)} of its own; when the second does, the third is at ${percent(two)}. `
    + {"one after the other": "Both are at most a quarter: learning is incremental.", partly: "Only one of them is at most a quarter.", together: "Neither is at most a quarter."}[phase];
}

const raised = x => [...String(x)].map(c => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]).join("");
catapult.figure("incremental-learning", {
  slides: "σ₀",
  parameters: {
    digits: {label: "initial value σ_0", low: .5, high: 12, value: 8, shown: x => Number.isInteger(x) ? `10⁻${raised(x)}` : short(10 ** -x)},
    depth: {label: "depth N", low: 1, high: 6, whole: true, value: 2},
    multiple: {label: "rate, in 2/sharpness", low: .02, high: 1, log: true, value: .1},
    ratio: {label: "ratio of targets r", low: 1.05, high: 3, value: 1.5},
  },
  panels: {
    values: {label: "The three values against the step, with their targets; where each gets to three quarters of its target, and where the next one is then.", ratio: .8},
    logs: {label: "The same values on a logarithmic scale.", ratio: .8},
  },
  compute,
  draw(result, state, axes) {
    values(result, state, axes, "values", false);
    values(result, state, axes, "logs", true);
  },
  reading: (result, state) => ({phase: result.phase, tone: TONES[result.phase], words: words(result, state)}),
  commands: state => {
    const {targets, rate, path} = compute(state);
    return [["The chapter, with its toy model and four settings:", "catapult run incremental-learning"], ["These values, step by step:",
      `python -c "from catapult.theory import incremental; print(incremental.descend(${state.depth}, [${targets.join(", ")}], ${rate}, ${-state.digits * Math.LN10}, ${path.length - 1}))"`]];
  },
});
})();
