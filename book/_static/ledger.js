// The ledger as a tool: its rows by text, formulas too, verdict, evidence, paper, basis and data, and a button that copies
// a row's address. Without scripts the page is the whole list. A choice is in the address: claims.html?verdict=fails&data=mnist.
(() => {
  const NAMES = {verdict: "Verdict", evidence: "Evidence", paper: "Whose statement", basis: "What was read", data: "Data"};
  const place = document.querySelector(".ledger-filters");
  const rows = [...document.querySelectorAll(".claim[id]")];
  if (!place || !rows.length) return;
  const texts = new Map(rows.map(row => [row, row.textContent.toLowerCase()]));
  const readings = new Map();  // of a row's formulas, until the mathematics is set those that are not yet
  const chapters = [...new Set(rows.map(row => row.closest("section")))];
  const papers = JSON.parse(place.dataset.names);

  const element = (name, attributes = {}, ...children) => {
    const made = Object.assign(document.createElement(name), attributes);
    made.append(...children);
    return made;
  };

  const field = (name, control) => {
    control.name = name;
    return element("label", {}, element("span", {textContent: NAMES[name] ?? "Words"}), control);
  };
  const select = name => {
    const counts = new Map();
    for (const row of rows) counts.set(row.dataset[name], (counts.get(row.dataset[name]) ?? 0) + 1);
    const options = [...counts].map(([value, count]) =>
      element("option", {value, textContent: `${papers[name === "paper" ? value : ""] ?? value} (${count})`}));
    return field(name, element("select", {}, element("option", {value: "", textContent: "all"}), ...options));
  };

  const status = element("p", {className: "ledger-status"});
  status.setAttribute("role", "status");
  const form = element("form", {}, field("text", element("input", {type: "search", placeholder: "kernel, √(8m), ours-sixteen, …"})),
                       ...Object.keys(NAMES).map(select), element("button", {type: "reset", textContent: "Show all"}));
  form.setAttribute("role", "search");
  form.setAttribute("aria-label", "Filter the rows");
  place.append(form, status);

  const chosen = () => Object.fromEntries([...new FormData(form)].filter(([, value]) => value.trim()));

  // A formula as it is typed: as TeX, by names (sqrt8m, eta^2<=8m) and by signs (√8m, η²≤8m); but in TeX brackets don't count.
  const SIGNS = {
    alpha: "α", beta: "β", gamma: "γ", delta: "δ", Delta: "δ", epsilon: "ε", varepsilon: "ε", zeta: "ζ", eta: "η", theta: "θ",
    kappa: "κ", lambda: "λ", Lambda: "λ", mu: "μ", nu: "ν", pi: "π", rho: "ρ", sigma: "σ", tau: "τ", phi: "φ", omega: "ω",
    sqrt: "√", le: "≤", ge: "≥", ne: "≠", to: "→", infty: "∞", pm: "±", cdot: "·", approx: "≈", nabla: "∇", sum: "∑", in: "∈",
  };
  const NAMED = {le: "<=", ge: ">=", ne: "!=", to: "->", infty: "infinity", cdot: "*", pm: "+-", approx: "~"};
  const plain = text => text.toLowerCase().replace(text.includes("\\") ? /\s/g : /[(){}\s]/g, "").replaceAll("−", "-");
  const reading = tex => {
    const argument = String.raw`\s*(\{[^{}]*\}|\\[a-zA-Z]+|[^\\{])`;
    const flat = tex.replace(/\\(bigl|bigr|left|right|text|[,;:! ])/g, "").replaceAll(/\\[dt]frac/g, "\\frac")
                    .replace(new RegExp(String.raw`\\frac${argument}${argument}`, "g"), "$1/$2");
    const named = words => flat.replace(/\\([a-zA-Z]+)/g, (all, name) => words[name] ?? name).replaceAll("\\", "");
    const raised = named(SIGNS).replace(/\^([23])/g, (all, digit) => "²³"[digit - 2])
                               .replace(/_(\d)/g, (all, digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]);
    return [tex, named(NAMED), named(SIGNS), raised].map(plain).join(" ");
  };
  const read = () => {
    for (const row of rows) readings.set(row, "");
    const add = (row, tex) => { if (readings.has(row)) readings.set(row, `${readings.get(row)} ${reading(tex)}`); };
    for (const item of window.MathJax?.startup?.document?.math ?? []) add(item.typesetRoot?.closest(".claim"), item.math);
    for (const span of document.querySelectorAll(".claim .math:not(:has(mjx-container))")) {
      add(span.closest(".claim"), span.textContent.replace(/^\\\(|\\\)$/g, ""));
    }
  };
  const has = (row, word) => texts.get(row).includes(word) || readings.get(row).includes(plain(word) || word);

  const show = () => {
    const {text = "", ...values} = chosen();
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length && !readings.size) read();
    for (const row of rows) {
      row.hidden = !(Object.entries(values).every(([name, value]) => row.dataset[name] === value)
                     && words.every(word => has(row, word)));
    }
    for (const chapter of chapters) chapter.hidden = rows.every(row => row.hidden || row.closest("section") !== chapter);
    const number = rows.filter(row => !row.hidden).length;
    status.textContent = number === rows.length ? `All ${number} rows.` : `${number} of ${rows.length} rows.`;
  };

  const remember = () => {
    const query = new URLSearchParams(chosen()).toString();
    try {  // a page that was opened from a file may not change its address
      history.replaceState(null, "", `${location.pathname}${query && `?${query}`}${location.hash}`);
    } catch { /* the choice is then only on the page */ }
  };

  // What the address does not know, or names wrongly, is as if it were not there.
  const restore = () => {
    for (const [name, value] of new URLSearchParams(location.search)) {
      const control = form.elements[name];
      if (control?.name !== name) continue;  // a number is a place in the form, and no name
      control.value = value;
      if (control.value !== value) control.value = "";
    }
    show();
    if (Object.keys(chosen()).length && !location.hash) place.scrollIntoView();
  };

  // A row that is asked for by its address is shown, whatever is chosen.
  const reveal = () => {
    const row = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!row?.hidden) return;
    form.reset();
    show();
    row.scrollIntoView();
  };

  form.addEventListener("input", () => { show(); remember(); });
  form.addEventListener("reset", () => setTimeout(() => { show(); remember(); }));
  form.addEventListener("submit", event => event.preventDefault());
  addEventListener("hashchange", reveal);

  for (const row of rows) {
    const address = `${location.href.split(/[?#]/)[0]}#${row.id}`;
    const button = copyButton(address, "copy address", `Copy the address of ${row.id.replace("claim-", "")}`);
    row.querySelector(".claim-id").after(" ", button);
  }

  restore();
  reveal();
  addEventListener("load", () => window.MathJax?.startup?.promise?.then(() => { readings.clear(); show(); }));
})();
