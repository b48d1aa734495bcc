/* Figures that move: the shared core. A figure is catapult.figure(name, {...}) with
     parameters  what the reader sets: {key: {label, low, high, log, value}} for a slider, or with stops, the numbers that it has,
                 {key: {label, among, value}} for a choice, {key: {read, write, value}} for anything else that the address holds
     panels      {key: {label, ratio}}, drawn in this order; height, in pixels, instead of a ratio
     compute     state -> result; one that is {unfinished: true, share} is asked for again, a frame later
     draw        (result, state, axes) draws; axes(panel, {...}) makes the axes of a panel and returns a pen
     reading     (result, state) -> {phase, tone, words}: what is said of it, in plain text
     commands    state -> [[what it gives, command]]
     long        true, if results come unfinished: a line shows how far they are
     slides      the symbol of the first parameter, which can be played, if it is not η
     handles     (state) -> [{key, label, panel, at: [x, y], low, high, moved: (x, y) -> changes, value, text}]: dragged
   The state lies in the address, #lab:NAME:key=value,key=value. */
(() => {
"use strict";
const figures = {};
const still = matchMedia("(prefers-reduced-motion: reduce)");
const make = (tag, attributes = {}, parent = null, text = "") => {
  const element = document.createElement(tag);
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  if (text) element.textContent = text;
  parent?.append(element);
  return element;
};
const escaped = text => String(text).replace(/[&<>"]/g, c => ({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}[c]));
const short = (x, digits = 3) => !Number.isFinite(x) ? "∞" : x !== 0 && (Math.abs(x) < 1e-3 || Math.abs(x) >= 1e5)
  ? x.toExponential(1).replace(/e\+?(-?\d+)/, (_, power) => `·10${superscript(power)}`) : String(Number(x.toPrecision(digits)));
const superscript = text => [...String(text)].map(c => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c] ?? "⁻").join("");
const clamp = (x, low, high) => Math.min(Math.max(x, low), high);

/* Axes: what maps numbers to pixels, and a pen that draws in them. */

function ticks(low, high, log, room) {
  if (log) {
    const decades = Math.log10(high / low), every = Math.max(1, Math.ceil(decades / room)), found = [];
    for (let k = Math.floor(Math.log10(low)); k <= Math.ceil(Math.log10(high)); k++)
      for (const m of decades < 2.2 ? [1, 2, 5] : [1])
        if ((m > 1 || k % every === 0) && m * 10 ** k >= low * (1 - 1e-9) && m * 10 ** k <= high * (1 + 1e-9)) found.push(m * 10 ** k);
    return found;
  }
  const raw = (high - low) / room, base = 10 ** Math.floor(Math.log10(raw));
  const step = base * [1, 2, 5, 10].find(m => m * base >= raw), found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) found.push(k * step);
  return found;
}

const power = v => Math.abs(Math.log10(v)) >= 3 ? `10${superscript(Math.round(Math.log10(v)))}` : short(v);

function scale(range, from, to, log) {
  const [low, high] = log ? range.map(Math.log10) : range;
  const across = v => from + (to - from) * ((log ? Math.log10(v) : v) - low) / (high - low);
  across.back = pixel => { const v = low + (high - low) * (pixel - from) / (to - from); return log ? 10 ** v : v; };
  return across;
}

function pen(svg, width, height, axis, clip) {
  const left = axis.left ?? 46, right = width - 10, top = 24, bottom = height - 38;
  const x = scale(axis.x, left, right, axis.xlog), y = scale(axis.y, bottom, top, axis.ylog);
  const below = [], above = [], out = [];
  const yticks = axis.yticks ?? ticks(...axis.y, axis.ylog, Math.max(2, (bottom - top) / 44));
  const xticks = axis.xticks ?? ticks(...axis.x, axis.xlog, Math.max(2, (right - left) / 62));
  for (const v of yticks) below.push(`<path class="m-grid" d="M${left} ${y(v)}H${right}"/>`,
    `<text x="${left - 6}" y="${y(v) + 4}" text-anchor="end">${axis.ylog ? power(v) : short(v)}</text>`);
  for (const v of xticks) below.push(`<text x="${x(v)}" y="${bottom + 16}" text-anchor="middle">${axis.xlog ? power(v) : short(v)}</text>`);
  below.push(`<path class="m-axis" d="M${left} ${top}V${bottom}H${right}"/>`,
    `<text class="m-label" x="${(left + right) / 2}" y="${height - 6}" text-anchor="middle">${written(axis.xlabel)}</text>`,
    `<text class="m-label" x="${Math.min(left, 8)}" y="12">${written(axis.ylabel)}</text>`);
  const place = ([a, b]) => `${clamp(x(a), -1e4, 1e4).toFixed(1)} ${clamp(y(b), -1e4, 1e4).toFixed(1)}`;
  const shown = ([a, b]) => Number.isFinite(a) && Number.isFinite(b) && (!axis.xlog || a > 0) && (!axis.ylog || b > 0);
  return {
    x, y, box: {left, right, top, bottom},
    line(points, style, close = "") {
      let path = "", pen = "M";
      for (const point of points) {
        if (shown(point)) { path += pen + place(point); pen = "L"; } else pen = "M";
      }
      out.push(`<path class="m-line ${style}" d="${path}${close}"/>`);
    },
    dot(point, style, radius = 4) {
      if (shown(point)) out.push(`<circle class="${style}" cx="${x(point[0])}" cy="${y(point[1])}" r="${radius}"/>`);
    },
    dots(points, style, radius) { points.forEach(point => this.dot(point, style, radius)); },
    text(point, words, style = "", anchor = "start", dx = 0, dy = 0) {
      above.push(`<text class="m-note ${style}" x="${x(point[0]) + dx}" y="${y(point[1]) + dy}" text-anchor="${anchor}">${written(words)}</text>`);
    },
    picture(point, address, size, style) {
      if (!shown(point)) return;
      const [left, top] = [x(point[0]) - size / 2, y(point[1]) - size / 2], box = `x="${left}" y="${top}" width="${size}" height="${size}"`;
      out.push(`<rect class="m-frame ${style}" ${box}/><image href="${escaped(address)}" ${box}/>`);
    },
    write() {
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      svg.innerHTML = `<clipPath id="${clip}"><rect x="${left}" y="${top - 4}" width="${right - left + 6}" height="${bottom - top + 4}"/></clipPath>`
        + below.join("") + `<g clip-path="url(#${clip})">${out.join("")}</g>` + above.join("");
    },
  };
}

/* Indices: w_t, η_c, η_crit. */
const INDEX = /_(crit|\w)/g;
const written = words => escaped(words).replace(INDEX, '<tspan class="m-index" dy="3">$1</tspan><tspan dy="-3">​</tspan>');

/* The state in the address. */

function parsed(name, definition, hash) {
  const [, whose, pairs] = /^#lab:([\w-]+):(.*)$/.exec(hash) ?? [];
  if (whose !== name) return null;
  const state = {};
  for (const pair of pairs.split(",")) {
    const at = pair.indexOf("="), key = pair.slice(0, at), parameter = Object.hasOwn(definition.parameters, key) && definition.parameters[key];
    if (!parameter) continue;
    const value = read(parameter, pair.slice(at + 1));
    if (value !== undefined) state[key] = value;
  }
  return state;
}

function read(parameter, text) {
  try { text = decodeURIComponent(text); } catch { return undefined; }
  if (parameter.read) return parameter.read(text);
  if (parameter.among) return parameter.among.includes(text) ? text : undefined;
  const number = text.trim() === "" ? NaN : Number(text);
  if (!Number.isFinite(number)) return undefined;
  const inside = clamp(number, parameter.low, parameter.high);
  if (parameter.stops) return parameter.stops[stop(parameter.stops, inside)];
  return parameter.whole ? Math.round(inside) : inside;
}

const address = (name, definition, state) => `#lab:${name}:` + Object.entries(definition.parameters)
  .map(([key, parameter]) => `${key}=${parameter.write ? parameter.write(state[key]) : state[key]}`).join(",");

/* Controls. */

const POSITIONS = 500;
const limits = (parameter, state) => {
  const [low, high] = parameter.limits?.(state) ?? [parameter.low, parameter.high];
  return {...parameter, low, high};
};
/* The place of the number that is next to this one, of some that grow. */
const stop = (stops, number) => stops.reduce((best, one, i) => Math.abs(one - number) < Math.abs(stops[best] - number) ? i : best, 0);
function position({low, high, log, stops}, value) {
  if (stops) return Math.round(POSITIONS * stop(stops, value) / (stops.length - 1));
  return Math.round(POSITIONS * (log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low)));
}
function value({low, high, log, whole, stops}, place) {
  const share = place / POSITIONS;
  if (stops) return stops[Math.round(share * (stops.length - 1))];
  const exact = log ? low * (high / low) ** share : low + (high - low) * share;
  return whole ? Math.round(exact) : clamp(Number(exact.toPrecision(4)), low, high);
}

function control(host, id, key, parameter, state, change) {
  const box = make("div", {class: `moving-control moving-control-${key}`}, host), field = `${id}-${key}`;
  make("label", {for: field}, box).innerHTML = parameter.label.replace(INDEX, "<sub>$1</sub>");
  if (parameter.among) {
    const select = make("select", {id: field}, box);
    for (const one of parameter.among) make("option", {value: one}, select, one);
    select.addEventListener("change", () => change(parameter.then?.(state, select.value) ?? {[key]: select.value}));
    return () => { select.value = state[key]; };
  }
  const shown = make("span", {class: "moving-number"}, box);
  const slider = make("input", {id: field, type: "range", min: 0, max: POSITIONS, step: 1}, box);
  slider.addEventListener("input", () => change({[key]: value(limits(parameter, state), Number(slider.value))}));
  slider.addEventListener("keydown", event => {  // a position is less than a whole number
    const by = (parameter.whole || parameter.stops) && {ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1}[event.key];
    if (!by) return;
    event.preventDefault();
    if (parameter.stops) return void change({[key]: parameter.stops[clamp(stop(parameter.stops, state[key]) + by, 0, parameter.stops.length - 1)]});
    const range = limits(parameter, state), next = value(range, clamp(position(range, state[key]) + by, 0, POSITIONS));
    change({[key]: clamp(next === state[key] ? next + by : next, range.low, range.high)});
  });
  return () => {
    const words = parameter.shown ? parameter.shown(state[key]) : short(state[key], 4);
    shown.textContent = words;
    slider.value = position(limits(parameter, state), state[key]);
    slider.setAttribute("aria-valuetext", words);
    slider.disabled = Boolean(parameter.idle?.(state));
    box.classList.toggle("moving-idle", slider.disabled);
  };
}

/* A handle: dragged by mouse or finger, moved by arrow keys from the state. */
function grip(layer, panel, current, change, drag) {
  const element = make("div", {class: "moving-handle", role: "slider", tabindex: 0}, layer);
  let handle, pen, from;
  const to = event => {
    const box = panel.svg.getBoundingClientRect(), size = panel.svg.viewBox.baseVal.width / box.width;
    const px = (event.clientX - box.left) * size - from[0], py = (event.clientY - box.top) * size - from[1];
    change(handle.moved(pen.x.back(px), pen.y.back(py)));
  };
  element.addEventListener("pointerdown", event => {
    const box = panel.svg.getBoundingClientRect(), size = panel.svg.viewBox.baseVal.width / box.width;
    from = [(event.clientX - box.left) * size - pen.x(handle.at[0]), (event.clientY - box.top) * size - pen.y(handle.at[1])];
    element.setPointerCapture(event.pointerId);
    drag(true);
    handle.taken?.();
  });
  element.addEventListener("pointermove", event => { if (element.hasPointerCapture(event.pointerId)) to(event); });
  for (const end of ["pointerup", "pointercancel"]) element.addEventListener(end, () => drag(false));
  element.addEventListener("focus", () => handle.taken?.());
  element.addEventListener("keydown", event => {
    const steps = {ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1], PageUp: [0, 5], PageDown: [0, -5]}[event.key];
    const handle = current();  // of the state, which may be ahead of what is drawn
    if (steps) change(handle.stepped(...steps.map(n => n * (event.shiftKey ? 5 : 1))));
    else if (handle.keys?.[event.key]) handle.keys[event.key]();
    else return;
    event.preventDefault();
  });
  return (now, axes) => {
    element.hidden = !now;
    if (!now) return;
    [handle, pen] = [now, axes];
    const about = {"aria-label": now.label, "aria-valuemin": now.low, "aria-valuemax": now.high, "aria-valuenow": now.value, "aria-valuetext": now.text};
    for (const name in about) element.setAttribute(name, about[name]);
    element.className = `moving-handle ${now.style ?? ""}`;
    element.dataset.key = now.key;
    const size = panel.svg.viewBox.baseVal;
    element.style.left = `${100 * axes.x(now.at[0]) / size.width}%`;
    element.style.top = `${100 * axes.y(now.at[1]) / size.height}%`;
  };
}

