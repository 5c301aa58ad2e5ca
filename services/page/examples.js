// Questions that the study asked, by family: one to press for whoever does not know yet what to ask.

import { get } from "./api.js";
import { byId, h } from "./dom.js";
import { words } from "./format.js";

const SHOWN = 4;
// Shown at once; the other families after a press.
const LABELS = { recall: "recall", temporal: "as of a day", multihop: "multi-hop", unanswerable: "not in the corpus" };

let families = [];

export async function start(ask) {
  families = (await get("/examples")).families;
  families.sort((one, other) => (other.kind in LABELS) - (one.kind in LABELS));
  const buttons = families.map((family) => h("button", { type: "button", hidden: !(family.kind in LABELS), click: () => choose(family, ask) }, LABELS[family.kind] ?? words(family.kind)));
  byId("families").replaceChildren(...buttons);
  if (buttons.some((button) => button.hidden)) byId("families").append(more(buttons));
  byId("examples").hidden = !families.length;
  if (families.length) choose(families[0], ask);
}

// {gold, rival} of a question that the study asked.
export function known(question) {
  const found = families.flatMap((family) => family.examples).filter((each) => each.question === question);
  const best = found.find((each) => each.rival) ?? found[0];
  return { gold: best?.gold ?? [], rival: best?.rival ?? "" };
}

function more(buttons) {
  const press = (event) => {
    const first = buttons.find((button) => button.hidden);
    buttons.forEach((button) => (button.hidden = false));
    event.currentTarget.remove();
    first.focus();
  };
  return h("button", { type: "button", click: press }, "more kinds");
}

function choose(family, ask) {
  [...byId("families").children].slice(0, families.length).forEach((button, n) => button.setAttribute("aria-pressed", String(families[n] === family)));
  const item = ({ question }) => h("li", {}, h("button", { type: "button", dir: "auto", click: () => ask(question) }, question));
  byId("example-list").replaceChildren(...family.examples.slice(0, SHOWN).map(item));
}
