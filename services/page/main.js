// The page put together: what the form says is asked, what the address says is put in the form.

import { get, ProblemError, useKey } from "./api.js";
import { ask, current, redraw, stop } from "./asking.js";
import * as challengers from "./challengers.js";
import * as corpus from "./corpus.js";
import { byId, h } from "./dom.js";
import * as edit from "./edit.js";
import * as examples from "./examples.js";
import { words } from "./format.js";
import * as link from "./link.js";
import { badge, tint } from "./marks.js";
import * as runs from "./runs.js";

function show(error) {
  if (error instanceof ProblemError && error.problem.status === 401) wantKey();
  else if (error instanceof ProblemError) say(`${error.problem.title}: ${error.problem.detail}`);
  else if (error instanceof TypeError && /fetch/i.test(error.message)) say("The service cannot be reached.");
  else {
    // A mistake of the page's own: said here, and thrown for whoever looks at the console.
    say(`The page failed: ${error.message}`);
    reportError(error);
  }
}

const say = (text) => {
  byId("message").textContent = text;
};

function wantKey() {
  byId("key-form").hidden = false;
  byId("key").focus();
}

const chosen = () => [...byId("systems").querySelectorAll("input:checked")].map((box) => box.value);

function submit(event) {
  event?.preventDefault();
  say("");
  const given = { question: byId("question").value.trim(), systems: chosen(), on: byId("on").value, least: byId("least").value };
  if (!given.question) return;
  if (!given.systems.length) {
    say("Choose a system.");
    return;
  }
  link.write(given);
  const known = examples.known(given.question);
  challengers.offer(known);
  ask(given, known, challengers.refresh).catch(show);
}

function choices(systems, wanted) {
  const box = ({ name }) =>
    h("label", { class: "system", "data-tint": tint(name) }, h("input", { type: "checkbox", name: "system", value: name, checked: !wanted || wanted.includes(name) }), badge(name), words(name));
  byId("systems").replaceChildren(...systems.map(box));
}

function fill(given) {
  byId("question").value = given.question;
  byId("on").value = given.on;
  byId("least").value = given.least;
  for (const box of byId("systems").querySelectorAll("input")) box.checked = !given.systems || given.systems.includes(box.value);
}

function listen() {
  byId("ask-form").addEventListener("submit", submit);
  byId("stop").addEventListener("click", stop);
  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    useKey(byId("key").value.trim());
    location.reload();
  });
  addEventListener("kinject:key", wantKey);
  addEventListener("hashchange", () => {
    const given = link.read();
    if (given) (fill(given), submit());
  });
  // The sections are jumped to without the address, which holds the question.
  for (const jump of document.querySelectorAll("nav a[href^='#']")) {
    jump.addEventListener("click", (event) => {
      event.preventDefault();
      const target = document.querySelector(jump.getAttribute("href"));
      target.setAttribute("tabindex", "-1");
      target.focus();
      target.scrollIntoView();
    });
  }
  let width = innerWidth;
  addEventListener("resize", () => {
    if (width !== (width = innerWidth) && current()) redraw();
  });
}

async function start() {
  listen();
  const given = link.read();
  const { systems, allow_edits: allowed } = await get("/systems");
  choices(systems, given?.systems);
  // What one part cannot show is no reason to show none of the others.
  const parts = await Promise.allSettled([
    corpus.start(show),
    examples.start((question) => {
      byId("question").value = question;
      submit();
    }),
    challengers.start(show, challengers.refresh),
    runs.start(show),
  ]);
  parts.filter((part) => part.status === "rejected").forEach((part) => show(part.reason));
  const [summary] = parts;
  if (allowed && summary.value) edit.start(summary.value, show, corpus.refresh);
  document.title = `${byId("title").textContent} · kinject`;
  if (given) (fill(given), submit());
}

start().catch(show);
