/* Points in the plane that the reader drags, adds, turns: which of the three kinds of data they are, with what proves it, and
   the linear predictor trained on them. Coordinates are whole tenths, so that the kind is decided exactly. */
(() => {
"use strict";
const {linear_predictor: theory, separability, short, clamp} = catapult;
const REACH = 30, MOST = 12, TONES = {separable: "lazy", mixed: "curve", "non-separable": "curve", "strictly non-separable": "catapult"};
const signed = ({points}) => points.map(([x, y, label]) => [label * x, label * y]);

const points = value => ({
  value,
  write: all => all.map(([x, y, label]) => `${x}_${y}_${label > 0 ? "p" : "n"}`).join("~"),
  read(text) {
    const all = text.split("~").map(one => /^(-?\d{1,4})_(-?\d{1,4})_([pn])$/.exec(one)).filter(Boolean)
      .map(([, x, y, label]) => [clamp(Number(x), -REACH, REACH), clamp(Number(y), -REACH, REACH), label === "p" ? 1 : -1]).slice(0, MOST);
    return all.length ? all : undefined;
  },
});
const start = {
  value: [0, 0], write: w => w.join("_"),
  read(text) {
    const w = text.split("_").map(Number);
    return w.length === 2 && text.split("_").every(one => one.trim()) && w.every(Number.isFinite) ? w.map(one => clamp(one, -9, 9)) : undefined;
  },
};

function compute(state) {
  const whole = signed(state), Z = whole.map(z => z.map(x => x / 10)), proof = separability.certify(whole);
  const path = theory.descend(state.loss, Z, state.start, state.eta, state.steps);
  const last = path.findLast(w => w.every(Number.isFinite)), kind = proof.kind === "non-separable" && proof.separable_part.length ? "mixed" : proof.kind;
  const size = Math.hypot(...(proof.direction ?? [0, 0]));
  const direction = size ? (kind === "separable" ? theory.largest_margin(Z) : proof.direction.map(x => x / size)) : null;
  const least = kind === "strictly non-separable" ? theory.minimiser(state.loss, Z) : null;
  return {kind, proof, Z, path, last, direction, least, risk: path.map(w => theory.risk(state.loss, Z, w)),
          edge: least ? 2 / theory.sharpness(state.loss, Z, least) : NaN, wrong: Z.filter(z => z[0] * last[0] + z[1] * last[1] <= 0).length};
}

const through = (p, w, style, shift = 0) => {  // the line w.x = shift |w|
  const size = Math.hypot(...w), n = w.map(x => x / size), far = 9;
  if (size) p.line([[n[0] * shift - far * n[1], n[1] * shift + far * n[0]], [n[0] * shift + far * n[1], n[1] * shift - far * n[0]]], style);
};

function data(result, state, axes) {
  const p = axes("data", {x: [-3.3, 3.3], y: [-3.3, 3.3], xlabel: "input x_1", ylabel: "input x_2", left: 34}), w = result.last;
  const size = Math.hypot(...w), n = w.map(x => x / size);
  if (size) {
    p.line([[-9 * n[1], 9 * n[0]], [9 * n[1], -9 * n[0]], [9 * n[1] + 9 * n[0], -9 * n[0] + 9 * n[1]], [-9 * n[1] + 9 * n[0], 9 * n[0] + 9 * n[1]]], "m-area-lazy", "Z");
    through(p, w, "m-lazy m-thick");
  }
  p.line([[-9, 0], [9, 0]], "m-grid");
  p.line([[0, -9], [0, 9]], "m-grid");
  if (result.direction) {
    through(p, result.direction, "m-theory m-dashed");
    if (result.kind === "separable") {
      const margin = Math.min(...result.Z.map(z => z[0] * result.direction[0] + z[1] * result.direction[1]));
      for (const side of [-1, 1]) through(p, result.direction, "m-muted m-dotted", side * margin);
    }
  }
  const conflict = result.proof.conflict.map(i => result.Z[i]);
  if (conflict.length > 1) p.line(conflict, `m-theory m-thin ${conflict.length > 2 ? "m-area-unsettled m-outlined" : ""}`, "Z");
  p.dots(conflict, "m-fill-ink", 3.5);
  p.dot([0, 0], "m-fill-ink", 2.5);
}

const around = (values, least = 1) => {
  const low = Math.min(0, ...values), high = Math.max(0, ...values), room = .08 * (high - low) + .1 * least;
  return [low - room, high + room];
};

function weights(result, state, axes) {
  const path = result.path.filter(w => w.every(Number.isFinite)), p = axes("weights",
    {x: around(path.map(w => w[0])), y: around(path.map(w => w[1])), xlabel: "weight w_1", ylabel: "weight w_2", left: 40});
  if (result.kind === "separable") p.line([[0, 0], result.direction.map(x => 1e3 * x)], "m-theory m-dashed");
  p.line(path, `m-${TONES[result.kind]}`);
  p.dots(path.slice(0, 200), `m-fill-${TONES[result.kind]}`, 2.4);
  if (result.least) p.dot(result.least, "m-ring", 5);
  p.dot(path[0], "m-fill-ink", 4);
}

/* The weight within E, the line of the conflict, and outside it, where the rest is separated. */
function parts(result, state, axes) {
  const v = result.direction, e = result.kind === "mixed" ? [-v[1], v[0]] : null;
  const along = u => result.path.map((w, t) => [t + 1, w[0] * u[0] + w[1] * u[1]]);
  const lines = result.kind === "mixed" ? [["within E", along(e), "catapult"], ["outside E", along(v), "curve"]]
    : result.kind === "separable" ? [["outside E = {0}", along(v), "curve"]]
      : [["within E", along([1, 0]), "catapult"], ["within E", along([0, 1]), "catapult"]];
  const values = lines.flatMap(([, line]) => line.map(([, y]) => y)).filter(Number.isFinite);
  const p = axes("parts", {x: [1, state.steps + 1], y: around(values, .5), xlog: true, xlabel: "step + 1", ylabel: "weight within E and outside", left: 40});
  p.line([[1, 0], [state.steps + 1, 0]], "m-muted m-thin");
  for (const [name, line, style] of lines) {
    p.line(line, `m-${style}`);
    const [, y] = line.findLast(([, y]) => Number.isFinite(y));
    p.text([state.steps + 1, y], name, `m-text-${style}`, "end", -2, y > 0 ? -6 : 14);
  }
}

function risk(result, state, axes) {
  const seen = result.risk.filter(one => one > 0 && one < 1e200), low = Math.min(...seen), high = Math.max(...seen);
  const p = axes("risk", {x: [1, state.steps + 1], y: [low / 1.5, Math.max(high, 1.2 * low) * 1.5], xlog: true, ylog: true, xlabel: "step + 1", ylabel: "training loss"});
  p.line([[1, result.risk[0]], [state.steps + 1, result.risk[0]]], "m-muted m-dotted");
  p.line(result.risk.map((one, t) => [t + 1, one]), `m-${TONES[result.kind]}`);
}

function words(result, state) {
  const {kind, wrong, edge} = result, blown = result.risk.some(one => !(one < 1e100));
  const rate = `η = ${short(state.eta)}`, errors = `${wrong} of ${state.points.length} wrong after ${state.steps} steps`;
  const proved = state.loss === "logistic";
  const train = blown ? `${rate}: the weights overflow.` : {
    separable: `${rate}: ${errors}${proved ? "; the weight grows for ever, towards the dashed direction" : ""}.`,
    mixed: `${rate}: ${errors}${proved ? "; outside E, the line of the conflict, the weight grows for ever, within E it stays bounded" : ""}.`,
    "non-separable": `${rate}: ${errors}.`,
    "strictly non-separable": `${rate} is ${state.eta < edge ? "below" : "above"} 2/sharpness at the minimum, ${short(edge)}${state.eta < edge ? "" : ", and it does not settle there"}; ${errors}.`,
  }[kind];
  return {
    separable: `The dashed line has every point on its side. ${train}`,
    mixed: `No line has all points on its side; the dashed one has all but those in conflict, which lie on it. ${train}`,
    "non-separable": `All points lie on one line, and contradict each other. ${train}`,
    "strictly non-separable": `With the − points turned round the origin, the joined ones hold it between them: every line has a point on its wrong side. ${train}`,
  }[kind];
}

const matrix = Z => `[${Z.map(z => `[${z.join(", ")}]`).join(", ")}]`;
const ORIGINAL = JSON.stringify([[1, 10], [1, -10]]);
function commands(name, state) {
  const opposed = name === "separability" && JSON.stringify(signed(state)) === ORIGINAL;
  const chapter = opposed ? ["The chapter with this rate on its two opposed points:", `catapult run separability -p learning_rate=${state.eta} -p steps=${state.steps}`]
    : ["The chapter, which has data of its own:", `catapult run ${name}${name === "separability" ? ` -p steps=${state.steps}` : ""}`];
  return [chapter, ["This run:", `python -c "from catapult.theory import linear_predictor; print(linear_predictor.descend('${state.loss}', `
    + `${matrix(signed(state).map(z => z.map(x => x / 10)))}, [${state.start}], ${state.eta}, ${state.steps}))"`]];
}

function handles(state) {
  const place = (i, x, y) => ({points: state.points.map((point, j) => j === i ? [clamp(Math.round(x), -REACH, REACH), clamp(Math.round(y), -REACH, REACH), point[2]] : point)});
  return state.points.map(([x, y, label], i) => ({
    key: `point${i}`, label: `point ${i + 1}, label ${label > 0 ? "+1" : "−1"}`, panel: "data", at: [x / 10, y / 10],
    low: -REACH / 10, high: REACH / 10, value: x / 10, text: `x1 = ${x / 10}, x2 = ${y / 10}, label ${label > 0 ? "+1" : "−1"}`,
    style: `moving-point ${label > 0 ? "moving-plus" : "moving-minus"}${state.chosen === i ? " moving-chosen" : ""}`,
    moved: (a, b) => place(i, 10 * a, 10 * b), stepped: (a, b) => place(i, x + a, y + b),
    taken: () => { state.chosen = i; state.mark?.(); },
    keys: {Enter: () => state.act("turn"), " ": () => state.act("turn"), Delete: () => state.act("remove"), Backspace: () => state.act("remove")},
  }));
}

/* Buttons that add a point, or turn or remove the chosen one. */
function extra({controls, make, state, change}) {
  const box = make("div", {class: "moving-buttons", role: "group", "aria-label": "Points"}, controls);
  const chosen = () => Math.min(state.chosen ?? 0, state.points.length - 1);
  const acts = {
    plus: () => [...state.points, free(state, 1)], minus: () => [...state.points, free(state, -1)],
    turn: () => state.points.map((point, i) => i === chosen() ? [point[0], point[1], -point[2]] : point),
    remove: () => state.points.filter((_, i) => i !== chosen()),
  };
  state.act = name => {
    if (state.points.length === MOST && ["plus", "minus"].includes(name)) return;
    const next = acts[name]();
    if (!next.length) return;
    if (next.length > state.points.length) state.chosen = next.length - 1;
    change({points: next});
  };
  state.mark = () => change({});
  for (const [name, title] of [["plus", "Add +"], ["minus", "Add −"], ["turn", "Turn its label"], ["remove", "Remove it"]])
    make("button", {type: "button", "data-act": name}, box, title).addEventListener("click", () => state.act(name));
}
const PLACES = [[15, 10], [-15, 10], [10, -15], [-10, -15], [20, 0], [0, 20], [-20, 0], [0, -20], [25, 20], [-25, 20], [25, -20], [-25, -20]];
const free = (state, label) => [...PLACES.find(([x, y]) => !state.points.some(point => point[0] === x && point[1] === y)), label];

const figure = (name, value, third) => catapult.figure(name, {
  parameters: {
    eta: {label: "learning rate η", low: .1, high: 100, log: true, value: 3},
    points: points(value), start,
    loss: {label: "loss", among: ["logistic", "exponential"], value: "logistic"},
    steps: {low: 20, high: 5000, whole: true, value: 400},
  },
  panels: {
    data: {label: "The points in the plane with the line of the trained predictor, and with what proves their kind.", ratio: 1.04},
    ...third,
    risk: {label: "Training loss against the step.", ratio: .58},
  },
  compute,
  draw(result, state, axes) {
    data(result, state, axes);
    (third.weights ? weights : parts)(result, state, axes);
    risk(result, state, axes);
  },
  reading: (result, state) => ({phase: result.kind, tone: TONES[result.kind], words: words(result, state)}),
  commands: state => commands(name, state), handles, extra,
});
figure("separability", [[1, 10, 1], [1, -10, 1]], {weights: {label: "The plane of weights with the path of gradient descent.", ratio: .62}});
figure("mixed-data", [[8, 0, 1], [16, 0, -1], [3, 10, 1]], {parts: {label: "The weight within the span of the points in conflict, and outside it, against the step.", ratio: .62}});
})();
