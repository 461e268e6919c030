// What the pages gain by script: times in the visitor's own zone, live progress, a
// question before unsaved settings are left, one press per button. Without it they
// work all the same.
"use strict";

(function () {
  const locale = document.documentElement.lang;

  // Times come in UTC.
  function localTimes(root) {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const moment = new Date(time.dateTime);
      if (!isNaN(moment)) {
        time.textContent = moment.toLocaleString(locale, { dateStyle: "medium", timeStyle: "short" });
        time.title = moment.toISOString();
      }
    }
  }
  localTimes(document);

  // A run that goes on: each event is the whole live part.
  const live = document.querySelector("[data-events]");
  if (live && window.EventSource) {
    const source = new EventSource(live.dataset.events);
    source.addEventListener("live", function (event) {
      live.innerHTML = event.data;
      localTimes(live);
    });
    source.addEventListener("over", function () {
      source.close();
      location.replace(location.pathname);
    });
    addEventListener("pagehide", function () { source.close(); });
  }

  // Settings that were changed and not saved.
  let unsaved = false;
  const settings = document.querySelector("form[data-guard]");
  if (settings) {
    settings.addEventListener("input", function () { unsaved = true; });
    settings.addEventListener("submit", function () { unsaved = false; });
    addEventListener("beforeunload", function (event) {
      if (unsaved) event.preventDefault();
    });
  }

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