function start(root) {
  const name = root.dataset.moving, definition = figures[name];
  if (!definition || root.moving) return;
  const id = root.id, live = root.querySelector(".moving-live"), panels = {}, updates = [], grips = [];
  const state = Object.fromEntries(Object.entries(definition.parameters).map(([key, one]) => [key, one.value]));
  const presets = [...root.querySelectorAll("[data-state]")];
  let pending = false, dragging = false, spoken = 0, stored = 0, playing = 0;
  const chips = make("div", {class: "moving-chips"}, live), look = make("p", {class: "moving-look"}, live);
  const board = make("div", {class: `moving-panels moving-panels-${name}`}, live);
  const progress = definition.long ? make("progress", {class: "moving-progress", max: 1, "aria-label": "computed so far"}, live) : null;
  const reading = make("p", {class: "moving-reading"}, live), said = make("p", {class: "moving-status", role: "status"}, live);
  const main = make("div", {class: "moving-main"}, live), controls = make("div", {class: "moving-controls"}, live);
  for (const [key, one] of Object.entries(definition.panels)) {
    const box = make("div", {class: `moving-panel moving-panel-${key}`}, board), canvas = one.map ? make("canvas", {"aria-hidden": "true"}, box) : null;
    box.insertAdjacentHTML("beforeend", `<svg role="img" aria-label="${escaped(one.label)}"></svg>`);
    panels[key] = {...one, box, canvas, svg: box.lastElementChild, layer: make("div", {class: "moving-layer"}, box)};
  }
  for (const [key, one] of Object.entries(definition.parameters))
    if (one.label) updates.push(control(updates.length ? controls : main, id, key, one, state, patch => change(patch, true)));
  definition.extra?.({controls, make, state, change: patch => change(patch, true), root});

  for (const preset of presets) {
    const chip = make("button", {type: "button", "aria-pressed": "false"}, chips);
    chip.innerHTML = escaped(preset.dataset.title).replace(INDEX, "<sub>$1</sub>");
    chip.addEventListener("click", () => {
      change({...initial, ...parsed(name, definition, `#lab:${name}:${preset.dataset.state}`)}, true);
      look.textContent = preset.textContent;
      for (const other of chips.children) other.setAttribute("aria-pressed", String(other === chip));
    });
  }
  const first = Object.keys(definition.parameters)[0], slide = `▶ Slide ${definition.slides ?? "η"}`;
  if (!still.matches && !definition.quiet) {
    const play = make("button", {type: "button", class: "moving-play"}, chips, slide);
    play.addEventListener("click", () => { if (playing) stop(); else sweep(play, performance.now()); });
  }
  const stop = () => { cancelAnimationFrame(playing); playing = 0; chips.querySelector(".moving-play").textContent = slide; };
  function sweep(play, began) {
    play.textContent = "■ Stop";
    const frame = now => {
      const share = clamp((now - began) / 9000, 0, 1);
      playing = share < 1 ? requestAnimationFrame(frame) : 0;
      change({[first]: value(limits(definition.parameters[first], state), POSITIONS * share)});
      if (!playing) stop();
    };
    playing = requestAnimationFrame(frame);
  }

  const commands = make("details", {class: "moving-commands"}, live);
  make("summary", {}, commands, "Run it yourself: the command for what is set here");
  const lines = definition.commands(state).map(() => {
    const line = make("div", {class: "moving-command"}, commands), what = make("span", {}, line), code = make("code", {}, line);
    const copy = make("button", {type: "button"}, line, "Copy");
    copy.addEventListener("click", async () => {
      try { await navigator.clipboard.writeText(code.textContent); } catch { getSelection().selectAllChildren(code); document.execCommand("copy"); }
      copy.textContent = "Copied";
      setTimeout(() => { copy.textContent = "Copy"; }, 1500);
    });
    return {what, code};
  });

  function change(patch, byReader = false) {
    if (byReader && playing) stop();
    Object.assign(state, patch);
    definition.agree?.(state);
    if (byReader) {
      for (const chip of chips.children) chip.removeAttribute("aria-pressed");
      clearTimeout(stored);
      stored = setTimeout(() => history.replaceState(history.state, "", address(name, definition, state)), 300);
    }
    again();
  }
  const again = () => { if (!pending) { pending = true; requestAnimationFrame(draw); } };

  function axes(key, axis) {
    const panel = panels[key], width = Math.max(200, Math.round(panel.box.clientWidth)), height = panel.height ?? Math.round(clamp(width * (panel.ratio ?? .7), 170, 420));
    if (dragging && panel.axis) axis = {...axis, x: panel.axis.x, y: panel.axis.y};
    panel.axis = axis;
    panel.pen = pen(panel.svg, width, height, axis, `${id}-${key}-clip`);
    return panel.pen;
  }

  function draw() {
    pending = false;
    const result = definition.compute(state);
    definition.draw(result, state, axes, panels);
    for (const panel of Object.values(panels)) panel.pen.write();
    const now = definition.handles?.(state, change) ?? [];
    now.forEach((handle, i) => {
      const panel = panels[handle.panel];
      (grips[i] ??= grip(panel.layer, panel, () => definition.handles(state)[i], patch => change(patch, true), on => { dragging = on; if (!on) change({}); }))(handle, panel.pen);
    });
    grips.slice(now.length).forEach(one => one());
    updates.forEach(update => update());
    const {phase, tone, words} = definition.reading(result, state);
    reading.innerHTML = `<strong class="moving-phase m-back-${tone}">${escaped(phase)}</strong> ${escaped(words).replace(INDEX, "<sub>$1</sub>")}`;
    clearTimeout(spoken);
    spoken = setTimeout(() => { said.textContent = `${phase}: ${words.replaceAll("_", " ")}`; }, 800);
    const commanded = definition.commands(state);
    commanded.forEach(([what, command], i) => { lines[i].what.textContent = what; lines[i].code.textContent = command; });
    root.moving = {state: {...state}, result, phase, commands: commanded.map(([, command]) => command)};
    if (progress) [progress.value, progress.style.visibility] = [result.share, result.unfinished ? "visible" : "hidden"];
    if (result.unfinished) again();
  }

  const initial = {...state, ...parsed(name, definition, `#lab:${name}:${presets[0].dataset.state}`)};
  const restore = () => {
    const found = parsed(name, definition, location.hash);
    if (!found) return false;
    change({...initial, ...found});
    look.textContent = "";
    for (const chip of chips.children) chip.removeAttribute("aria-pressed");
    live.scrollIntoView({block: "start"});
    return true;
  };
  const figure = "replaces" in root.dataset && document.getElementById(root.dataset.still)?.closest("figure");
  if (figure) {  // the live part stands where the still was, which is there in print
    figure.classList.add("moving-replaced");
    figure.prepend(live);
  }
  live.hidden = false;
  root.classList.add("moving-started");
  new ResizeObserver(again).observe(board);
  new MutationObserver(() => change({})).observe(document.documentElement, {attributeFilter: ["data-theme"]});
  addEventListener("hashchange", restore);
  if (!restore()) {
    change(initial);
    chips.children[0].setAttribute("aria-pressed", "true");
    look.textContent = presets[0].textContent;
  }
}

catapult.figure = (name, definition) => { figures[name] = definition; };
Object.assign(catapult, {clamp, short, still});
addEventListener("DOMContentLoaded", () => document.querySelectorAll(".moving[data-moving]").forEach(start));
})();
