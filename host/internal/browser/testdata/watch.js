// Notes what moves in a page without anybody having touched it ("layout shift").
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (entry.hadRecentInput) continue;
    const of = entry.sources.map((s) => (s.node && (s.node.outerHTML || s.node.textContent) || "?").trim().slice(0, 120) +
      " from " + JSON.stringify(s.previousRect) + " to " + JSON.stringify(s.currentRect));
    window.shifts.push(entry.value.toFixed(4) + ": " + of.join(" | "));
  }
}).observe({ type: "layout-shift", buffered: true });
