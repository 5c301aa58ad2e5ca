// The edit moment: one fact is changed, and each system is watched until it says the new value.

import { get, post } from "./api.js";
import { byId, h } from "./dom.js";
import { duration, words } from "./format.js";
import { badge, tint } from "./marks.js";

const EVERY_MS = 500;

export function start(summary, show) {
  byId("edit").hidden = byId("edit-link").hidden = false;
  const relations = (summary.relations ?? []).map((each) => each.name ?? each);
  byId("edit-relation").replaceChildren(...relations.map((name) => h("option", { value: name }, words(name))));
  byId("edit-form").addEventListener("submit", (event) => {
    event.preventDefault();
    change().catch(show);
  });
}

async function change() {
  const change_ = { subject: byId("edit-subject").value.trim(), relation: byId("edit-relation").value, object: byId("edit-object").value.trim() };
  const { id } = await post("/edit", change_);
  for (;;) {
    const progress = await get(`/edit/${encodeURIComponent(id)}`);
    byId("edit-progress").replaceChildren(shown(progress));
    if (progress.done) return;
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

function shown({ systems, old, new: fresh }) {
  const row = ({ name, state, answer, seconds }) =>
    h(
      "tr",
      {},
      h("th", { scope: "row", "data-tint": tint(name) }, badge(name), words(name)),
      h("td", {}, words(state)),
      h("td", { dir: "auto" }, answer ?? "–"),
      h("td", {}, seconds === null || seconds === undefined ? "–" : duration(1000 * seconds)),
    );
  const head = ["system", "state", "says now", "time to fresh"].map((title) => h("th", { scope: "col" }, title));
  const caption = old && fresh ? h("caption", { dir: "auto" }, `${old} became ${fresh}`) : null;
  return h("table", {}, caption, h("thead", {}, h("tr", {}, head)), h("tbody", {}, systems.map(row)));
}
