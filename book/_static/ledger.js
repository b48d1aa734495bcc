// The ledger as a tool: its rows by text, verdict, evidence, paper, basis and data, and a button that copies a row's
// address. Without scripts the page is the whole list. A choice is in the address: claims.html?verdict=fails&data=mnist.
(() => {
  const NAMES = {verdict: "Verdict", evidence: "Evidence", paper: "Whose statement", basis: "What was read", data: "Data"};
  const place = document.querySelector(".ledger-filters");
  const rows = [...document.querySelectorAll(".claim[id]")];
  if (!place || !rows.length) return;
  const texts = new Map(rows.map(row => [row, row.textContent.toLowerCase()]));
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
  const form = element("form", {}, field("text", element("input", {type: "search", placeholder: "kernel, ours-sixteen, …"})),
                       ...Object.keys(NAMES).map(select), element("button", {type: "reset", textContent: "Show all"}));
  form.setAttribute("role", "search");
  form.setAttribute("aria-label", "Filter the rows");
  place.append(form, status);

  const chosen = () => Object.fromEntries([...new FormData(form)].filter(([, value]) => value.trim()));

  const show = () => {
    const {text = "", ...values} = chosen();
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      row.hidden = !(Object.entries(values).every(([name, value]) => row.dataset[name] === value)
                     && words.every(word => texts.get(row).includes(word)));
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

  const copied = async text => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const field = element("textarea", {value: text});
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
  };
  for (const row of rows) {
    const button = element("button", {type: "button", className: "copy-address", textContent: "copy address"});
    button.setAttribute("aria-label", `Copy the address of ${row.id.replace("claim-", "")}`);
    button.addEventListener("click", async () => {
      await copied(`${location.href.split(/[?#]/)[0]}#${row.id}`);
      button.textContent = "copied";
      setTimeout(() => { button.textContent = "copy address"; }, 1500);
    });
    row.querySelector(".claim-id").after(" ", button);
  }

  restore();
  reveal();
})();
