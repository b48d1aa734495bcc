// What scrolls inside the page can be reached with the keyboard, and says what it is.
(() => {
  const NAMES = [["figure", "Figure"], [".pst-scrollable-table-container, table", "Table"],
                 ["mjx-container, div.math", "Formula"], ["pre", "Code"]];

  const mark = () => {
    for (const [selector, name] of NAMES) {
      for (const box of document.querySelectorAll(`.bd-article :is(${selector})`)) {
        const scrolls = box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX === "auto";
        if (scrolls && !box.hasAttribute("tabindex")) {
          box.tabIndex = 0;
          if (!box.matches("table")) box.setAttribute("role", "region");
          const about = box.querySelector("figcaption, caption")?.textContent.trim() || box.querySelector("img")?.alt || "";
          box.setAttribute("aria-label", `${name}, wider than the page${about && ": "}${about.slice(0, 120)}`);
          box.dataset.scrolls = "";
        } else if (!scrolls && "scrolls" in box.dataset) {
          for (const attribute of ["tabindex", "role", "aria-label", "data-scrolls"]) box.removeAttribute(attribute);
        }
      }
    }
  };

  // Mathematics and fonts change widths after the page has loaded.
  addEventListener("load", () => {
    mark();
    window.MathJax?.startup?.promise?.then(mark);
    document.fonts.ready.then(mark);
    const article = document.querySelector(".bd-article");
    if (article) new ResizeObserver(mark).observe(article);
  });
  addEventListener("resize", mark);
})();

// A page that was opened from a file may neither save other files nor read them, but it may run them as scripts:
// beside each download lies one that hands its text over.
window.saveDownload = (name, text) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], {type: "application/octet-stream"}));
  link.download = name;
  link.click();
};

addEventListener("click", event => {
  const link = event.target.closest("a[download]");
  if (!link || location.protocol !== "file:") return;
  event.preventDefault();
  const script = document.createElement("script");
  script.src = `${link.href}.js`;
  document.head.append(script);
});

// Pages that were opened from files may have no clipboard of the newer kind.
window.copyText = async text => {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = Object.assign(document.createElement("textarea"), {value: text});
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
};

// A button that copies, and says so for a moment: the entry to cite, the address of a row.
window.copyButton = (text, name, what) => {
  const button = Object.assign(document.createElement("button"), {type: "button", className: "copy-text", textContent: name});
  button.setAttribute("aria-label", what);
  button.addEventListener("click", async () => {
    await copyText(text);
    button.textContent = "copied";
    setTimeout(() => { button.textContent = name; }, 1500);
  });
  return button;
};

addEventListener("DOMContentLoaded", () => {
  for (const entry of document.querySelectorAll(".bd-article .citation-entry")) {
    entry.before(copyButton(entry.querySelector("pre").textContent.trim(), "copy BibTeX", "Copy the entry in BibTeX"));
  }
});

// Proofs are folded: a reader meets the theorem, and opens what he wants to check. Without scripts they stay open; on paper,
// and where a link or a search leads into one, it is open.
addEventListener("DOMContentLoaded", () => {
  const folds = [...document.querySelectorAll('.bd-article [class="proof admonition"]')].map(proof => {
    const fold = document.createElement("details");
    const summary = document.createElement("summary");
    const first = proof.querySelector("p")?.firstChild;
    if (first?.nodeType === Node.TEXT_NODE) first.data = first.data.replace(/^\s*Proof\.\s*/, "");
    const about = proof.previousElementSibling?.querySelector(".admonition-title .caption-number")?.textContent.trim();
    const whose = document.createElement("span");
    whose.className = "visually-hidden";
    whose.textContent = about ? ` of ${about}` : "";
    summary.append("Proof", whose);
    fold.append(summary, ...proof.childNodes);
    proof.append(fold);
    return fold;
  });

  const lead = () => {  // to what the address names, if it lies in a proof
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const fold = folds.find(one => one.contains(target) && target);
    if (!fold || fold.open) return;
    fold.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", lead);
  lead();

  let closed = [];
  addEventListener("beforeprint", () => {  // proofs, and what words mean; folded code and parameters are left out
    closed = [...document.querySelectorAll(".bd-article :is(.proof > details, details.words):not([open])")];
    for (const fold of closed) fold.open = true;
  });
  addEventListener("afterprint", () => { for (const fold of closed) fold.open = false; });
});
