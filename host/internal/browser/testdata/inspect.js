// Returns what is wrong with the page, as JSON: names, headings, contrast, width, other hosts.
(function () {
  const problems = [];
  const note = (what, el) => problems.push(what + (el ? ": " + el.outerHTML.slice(0, 160) : ""));

  if (!["ru", "en"].includes(document.documentElement.lang)) note("no language");
  if (!document.title.trim()) note("no title");
  if (document.documentElement.scrollWidth > innerWidth) note("wider than the window: " + document.documentElement.scrollWidth + " > " + innerWidth);

  // Whatever can be operated has a name.
  for (const el of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    if (!el.labels || ![...el.labels].some((l) => l.textContent.trim())) note("no label", el);
  }
  for (const el of document.querySelectorAll("button, a[href], summary")) {
    if (!el.textContent.trim() && !el.getAttribute("aria-label")) note("no name", el);
  }
  for (const el of document.querySelectorAll("[aria-describedby], [aria-labelledby]")) {
    const ids = ((el.getAttribute("aria-describedby") || "") + " " + (el.getAttribute("aria-labelledby") || "")).trim().split(/\s+/);
    for (const id of ids) if (!document.getElementById(id)) note("points at nothing (" + id + ")", el);
  }
  const ids = [...document.querySelectorAll("[id]")].map((el) => el.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) note("id twice: " + id);
  for (const el of document.querySelectorAll("[tabindex]")) if (el.tabIndex > 0) note("order of the keyboard turned round", el);

  // One first heading, and no step left out.
  let last = 0;
  for (const el of document.querySelectorAll("h1, h2, h3, h4")) {
    const level = Number(el.tagName[1]);
    if (level > last + 1) note("heading skips a level", el);
    last = level;
  }
  if (document.querySelectorAll("h1").length !== 1) note("not exactly one h1");
  if (document.querySelectorAll("main").length !== 1) note("not exactly one main");
  for (const el of document.querySelectorAll("[style], [onclick], [onload], script:not([src]), style")) note("inline code or style", el);

  // Contrast (WCAG 2, AA): 4.5, large text 3.
  const color = (text) => {
    const parts = (text.match(/[\d.]+/g) || []).map(Number);
    return { r: parts[0], g: parts[1], b: parts[2], a: parts.length > 3 ? parts[3] : 1 };
  };
  const luminance = (c) => {
    const f = (v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4); };
    return 0.2126 * f(c.r) + 0.7152 * f(c.g) + 0.0722 * f(c.b);
  };
  const ground = (el) => {
    for (; el; el = el.parentElement) {
      const c = color(getComputedStyle(el).backgroundColor);
      if (c.a === 1) return c;
    }
    return matchMedia("(prefers-color-scheme: dark)").matches ? { r: 18, g: 18, b: 18 } : { r: 255, g: 255, b: 255 };
  };
  const seen = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const el = node.parentElement;
    if (!node.textContent.trim() || seen.has(el) || !el.checkVisibility() || ["NOSCRIPT", "SCRIPT", "TITLE"].includes(el.tagName)) continue;
    seen.add(el);
    const style = getComputedStyle(el);
    const a = luminance(color(style.color)), b = luminance(ground(el));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) note("contrast " + ratio.toFixed(2), el);
  }

  // Our own words stay whole: only what people and portals have written may have to be broken.
  const place = document.createRange();
  for (const el of document.querySelectorAll("button, caption, th, td, h1, h2, label, legend, summary, a, p, li, dt, dd, .tag")) {
    if (!el.checkVisibility() || el.closest(".stack thead") && getComputedStyle(el.closest("thead")).position === "absolute") continue;
    const inner = document.createTreeWalker(el, NodeFilter.SHOW_TEXT);
    for (let node; (node = inner.nextNode());) {
      if (node.parentElement.closest("bdi, .sr")) continue;
      for (const word of node.textContent.matchAll(/[\p{L}\p{N}]+/gu)) {
        place.setStart(node, word.index);
        place.setEnd(node, word.index + word[0].length);
        if (place.getClientRects().length > 1) note("a word is broken (" + word[0] + ")", el);
      }
    }
  }

  // Nothing is fetched from anywhere else, and not much of it.
  let bytes = 0;
  for (const entry of [...performance.getEntriesByType("resource"), ...performance.getEntriesByType("navigation")]) {
    if (!entry.name.startsWith(location.origin + "/")) note("asks another host: " + entry.name);
    bytes += entry.encodedBodySize || 0;
  }
  if (bytes > 100 * 1024) note("heavier than 100 kB: " + bytes);
  return JSON.stringify(problems);
})();
