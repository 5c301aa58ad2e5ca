// The corpus, to look things up: entities by name, page by page, and the facts of one with their days.

import { get } from "./api.js";
import { byId, h } from "./dom.js";
import { count, plural, span, words } from "./format.js";

const PAGE = 12;
const PAUSE_MS = 200;

let place = 0;
let asked = 0;
let read = "";
let show = console.error;

export async function start(shown) {
  show = shown;
  const summary = await get("/corpus");
  byId("title").textContent = summary.name;
  byId("description").textContent = summary.description ?? "";
  const counts = [plural(summary.facts, "fact"), plural(summary.entities, "entity", "entities"), plural(summary.documents, "document"), summary.day ? `now is ${summary.day}` : null];
  byId("counts").replaceChildren(...counts.filter(Boolean).map((each) => h("li", {}, each)));
  const turn = (by) => () => list(place + by).catch(show);
  byId("previous").addEventListener("click", turn(-PAGE));
  byId("next").addEventListener("click", turn(PAGE));
  byId("corpus-form").addEventListener("submit", (event) => (event.preventDefault(), list(0).catch(show)));
  let timer;
  byId("search").addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => list(0).catch(show), PAUSE_MS);
  });
  const first = await list(0);
  if (first) await facts(first, false);
  return summary;
}

// The same page and the same entity, as they are now.
export async function refresh() {
  await list(place);
  if (read) await facts(read, false);
}

// Shows a page of entities, and gives the name of the first.
async function list(from) {
  const turn = (asked += 1);
  const found = await get("/corpus/entities", { search: byId("search").value.trim(), limit: PAGE, offset: from });
  // Answers may overtake each other; only that to the last thing typed counts.
  if (turn !== asked) return;
  place = from;
  const item = (entity) => {
    const name = entity.name;
    return h("li", {}, h("button", { type: "button", dir: "auto", click: () => facts(name).catch(show) }, name, entity.facts ? h("small", {}, count(entity.facts)) : null));
  };
  byId("entities").replaceChildren(...found.entities.map(item));
  byId("previous").disabled = from === 0;
  byId("next").disabled = from + found.entities.length >= found.total;
  byId("place").textContent = found.total ? `${count(from + 1)}–${count(from + found.entities.length)} of ${count(found.total)}` : "nothing by that name";
  return found.entities[0]?.name;
}

async function facts(name, isAsked = true) {
  const entity = await get(`/corpus/entities/${encodeURIComponent(name)}`);
  read = name;
  for (const button of byId("entities").querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.firstChild.data === name));
  const row = (fact) =>
    h("tr", {}, h("th", { scope: "row" }, words(fact.relation)), h("td", { dir: "auto" }, fact.object), h("td", {}, span(fact.valid_from, fact.valid_to)), h("td", { dir: "auto" }, fact.document_id));
  const head = ["relation", "value", "holds", "document"].map((title) => h("th", { scope: "col" }, title));
  const shown = h("table", { "aria-labelledby": "facts-title" }, h("thead", {}, h("tr", {}, head)), h("tbody", {}, entity.facts.map(row)));
  const title = h("h3", { id: "facts-title", dir: "auto", tabindex: "-1" }, name);
  byId("facts").replaceChildren(title, h("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": "facts-title" }, shown));
  if (isAsked) title.focus({ preventScroll: true });
}
