// What the pages gain by script: times in the visitor's own zone too, live progress, a
// question before unsaved settings are left, one press per button. Without it they
// work all the same.
"use strict";

(function () {
  const locale = document.documentElement.lang;

  // Times are the company's. Whoever is elsewhere learns their own from the title, and
  // of what is still to come beside it.
  const russian = locale === "ru", yours = russian ? "у вас" : "your time";
  function shown(moment, zone) {
    return moment.toLocaleString(russian ? "ru" : "en-GB", { dateStyle: russian ? "short" : "medium", timeStyle: "short", timeZone: zone });
  }
  function ownTimes(root) {
    for (const time of root.querySelectorAll("time[title]")) {
      const moment = new Date(time.dateTime), here = shown(moment);
      try {
        if (here === shown(moment, time.title)) continue;
      } catch (unknown) { /* a zone that this browser has never heard of: ours is told */ }
      time.title += " · " + yours + ": " + here;
      if (time.closest("[data-ahead]")) time.insertAdjacentText("afterend", " (" + yours + ": " + here + ")");
    }
  }
  ownTimes(document);

  // A run that goes on: each event is the whole live part.
  const live = document.querySelector("[data-events]");
  if (live && window.EventSource) {
    const said = document.querySelector("[data-said]"), strip = document.querySelector(".strip");
    let told = "";
    // The strip of the settings says what the run is at.
    function tellState(now) {
      if (now.innerHTML === told) return;
      told = now.innerHTML;
      strip.className = "strip " + now.className;
      const state = strip.querySelector(".state");
      state.innerHTML = told;
      ownTimes(state);
    }
    const show = function (event) {
      live.innerHTML = event.data;
      ownTimes(live);
      // Read aloud is only what the run is at, not every number.
      const say = live.querySelector("[data-say]");
      if (say && said.textContent !== say.textContent) said.textContent = say.textContent;
      if (strip) tellState(live.querySelector("template"));
    };
    const finish = function () {
      if (!("stay" in live.dataset)) {
        location.replace(location.pathname);
        return;
      }
      // A page with forms is not taken from under somebody's hands.
      const link = document.querySelector("[data-over]"), bar = live.querySelector("progress"), say = live.querySelector("[data-say]");
      if (bar) bar.value = bar.max = 1;
      link.textContent = link.dataset.over;
      said.textContent = say.parentElement.textContent = link.dataset.done;
    };
    // A line that breaks is taken up again by the browser. An answer that is no stream (a
    // host that stops, a proxy whose host is away) ends it for the browser, not for us.
    let source, wait = 2000;
    const connect = function () {
      source = new EventSource(live.dataset.events);
      source.addEventListener("open", function () { wait = 2000; });
      source.addEventListener("live", show);
      source.addEventListener("over", function () { source.close(); finish(); });
      source.addEventListener("error", function () {
        if (source.readyState !== EventSource.CLOSED) return;
        setTimeout(connect, wait);
        wait = Math.min(2 * wait, 60000);
      });
    };
    connect();
    addEventListener("pagehide", function () { source.close(); });
  }

  // Settings that were changed and not saved.
  const unsaved = new Set();
  for (const form of document.querySelectorAll("form[data-guard]")) {
    if (form.dataset.guard === "unsaved") unsaved.add(form);
    form.addEventListener("input", function () { unsaved.add(form); });
    form.addEventListener("submit", function () { unsaved.delete(form); });
  }
  addEventListener("beforeunload", function (event) {
    if (unsaved.size > 0) event.preventDefault();
  });

  // Values of a setting chosen from a tree: what is ticked takes everything below it
  // along, and who that is, each once, is counted at once.
  const tree = document.querySelector("[data-choices]");
  if (tree) {
    const boxes = [...tree.querySelectorAll("input[type=checkbox]")];
    const overlaps = JSON.parse(tree.dataset.choices || "null") || [];
    const above = new Map(boxes.map(function (box) {
      const parent = box.closest("ul").closest("li");
      return [box, parent && parent.querySelector("input[type=checkbox]")];
    }));
    const own = new Map(boxes.map(function (box) { return [box, box.checked]; }));
    const show = function () {
      const scope = new Set();
      let people = 0;
      for (const box of boxes) { // those above come first
        const over = above.get(box);
        box.disabled = Boolean(over && over.checked);
        box.checked = box.disabled || own.get(box);
        if (box.checked) {
          scope.add(box.value);
          people += Number(box.dataset.people);
        }
      }
      for (const overlap of overlaps) {
        people -= Math.max(0, overlap.Values.filter(function (value) { return scope.has(value); }).length - 1) * overlap.People;
      }
      const none = scope.size === 0 && !document.querySelector("[data-missing]:checked");
      const count = document.querySelector("[data-scope]");
      if (count) count.textContent = none ? tree.dataset.people : people;
    };
    tree.form.addEventListener("change", function (event) {
      if (own.has(event.target)) own.set(event.target, event.target.checked);
      show();
    });
    for (const button of document.querySelectorAll("[data-without-script]")) button.hidden = true;
    show();
    addEventListener("pageshow", show);
  }

  // A form is sent once; its button says that it was.
  document.addEventListener("submit", function (event) {
    const form = event.target;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    if (event.submitter) event.submitter.setAttribute("aria-busy", "true");
  });
  addEventListener("pageshow", function () {
    for (const form of document.forms) delete form.dataset.sent;
    for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  });

  // What was said about the form is where the reader is.
  const said = document.querySelector("[data-focus]");
  if (said) said.focus();
})();
