/* Gradient descent on F(xy): its path over the contours, and the sharpness over the steps against 2/η. */
(() => {
"use strict";
const {family: theory, short, clamp} = catapult;
const KINDS = {"growth order p": "power", "log cosh": "log_cosh", "cross-entropy": "cross_entropy"}, STEPS = 4000;
const member_of = ({loss, order, target}) => theory.built([KINDS[loss], ...{power: [order, target], log_cosh: [target], cross_entropy: []}[KINDS[loss]]]);
const TONES = {lazy: "lazy", edge: "curve", catapult: "catapult", unsettled: "unsettled", divergent: "divergent"};
const NAMES = {lazy: "lazy", edge: "edge of stability", catapult: "catapult", unsettled: "not settled", divergent: "divergence"};

function compute(state) {
  const {x0, y0, eta, steps} = state, member = member_of(state);
  const run = theory.follow(member, x0, y0, eta, steps, []);
  return {...run, member, risk: run.path.map(([x, y]) => member.value(x * y)),
          sharp: run.path.map(([x, y]) => theory.sharpness(member, x, y))};
}

/* The s on one side of the minimum at which F is `level`, by bisection. */
function where(member, level, side) {
  let near = 0, far = 400;
  for (let i = 0; i < 50; i++) {
    const middle = (near + far) / 2;
    if (member.value(member.minimiser + side * middle) < level) near = middle; else far = middle;
  }
  return member.minimiser + side * near;
}

/* Where xy = s in the frame, and (x, y) is among what is asked for. */
function hyperbola(p, s, {x: [left, right], y}, style, among = () => true) {
  const least = Math.abs(s) / Math.max(...y.map(Math.abs)) / 1.1;
  for (const [sign, near, far] of [[1, left, right], [-1, -right, -left]]) {
    const from = Math.max(near, least);
    if (from >= far) continue;
    p.line(Array.from({length: 81}, (_, i) => {
      const x = sign * from * (far / from) ** (i / 80);
      return among(x, s / x) ? [x, s / x] : [NaN, NaN];
    }), style);
  }
}

/* A frame with room around the values, on quarters, so that it does not tremble when a slider moves. */
function frame(values, most) {
  const low = Math.max(Math.min(...values), -most), high = Math.min(Math.max(...values), most), room = Math.max(.2, .12 * (high - low), (1.2 - high + low) / 2);
  return [Math.floor(4 * (low - room)) / 4, Math.ceil(4 * (high + room)) / 4];
}

function plane(result, {eta}, axes, panels) {
  const {member, path, label} = result, seen = path.slice(0, 400).concat(path.slice(-1)), most = result.lost ? 1.2 * Math.max(...path[0].map(Math.abs)) : 8;
  const p = axes("plane", {x: frame(seen.map(([x]) => x), most), y: frame(seen.map(([, y]) => y), most), xlabel: "x", ylabel: "y", left: 38});
  const {axis} = panels.plane, parts = point => [axis.x, axis.y].map(([low, high], i) => (point[i] - low) / (high - low));
  const inside = (point, room) => parts(point).every(share => share > room && share < 1 - room);
  const largest = Math.max(...axis.x.map(Math.abs)) * Math.max(...axis.y.map(Math.abs));
  for (const level of [.0125, .05, .2, .8, 3.2, 12.8, 51.2])
    for (const side of [1, -1]) {
      const s = where(member, level, side);
      if (Math.abs(s) > 1e-6 && Math.abs(s) < largest) hyperbola(p, s, axis, "m-muted m-contour");
    }
  const radius = Math.sqrt(2 / (eta * member.second)), circle = Array.from({length: 361}, (_, i) => radius * Math.cos(i * Math.PI / 180)).map(
    (x, i) => [x, radius * Math.sin(i * Math.PI / 180)]);
  p.line(circle, "m-theory m-dashed m-thin");
  const named = [...circle.slice(270), ...circle].find(point => inside(point, .12));
  if (named) p.text(named, "ηλ = 2", "", "start", 6, 14);
  hyperbola(p, member.minimiser, axis, "m-curve m-dotted");
  hyperbola(p, member.minimiser, axis, "m-curve m-broad", (x, y) => x * x + y * y <= radius * radius);
  const tone = TONES[label];
  p.line(path.slice(0, 80), `m-${tone} m-thin`);
  p.dots(path.slice(0, 250), `m-fill-${tone}`, 2.6);
  if (!result.lost) p.dot([result.x, result.y], "m-ring", 5);
}

/* Steps that are drawn: all of the first, later ones in pairs, which show a bounce. */
const DRAWN = Array.from({length: STEPS + 1}, (_, t) => t).filter(t => t < 300 || t === STEPS || Math.floor(Math.log(t) * 100) > Math.floor(Math.log(t - 2) * 100));

function over_steps(result, {eta, steps}, axes) {
  const {risk, sharp, member, label} = result, x = [1, steps + 1], tone = TONES[label], edge = 2 / eta, drawn = DRAWN.filter(t => t < sharp.length);
  const p = axes("sharp", {x, y: [0, clamp(1.12 * Math.max(...sharp), 1.5 * edge, 4 * edge)], xlog: true, xlabel: "step + 1", ylabel: "sharpness λ"});
  p.line([[1, edge], [steps + 1, edge]], "m-theory m-dashed");
  p.text([steps + 1, edge], "2/η", "", "end", -4, -6);
  if (label === "edge" && theory.product_stability(member) > 0) {
    const law = theory.end(member, eta) / eta;
    p.line([[1, law], [steps + 1, law]], "m-curve m-dotted");
  }
  p.line(drawn.map(t => [t + 1, sharp[t]]), `m-${tone}`);
  if (result.converged) p.dot([steps + 1, result.edge / eta], "m-ring", 5);
  const seen = risk.filter(one => one > 0), high = Math.max(...seen), low = clamp(Math.min(...seen), 1e-12, risk[0] / 10);
  const q = axes("risk", {x, y: [low / 2, Math.min(3 * high, 1e6 * risk[0])], xlog: true, ylog: true, xlabel: "step + 1", ylabel: "loss F"});
  q.line([[1, risk[0]], [steps + 1, risk[0]]], "m-muted m-dotted");
  q.line(drawn.map(t => [t + 1, risk[t]]), `m-${tone}`);
  q.dots(risk.slice(0, 40).map((one, t) => [t + 1, one]), `m-fill-${tone}`, 2.4);
}

function words(result, {eta, steps}) {
  const {left, label, edge, peak, member} = result, start = `ηλ = ${short(eta * result.sharp[0])} at the start`;
  const share = left < .001 ? "less than 0.1 %" : `${short(100 * left)} %`;
  const balance = left <= theory.BALANCED ? `Balancing: ${share} of |x² − y²| is left.` : `No balancing: ${share} of |x² − y²| is left.`;
  const rises = peak > 1.01 ? `rises to ${short(peak)} times its start` : "rises on its way";
  return {
    lazy: `${start}; the loss never rises, and the run ends at ηλ = ${short(edge)}. ${balance}`,
    edge: `${start}; the loss ${rises} and comes back, and the run comes to rest just below the edge, at ηλ = ${short(edge, 4)}. ${balance}`,
    catapult: `${start}; the loss ${rises} and comes back, and the run ends flatter than the edge asks, at ηλ = ${short(edge)}. ${balance}`,
    unsettled: `${start}; no rest after ${steps} steps${eta * member.second * member.minimiser > 1 ? ": at this rate no minimum is stable" : ""}. ${balance}`,
    divergent: `${start}; the step that goes too far makes the next go farther: lost after ${result.path.length} steps.`,
  }[label];
}

const round = x => Number(x.toPrecision(3)), X = x => clamp(round(x), .5, 5), Y = y => clamp(round(Math.abs(y) < 1e-3 ? 0 : y), -2, 2);
const PYTHON = {power: ({order, target}) => `power(${order}, ${target})`, log_cosh: ({target}) => `log_cosh(${target})`, cross_entropy: () => "cross_entropy()"};

catapult.figure("regularity", {
  parameters: {
    eta: {label: "learning rate η", low: .0442, high: 4, log: true, value: .18},
    loss: {label: "F", among: Object.keys(KINDS), value: "growth order p"},
    order: {label: "growth order p", low: .5, high: 4, value: 1, idle: ({loss}) => KINDS[loss] !== "power"},
    target: {label: "minimum at xy =", low: .05, high: 2, value: .5, idle: ({loss}) => KINDS[loss] === "cross_entropy"},
    x0: {label: "start x_0", low: .5, high: 5, value: 4},
    y0: {label: "start y_0", low: -2, high: 2, value: .2},
    steps: {low: 100, high: STEPS, whole: true, value: STEPS},
  },
  agree(state) {  // something to balance, and not the minimum itself
    const {minimiser} = member_of(state);
    const bad = () => state.x0 === Math.abs(state.y0) || [minimiser, state.target].some(s => Math.abs(state.x0 * state.y0 - s) < 1e-4);
    const way = state.x0 < 3 ? .01 : -.01;  // one way only: to and fro it could go on for ever
    while (bad()) state.x0 = round(state.x0 + way);
  },
  panels: {
    plane: {label: "The plane of x and y: the path of gradient descent over the contours of F(xy), the minima, and the circle within which they are stable.", ratio: 1.02},
    sharp: {label: "Sharpness against the step, with 2/η.", ratio: .58},
    risk: {label: "Loss F against the step.", ratio: .58},
  },
  compute,
  draw(result, state, axes, panels) {
    plane(result, state, axes, panels);
    over_steps(result, state, axes);
  },
  reading: (result, state) => ({phase: NAMES[result.label], tone: TONES[result.label], words: words(result, state)}),
  commands: state => {
    const {x0, y0, eta, target, steps} = state, squared = theory.sharpness(["power", 2, target], x0, y0);
    return [["The chapter from this start at this rate, for the growth orders 1, 2 and 4:",
      `catapult run regularity -p x0=${x0} -p y0=${y0} -p target=${target} -p multiple=${eta * squared / 2} -p steps=${steps}`],
    ["This run: what it is called, and where it ends:",
      `python -c "from catapult.chapters.regularity import experiment, family; member = family.${PYTHON[KINDS[state.loss]](state)}; `
      + `run = family.follow(member, ${x0}, ${y0}, ${eta}, ${steps}); print(experiment.labels(run, member, ${eta}), run.x, run.y)"`]];
  },
  handles: ({x0, y0}) => [{key: "start", label: "start of the run, in the plane", panel: "plane", at: [x0, y0], low: .5, high: 5, value: x0,
    text: `x0 = ${short(x0)}, y0 = ${short(y0)}`, moved: (x, y) => ({x0: X(x), y0: Y(y)}),
    stepped: (x, y) => ({x0: X(x0 + .05 * x), y0: Y(y0 + .05 * y)})}],
});
})();
