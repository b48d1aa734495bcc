/* Two layers on the degenerate pair: the path in the plane of output f and kernel lambda over the map of its phases, and the
   loss and the kernel over the steps. One figure, which two chapters open with losses of their own. */
(() => {
"use strict";
const {two_layer: theory, linear_predictor, losses, short, clamp} = catapult;
const CELLS = [72, 54], MAP_STEPS = 1500, BUDGET = 4;  // milliseconds a frame
const edge_constant = loss => 2 / losses[loss].curvature_at_zero;  // of eta lambda
const EDGE = {logistic: "8/η", squared: "2/η", exponential: "2/η"};
const RATES = {  // which do not depend on the start, so that dragging it leaves the rate alone
  logistic: ({width}) => [.5, Number((1.25 * Math.max(16, Math.sqrt(8 * width))).toPrecision(4))],
  squared: () => [.2, 4.4],
  exponential: () => [.1, 4.2],
};
const rates = state => RATES[state.loss](state);

function compute({loss, f0, ntk0, width, eta, steps}) {
  const [f, ntk] = theory.iterate(loss, f0, ntk0, width, eta, steps);
  const [label, , scaled] = theory.follow(loss, f0, eta * ntk0, eta * eta / width, 100000, 1e-17), settled = label !== "unsettled";
  return {f, ntk, excess: f.map(one => linear_predictor.excess_risk(loss, one)), edge: theory.stability_edge(loss, eta),
          phase: settled ? label : theory.phase(loss, f0, ntk0, width, eta), end: settled && label !== "divergent" ? scaled / eta : NaN};
}

/* The map of the phases behind the plane, a few rows a frame; of the two halves one is computed. */
let maps = 0;
function draw_map(panel, pen, {x, y}, {loss, eta, width}) {
  const style = getComputedStyle(panel.box), names = [...theory.LABELS];
  const colours = names.map(name => style.getPropertyValue(`--m-map-${name}`).trim());
  const key = JSON.stringify([loss, eta, width, x, y, colours]), {canvas, svg} = panel, {left, right, top, bottom} = pen.box;
  const {width: w, height: h} = svg.viewBox.baseVal.width ? svg.viewBox.baseVal : {width: 1, height: 1};
  Object.assign(canvas.style, {left: `${100 * left / w}%`, top: `${100 * top / h}%`, width: `${100 * (right - left) / w}%`, height: `${100 * (bottom - top) / h}%`});
  if (canvas.dataset.key === key) return;
  canvas.dataset.key = key;
  [canvas.width, canvas.height] = CELLS;
  const paint = canvas.getContext("2d"), [columns, rows] = CELLS, mine = canvas.turn = ++maps, kappa = eta * eta / width;
  let row = 0;
  const some = () => {
    if (canvas.turn !== mine) return;
    for (const began = performance.now(); row < rows && performance.now() - began < BUDGET; row++) {
      const ntk = y[1] - (y[1] - y[0]) * (row + .5) / rows;
      for (let column = columns / 2; column < columns; column++) {
        const f = x[0] + (x[1] - x[0]) * (column + .5) / columns;
        if (!theory.feasible(f, ntk, width)) continue;
        const returns = (loss === "logistic" && kappa <= 8) || (loss === "squared" && eta * ntk < 4);
        let [label] = theory.follow(loss, f, eta * ntk, kappa, MAP_STEPS, 0, returns);
        if (label === "unsettled" && returns) label = "lazy";  // it has not risen so far
        paint.fillStyle = colours[names.indexOf(label)];
        paint.fillRect(column, row, 1, 1);
        paint.fillRect(columns - 1 - column, row, 1, 1);
      }
    }
    if (row < rows) requestAnimationFrame(some);
  };
  some();
}

function plane(result, state, axes, panels) {
  const {loss, eta, width, f0, ntk0} = state, high = 1.2 * Math.max(ntk0, Math.min(result.edge, 1.6 * ntk0));
  const seen = result.f.filter((f, t) => Number.isFinite(f) && result.ntk[t] < 1.5 * high).map(Math.abs);
  const reach = 1.12 * Math.max(1.4 * f0, Math.min(Math.max(...seen), result.phase === "divergent" ? 8 * f0 + 4 : Infinity));
  const axis = {x: [-reach, reach], y: [0, high], xlabel: "output f", ylabel: "kernel λ", left: 40};
  const p = axes("plane", axis), across = Array.from({length: 161}, (_, i) => reach * (i / 80 - 1));
  draw_map(panels.plane, p, panels.plane.axis, state);
  p.line(across.map(f => [f, 2 * Math.abs(f) / Math.sqrt(width)]), "m-muted m-thin");
  if (loss === "squared") {
    p.line([[-reach, 4 / eta], [reach, 4 / eta]], "m-theory m-dotted");
    if (4 / eta < high) p.text([reach, 4 / eta], "4/η", "", "end", -3, -5);
    p.line(across.map(f => [f, (2 + eta * eta / width * f * f) / eta]), "m-curve m-dashed");
  } else {
    const curve = across.map(f => [f, theory.slow_ntk(loss, f, width, eta)]);
    p.line(curve, "m-curve m-dashed");
    const where = curve.find(([, ntk]) => ntk < .97 * high && ntk > 0);
    if (where) p.text(where, loss === "logistic" ? "slow curve" : "watershed", "m-text-curve", "start", 6, 12);
  }
  p.line([[-reach, result.edge], [reach, result.edge]], "m-theory m-dashed");
  if (result.edge < high) p.text([reach, result.edge], EDGE[loss], "", "end", -3, -5);
  const path = result.f.map((f, t) => [f, result.ntk[t]]);
  p.line(path.slice(0, 60), `m-${result.phase} m-thin`);
  p.dots(path.slice(0, 160), `m-fill-${result.phase}`, 2.8);
  if (result.end >= 0) p.dot([0, result.end], "m-ring", 5.5);
}

function over_steps(result, state, axes) {
  const {loss, eta, width, steps, ntk0} = state, x = [1, steps + 1], start = result.excess[0];
  const seen = result.excess.filter(one => one > 0 && one < 1e200);
  const low = clamp(Math.min(...seen), 1e-8 * start, start / 10), high = clamp(3 * Math.max(...seen), 3 * start, 1e5 * start);
  const top = axes("loss", {x, y: [low, high], xlog: true, ylog: true, xlabel: "step + 1", ylabel: "loss above its minimum"});
  top.line([[1, start], [steps + 1, start]], "m-muted m-dotted");
  top.line(result.excess.map((one, t) => [t + 1, one]), `m-${result.phase}`);
  top.dots(result.excess.slice(0, 40).map((one, t) => [t + 1, one]), `m-fill-${result.phase}`, 2.4);
  const p = axes("kernel", {x, y: [0, 1.25 * Math.max(ntk0, Math.min(result.edge, 1.6 * ntk0))], xlog: true, xlabel: "step + 1", ylabel: "kernel λ"});
  p.line([[1, result.edge], [steps + 1, result.edge]], "m-theory m-dashed");
  p.text([1, result.edge], `edge ${EDGE[loss]}`, "", "start", 6, -5);
  const law = theory.slide_ntk(width, eta), kappa = eta * eta / width;
  if (loss === "logistic" && eta * ntk0 > 8 && kappa < 1) {
    p.line([[1, law], [steps + 1, law]], "m-curve m-dotted");
    p.text([1, law], "8/η − 3η/2m", "m-text-curve", "start", 6, 15);
  }
  p.line(result.ntk.map((one, t) => [t + 1, one]), `m-${result.phase} m-thick`);
  if (result.end >= 0) p.dot([steps + 1, result.end], "m-ring", 5);
}

function words(result, {loss, eta, ntk0, width}) {
  const scaled = `ηλ_0 = ${short(eta * ntk0)}, where the edge is ${edge_constant(loss)}`, kappa = `η²/m = ${short(eta * eta / width, 2)}`;
  const peak = Math.max(...result.excess.filter(Number.isFinite)) / result.excess[0];
  const ends = result.end >= 0 ? `λ goes from ${short(ntk0)} to ${short(result.end)}; the edge is ${short(result.edge)}.` : "";
  return {
    lazy: `${scaled}; ${kappa}. The loss never rises. ${ends}`,
    catapult: `${scaled}; ${kappa}. The loss rises${peak > 1.01 ? ` ${short(peak, 2)}-fold` : ""} and comes back. ${ends}`,
    divergent: `${scaled}; ${kappa}. Output and kernel grow without end.`,
    unsettled: `${scaled}; ${kappa}. Not settled after 100 000 steps.`,
  }[result.phase];
}

const CHAPTERS = {
  logistic: ({f0, ntk0, width, steps}) => ["The chapter with this network, at five learning rates:",
    `catapult run catapult-logistic -p f0=${f0} -p ntk0=${ntk0} -p width=${width} -p steps=${clamp(steps, 100, 5000)}`],
  squared: ({width, steps}) => ["The chapter at this width, with f and λ of the random weights of its seed:",
    `catapult run catapult-squared -p width=${width} -p steps=${clamp(steps, 10, 1000)}`],
  exponential: ({f0, ntk0, width, steps}) => ["The chapter on the exponential loss with this network:",
    `catapult run exponential-window -p f0=${f0} -p ntk0=${ntk0} -p width=${width} -p steps=${clamp(steps, 20, 5000)}`],
};

const F = f => ({f0: clamp(Number(Math.abs(f).toPrecision(3)), .1, 2.5)}), NTK = ntk => ({ntk0: clamp(Number(ntk.toPrecision(3)), 1, 4)});
const figure = (name, start) => catapult.figure(name, {
  parameters: {
    eta: {label: "learning rate η", low: 1e-3, high: 1e3, log: true, limits: rates, value: start.eta},
    f0: {label: "output f_0", low: .1, high: 2.5, value: start.f0},
    ntk0: {label: "kernel λ_0", low: 1, high: 4, value: start.ntk0},
    width: {label: "width m", low: 50, high: 5000, log: true, whole: true, value: 1000},
    loss: {label: "loss", among: ["logistic", "squared", "exponential"], value: start.loss,
           then: (state, loss) => ({loss, eta: state.eta * edge_constant(loss) / edge_constant(state.loss)})},
    steps: {low: 10, high: 5000, whole: true, value: start.steps},
  },
  agree(state) { state.eta = clamp(state.eta, ...rates(state)); },
  panels: {
    plane: {label: "The plane of output and kernel: the path of the run over the map of the phases, with the edge of stability.", ratio: 1.06, map: true},
    loss: {label: "Loss above its minimum against the step.", ratio: .58},
    kernel: {label: "Kernel against the step, with the edge of stability.", ratio: .58},
  },
  compute,
  draw(result, state, axes, panels) {
    plane(result, state, axes, panels);
    over_steps(result, state, axes);
  },
  reading: (result, state) => ({phase: result.phase, tone: result.phase, words: words(result, state)}),
  commands: state => [CHAPTERS[state.loss](state), ["This run, as pairs of f and λ:",
    `python -c "from catapult.theory import two_layer; print(*zip(*two_layer.iterate('${state.loss}', ${state.f0}, ${state.ntk0}, ${state.width}, ${state.eta}, ${state.steps})), sep='\\n')"`]],
  handles: ({f0, ntk0}) => [{key: "start", label: "start of the run, in the plane", panel: "plane", at: [f0, ntk0], low: .1, high: 2.5, value: f0,
    text: `f0 = ${short(f0)}, λ0 = ${short(ntk0)}`, moved: (x, y) => ({...F(Math.max(x, .1)), ...NTK(y)}),
    stepped: (x, y) => ({...F(f0 + .05 * x), ...NTK(ntk0 + .05 * y)})}],
});
figure("catapult-squared", {loss: "squared", eta: 1.6, f0: 1.391508806683662, ntk0: 1.970064141016417, steps: 36});
figure("catapult-logistic", {loss: "logistic", eta: 12, f0: 1, ntk0: 2, steps: 700});
})();
