/* The phenomenon: one run over three pale ones, and where it ends. A two-layer linear network of width 100 (the weights of
   seed 2, as in the still) on the degenerate pair, logistic loss. */
(() => {
"use strict";
const {two_layer, linear_predictor, short} = catapult;
const F0 = 1.1955569802630888, NTK0 = 1.6853411019938773, WIDTH = 100, STEPS = 60, LOSS = "logistic";
const FIXED = [["lazy", 3], ["catapult", 10], ["divergent", 60]];
const START = Math.LN2 + linear_predictor.excess_risk(LOSS, F0);
const CEILING = 3e3;

function run(rate) {
  const [f] = two_layer.iterate(LOSS, F0, NTK0, WIDTH, rate, STEPS);
  const loss = f.map(one => Math.LN2 + linear_predictor.excess_risk(LOSS, one));
  const end = loss.findIndex(one => !(one < CEILING));
  return loss.slice(0, end < 0 ? undefined : end + 1).map((one, t) => [t + 1, Math.min(one || CEILING, CEILING)]);
}

const ends = rate => two_layer.final_ntk(LOSS, F0, NTK0, WIDTH, rate) / 4;  // at f = 0 the sharpness is L''(0) lambda
const fixed = FIXED.map(([phase, rate]) => ({phase, rate, loss: run(rate)}));
const low = 1, high = 60;
const sweep = Array.from({length: 600}, (_, i) => low * (high / low) ** (i / 599)).map(rate => [rate, ends(rate)]);
const last = sweep.filter(([, end]) => end > 0).at(-1)[0];
const edge = rate => 2 / rate;

catapult.figure("hero", {
  parameters: {eta: {label: "learning rate η", low, high, log: true, value: 24 / NTK0}},
  panels: {
    loss: {label: "Training loss against the step, for the learning rate that is set and for three fixed ones.", ratio: .72},
    end: {label: "Sharpness at the end against the learning rate, below the edge 2 over η.", ratio: .72},
  },
  compute: ({eta}) => ({loss: run(eta), phase: two_layer.phase(LOSS, F0, NTK0, WIDTH, eta), sharpness: ends(eta), edge: edge(eta)}),
  draw(result, {eta}, axes) {
    const top = axes("loss", {x: [1, STEPS + 1], y: [.45, 80], xlog: true, ylog: true, yticks: [1, 10], xlabel: "step",
                              ylabel: "training loss"});
    top.line([[1, Math.LN2], [STEPS + 1, Math.LN2]], "m-theory m-dotted");
    top.text([STEPS + 1, Math.LN2], "the minimum", "", "end", -2, 15);
    for (const one of fixed) {
      top.line(one.loss, `m-${one.phase} m-pale`);
      const [where, anchor, dx, dy] = {lazy: [one.loss[0], "start", 8, 22], catapult: [one.loss[2], "start", 9, 4],
                                       divergent: [one.loss.at(-2), "start", 12, 0]}[one.phase];
      top.text([where[0], Math.min(where[1], 55)], one.phase, `m-text-${one.phase}`, anchor, dx, dy);
    }
    top.line(result.loss, `m-${result.phase} m-thick`);
    top.dots(result.loss.slice(0, 8), `m-fill-${result.phase}`, 3.5);
    const floor = 2e-3, end = axes("end", {x: [low, high], y: [floor, 1.2], xlog: true, ylog: true, xticks: [1, 3, 10, 30],
                                           xlabel: "learning rate η", ylabel: "sharpness at the end"});
    end.line([[last, floor], [last, 2], [high, 2], [high, floor]], "m-area-divergent", "Z");
    end.text([high, .5], "divergent", "m-text-divergent", "end", -2);
    end.line([[low, edge(low)], [high, edge(high)]], "m-theory m-dashed");
    end.text([3.4, edge(3.4)], "edge 2/η", "", "start", 6, -4);
    end.line(sweep.filter(([rate]) => rate <= last), "m-catapult m-pale");
    end.line([[eta, floor], [eta, 2]], "m-muted m-thin");
    end.dot([eta, edge(eta)], "m-ring", 5);
    if (Number.isFinite(result.sharpness)) end.dot([eta, Math.max(result.sharpness, floor)], `m-fill-${result.phase}`, 7);
  },
  reading(result, {eta}) {
    const peak = Math.max(...result.loss.map(([, loss]) => loss)) / START, rate = `η = ${short(eta)}`;
    const ends = `The sharpness at the end is ${short(result.sharpness, 2)}; the edge 2/η is ${short(result.edge, 2)}.`;
    return {phase: result.phase, tone: result.phase, words: {
      lazy: `${rate}: the loss falls at every step. ${ends}`,
      catapult: `${rate}: the loss rises ${peak > 1.05 ? `to ${short(peak, 2)} times its start` : "a little"}, then falls to the minimum. ${ends}`,
      divergent: `${rate}: the loss grows without end.`,
      unsettled: `${rate}: this run has not settled yet.`}[result.phase]};
  },
  commands: ({eta}) => [
    ["This network in the chapter on the logistic loss, at five learning rates:",
     `catapult run catapult-logistic -p width=${WIDTH} -p f0=${F0} -p ntk0=${NTK0}`],
    ["This run:", `python -c "from catapult.theory import two_layer; print(two_layer.iterate('${LOSS}', ${F0}, ${NTK0}, ${WIDTH}, ${eta}, ${STEPS}))"`]],
});
})();
