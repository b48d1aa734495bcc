// What a link leads to shows beside it while it is pointed at, or has the focus of the keyboard: theorems, figures,
// equations, rows of the ledger. The texts are the book's own, written at build time (catapult.companion.previews),
// a script a page, loaded when a link to that page is first pointed at. Without scripts, and on paper, there is nothing.
(() => {
  const DELAY = 250; // ms before a card opens or closes: a pointer on its way elsewhere opens none
  const known = new Map(); // page → promise of its places
  const arrived = new Map(); // page → what hands its places over
  const home = new URL("previews/", document.currentScript.src);
  let card, timer, shownFor;

  window.catapultPreviews = (page, places) => arrived.get(page)?.(places);

  const placesOf = page => {
    if (!known.has(page)) {
      known.set(page, new Promise(done => {
        arrived.set(page, done);
        const script = document.createElement("script");
        script.src = new URL(`${page}.js`, home);
        script.onerror = () => done({});
        document.head.append(script);
      }));
    }
    return known.get(page);
  };

  const target = link => { // the page and the id that a link leads to, if it stays in the book
    const url = new URL(link.href, location.href);
    const folder = path => path.slice(0, path.lastIndexOf("/") + 1);
    if (!url.hash || url.host !== location.host || folder(url.pathname) !== folder(location.pathname)) return null;
    const page = url.pathname.slice(folder(url.pathname).length).replace(/\.html$/, "");
    return page && {page, id: decodeURIComponent(url.hash.slice(1))};
  };

  const hide = () => {
    clearTimeout(timer);
    card?.remove();
    card = shownFor = undefined;
  };
  const later = action => {
    clearTimeout(timer);
    timer = setTimeout(action, DELAY);
  };

  const show = async link => {
    const where = target(link);
    if (!where) return;
    shownFor = link;
    const text = (await placesOf(where.page))[where.id];
    if (!text || shownFor !== link) return;
    card?.remove();
    card = document.createElement("div");
    card.className = "preview-card";
    card.setAttribute("aria-hidden", "true"); // a reader that speaks follows the link: this is the same text
    card.innerHTML = text;
    card.addEventListener("pointerenter", () => clearTimeout(timer));
    card.addEventListener("pointerleave", () => later(hide));
    document.querySelector(".bd-article").append(card);
    put(link);
    await window.MathJax?.typesetPromise?.([card]);
    if (card && shownFor === link) put(link);
  };

  const put = link => { // below the link where it fits, else on the side with more room, and no higher than that room
    const at = link.getClientRects()[0];
    const view = document.documentElement;
    card.style.maxHeight = "";
    const under = view.clientHeight - at.bottom - 14, over = at.top - 14;
    const below = card.offsetHeight <= under || under >= over;
    card.style.maxHeight = `min(60vh, ${below ? under : over}px)`;
    card.style.left = `${Math.max(8, Math.min(at.left, view.clientWidth - card.offsetWidth - 8))}px`;
    card.style.top = `${below ? at.bottom + 6 : Math.max(8, at.top - card.offsetHeight - 6)}px`;
  };

  const linkOf = event => event.target.closest?.('.bd-article a[href*="#"]:not(.headerlink)');
  addEventListener("pointerover", event => {
    const link = event.pointerType === "mouse" && linkOf(event);
    if (link && link !== shownFor) later(() => show(link));
  });
  addEventListener("pointerout", event => { if (event.pointerType === "mouse" && linkOf(event)) later(hide); });
  addEventListener("focusin", event => {
    const link = linkOf(event);
    if (link?.matches(":focus-visible")) later(() => show(link));
  });
  addEventListener("focusout", event => { if (linkOf(event)) later(hide); });
  addEventListener("keydown", event => { if (event.key === "Escape") hide(); });
  addEventListener("scroll", event => { if (event.target === document) hide(); }, {passive: true});
})();
