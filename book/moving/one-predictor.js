/* One predictor on the degenerate pair: the map, the orbit and the loss from w0 at the rate eta, and where they lie among the
   phases. A share label_fraction of the labels is +1; with half of them the pair is balanced. */
(() => {
"use strict";
const {linear_predictor: theory, losses, short, clamp} = catapult;
const RATES = {logistic: [2, 64], exponential: [.02, 4]}, LARGEST = 10;
const TONES = {"converges": "lazy", "oscillates below": "unsettled", "oscillates above": "catapult", "diverges": "divergent"};
const critical = (loss, w) => theory.critical_learning_rate(loss, w);
const balanced = state => state.label_fraction === .5;
const map = ({loss, eta, label_fraction: p}) => w => p === .5 ? theory.update(loss, w, eta) : theory.imbalanced_update(w, eta, p);

function excess({loss, label_fraction: p}) {
  if (p === .5) return w => theory.excess_risk(loss, w);
  const value = w => p * losses.logistic.value(w) + (1 - p) * losses.logistic.value(-w), least = value(Math.log(p / (1 - p)));
  return w => value(w) - least;
}

/* What the late iterates do: the length of their cycle, or their Lyapunov exponent. */
function late({w0, eta, label_fraction}) {
  const [orbit, exponent] = theory.imbalanced_attractor(eta, label_fraction, 4000, 256, w0), end = orbit.at(-1);
  const period = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16].find(k => Math.abs(end - orbit.at(-1 - k)) < 1e-6 * (1 + Math.abs(end)));
  return {orbit: orbit.slice(-48), exponent, period};
}

function compute(state) {
  const {loss, w0, eta, steps} = state, step = map(state), orbit = [w0];
  for (let t = 0; t < steps; t++) orbit.push(step(orbit[t]));
  const result = {orbit, excess: orbit.map(excess(state)), critical: critical(loss, w0), cycle: theory.two_cycle(loss, eta)};
  if (balanced(state)) return {...result, phase: theory.predicted_phase(loss, w0, eta)};
  const {period, exponent, orbit: last} = late(state);
  return {...result, cycle: NaN, last, exponent, period,
          phase: period === 1 ? "converges" : period ? `cycle of length ${period}` : exponent > .005 ? "chaos" : "not settled"};
}

const tone = ({phase}) => TONES[phase] ?? (phase === "chaos" ? "catapult" : "unsettled");

function cobweb(result, state, axes) {
  const finite = result.orbit.slice(0, 30).filter(Number.isFinite), w0 = state.w0;
  let low, high;
  if (balanced(state)) {
    high = 1.12 * Math.max(w0, Math.min(Math.max(...finite.map(Math.abs)), 3 * w0 + 2), 1.15 * result.cycle || 0);
    low = -high;
  } else {
    const all = [...finite, ...result.last, Math.log(state.label_fraction / (1 - state.label_fraction))];
    [low, high] = [Math.min(...all), Math.max(...all)];
    [low, high] = [low - .12 * (high - low + 1), high + .12 * (high - low + 1)];
  }
  const p = axes("cobweb", {x: [low, high], y: [low, high], xlabel: "weight w_t", ylabel: "weight after the step", left: 40});
  const grid = Array.from({length: 401}, (_, i) => low + (high - low) * i / 400);
  p.line([[low, low], [high, high]], "m-muted m-thin");
  if (balanced(state)) p.line([[low, -low], [high, -high]], "m-muted m-thin m-dashed");
  p.line(grid.map(w => [w, map(state)(w)]), "m-curve m-thick");
  const c = result.cycle;
  if (c > 0) {
    p.line([[c, -c], [c, c], [-c, c], [-c, -c], [c, -c]], "m-theory m-dotted");
    p.dots([[c, -c], [-c, c]], "m-ring", 5);
    p.text([c, -c], "w*", "", "start", 8, 14);
  }
  const path = [[w0, 0]];
  for (let t = 0; t + 1 < Math.min(finite.length, 30); t++) path.push([finite[t], finite[t + 1]], [finite[t + 1], finite[t + 1]]);
  p.line(path, `m-${tone(result)}`);
}

function loss(result, state, axes) {
  const start = result.excess[0] || 1e-6, seen = result.excess.filter(one => one > 0 && one < 1e300);
  const p = axes("loss", {x: [0, state.steps], y: [Math.max(Math.min(...seen) / 2, 1e-8 * start), clamp(2 * Math.max(...seen), 3 * start, 1e4 * start)],
                          ylog: true, xlabel: "step t", ylabel: "loss above its minimum"});
  p.line([[0, start], [state.steps, start]], "m-muted m-dotted");
  if (result.cycle > 0) {
    const level = excess(state)(result.cycle);
    p.line([[0, level], [state.steps, level]], "m-theory m-dashed");
    p.text([state.steps, level], "at ±w*", "", "end", -2, -6);
  }
  p.line(result.excess.map((one, t) => [t, one]), `m-${tone(result)}`);
  p.dots(result.excess.map((one, t) => [t, one]), `m-fill-${tone(result)}`, 2.6);
}

/* The plane of w0 and eta; of unbalanced labels, the late iterates against eta. */
function phases(result, state, axes) {
  const {w0, eta, label_fraction: share} = state, [low, high] = RATES[state.loss];
  if (!balanced(state)) {
    const edge = 2 / (share * (1 - share)), from = Math.min(.7 * edge, .9 * eta), points = [];
    for (let i = 0; i <= 160; i++) {
      const rate = from * (high / from) ** (i / 160);
      for (const w of theory.imbalanced_attractor(rate, share, 300, 24, w0)[0]) points.push([rate, w]);
    }
    const ends = points.map(([, w]) => w), span = [Math.min(...ends) - 1, Math.max(...ends) + 1];
    const p = axes("phases", {x: [from, high], y: span, xlog: true, xlabel: "learning rate η", ylabel: "late weights"});
    p.dots(points, "m-fill-ink", .8);
    if (edge < high) {
      p.line([[edge, span[0]], [edge, span[1]]], "m-theory m-dashed");
      p.text([edge, span[1]], "edge of stability", "", "start", 5, 10);
    }
    p.line([[eta, span[0]], [eta, span[1]]], `m-${tone(result)}`);
    return;
  }
  const p = axes("phases", {x: [0, LARGEST], y: [low, high], ylog: true, xlabel: "initial weight w_0", ylabel: "learning rate η"});
  const curve = Array.from({length: 101}, (_, i) => [LARGEST * i / 100, critical(state.loss, LARGEST * i / 100)]);
  const area = (lower, upper, style) => p.line([...lower, ...upper.toReversed()], `m-area-${style}`, "Z");
  const level = y => [[0, y], [LARGEST, y]], notes = (where, words) => p.text(where, words, "", "middle");
  if (state.loss === "logistic") {
    area(level(low), level(8), "lazy");
    area(level(8), curve, "unsettled");
    area(curve, level(high), "catapult");
    p.line(level(8), "m-theory m-dashed");
    notes([LARGEST / 2, 3.6], "converges");
    notes([7.5, 13], "oscillates below");
    notes([3, 40], "oscillates above");
    p.text([9.8, critical("logistic", 9.8)], "η_c", "", "end", -14, -2);
  } else {
    area(level(low), curve, "lazy");
    area(curve, level(high), "divergent");
    notes([1.6, .1], "converges");
    notes([6, .6], "diverges");
    p.text([1.2, critical("exponential", 1.2)], "η_c", "", "start", 10, -4);
  }
  p.line(curve, "m-theory m-thick");
}

function words(result, state) {
  const {eta, w0} = state, rate = `η = ${short(eta)}`, c = short(result.critical), cycle = short(result.cycle);
  if (!balanced(state)) {
    const gamma = eta * state.label_fraction * (1 - state.label_fraction);
    return `${rate} is ${short(gamma)} in units in which the edge of stability is 2. ` + (result.period === 1 ? "The orbit comes to the minimum."
      : result.period ? `The orbit ends on a cycle of length ${result.period}.` : `The late orbit has the Lyapunov exponent ${short(result.exponent, 2)}.`);
  }
  return {
    "converges": `${rate} is ${state.loss === "logistic" && eta <= 8 ? "at most 8" : `below η_c = ${c}`}: the weight falls to the minimum.`,
    "oscillates below": `${rate} is above 8 and at most η_c = ${c}: the orbit ends on the two-cycle ±w* = ±${cycle}, with less loss than at the start.`,
    "oscillates above": `${rate} is above η_c = ${c}: the orbit ends on the two-cycle ±w* = ±${cycle}, with more loss than at the start.`,
    "diverges": `${rate} is above η_c = ${c}: every step is longer than the one before. Below w* = ${cycle} it would have come back.`,
  }[result.phase].replace("Below w* = ∞ it would have come back.", "At this rate no start comes back.");
}

const moved = w => ({w0: clamp(Number(w.toPrecision(3)), .1, LARGEST)});
catapult.figure("critical-learning-rates", {
  parameters: {
    eta: {label: "learning rate η", low: .02, high: 64, log: true, limits: ({loss}) => RATES[loss], value: 9},
    w0: {label: "initial weight w_0", low: .1, high: LARGEST, value: 2},
    label_fraction: {label: "share of labels +1", low: .5, high: .95, value: .5, idle: ({loss}) => loss !== "logistic"},
    loss: {label: "loss", among: ["logistic", "exponential"], value: "logistic",
           then: (state, loss) => ({loss, eta: state.eta * critical(loss, state.w0) / critical(state.loss, state.w0)})},
    steps: {low: 10, high: 1000, whole: true, value: 40},
  },
  agree(state) {
    if (state.loss !== "logistic" || state.label_fraction < .525) state.label_fraction = .5;
    else state.label_fraction = Math.max(state.label_fraction, .55);
    state.eta = clamp(state.eta, ...RATES[state.loss]);
  },
  panels: {
    cobweb: {label: "The map from one weight to the next, with its diagonals and the orbit from w0 as a staircase.", ratio: 1.06},
    loss: {label: "Loss above its minimum against the step.", ratio: .56},
    phases: {label: "The plane of initial weight and learning rate, with the critical curve; or, with unbalanced labels, late weights against the learning rate.", ratio: .6},
  },
  compute,
  draw(result, state, axes) {
    cobweb(result, state, axes);
    loss(result, state, axes);
    phases(result, state, axes);
  },
  reading: (result, state) => ({phase: result.phase, tone: tone(result), words: words(result, state)}),
  commands(state) {
    const {loss, w0, eta, steps, label_fraction: p} = state;
    const share = balanced(state) ? "" : ` -p label_fraction=${p}`;
    return [
      ["The chapter from this start, at the learning rates that it chooses for it:",
       `catapult run critical-learning-rates -p loss=${loss} -p w0=${w0} -p steps=${steps}${share}`],
      ["This orbit:", "python -c \"import numpy; from catapult.theory import linear_predictor as p; print(" + (balanced(state)
        ? `p.iterate('${loss}', ${w0}, ${eta}, ${steps})` : `p.imbalanced_attractor([${eta}], ${p}, 0, ${steps + 1}, numpy.array([${w0}]))[0].ravel()`) + ")\""]];
  },
  handles(state) {
    const {w0, eta} = state, start = {key: "w0", label: "initial weight, in the map", panel: "cobweb", at: [w0, 0], low: .1, high: LARGEST, value: w0,
      text: `w0 = ${short(w0)}`, moved: x => moved(Math.abs(x)), stepped: (x, y) => moved(w0 + .05 * (x + y))};
    const both = {key: "both", label: "initial weight and learning rate, in the plane of the phases", panel: "phases", at: [w0, eta], low: .1, high: LARGEST,
      value: w0, text: `w0 = ${short(w0)}, η = ${short(eta)}`, moved: (x, y) => ({...moved(x), eta: Number(y.toPrecision(4))}),
      stepped: (x, y) => ({...moved(w0 + .05 * x), eta: Number((eta * 1.02 ** y).toPrecision(4))})};
    return balanced(state) ? [start, both] : [start];
  },
});
})();
