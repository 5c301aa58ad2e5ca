// The edit moment: one fact is changed, and each system is watched until it says the new value.

import { get, post } from "./api.js";
import { byId, h } from "./dom.js";
import { figure } from "./estimates.js";
import { duration, percent, words } from "./format.js";
import { badge, tint } from "./marks.js";

const EVERY_MS = 500;
const SIGNS = { fresh: "●", stale: "○", other: "◐", failed: "✕" };

// `changed` is called when an edit has ended.
export function start(summary, show, changed) {
  byId("edit").hidden = byId("edit-link").hidden = false;
  byId("edit-relation").replaceChildren(...summary.relations.map(({ name }) => h("option", { value: name }, words(name))));
  const button = byId("edit-form").querySelector("button");
  byId("edit-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    change()
      .then(changed)
      .catch((error) => {
        // Here too: the line for messages is far above whoever stands at this form.
        byId("edit-progress").append(h("p", { class: "problem" }, error.message));
        show(error);
      })
      .finally(() => button.setAttribute("aria-disabled", "false"));
  });
}

async function change() {
  const wanted = { subject: byId("edit-subject").value.trim(), relation: byId("edit-relation").value, object: byId("edit-object").value.trim() };
  byId("edit-progress").replaceChildren(h("p", {}, "Sent …"));
  const sent = performance.now();
  const { id } = await post("/edit", wanted).catch((error) => {
    byId("edit-progress").replaceChildren();
    throw error;
  });
  let told = "";
  for (;;) {
    const progress = await get(`/edit/${encodeURIComponent(id)}`);
    byId("edit-progress").replaceChildren(...shown(progress, performance.now() - sent));
    // Said only when a system's state is another, not at every tick of the clock.
    const now = progress.systems.map(({ name, state }) => `${words(name)} ${state}`).join(", ");
    if (now !== told) byId("edit-heard").textContent = told = now;
    if (progress.done) return;
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

function shown({ systems, old, new: fresh, done, problem, seconds }, elapsed) {
  const head = ["system", "state", "said before", "says now", "fresh after", "update took", "still old", "harm elsewhere"];
  const took = done && seconds !== null ? `done in ${duration(1000 * seconds)}` : duration(elapsed);
  return [
    h("p", { dir: "auto" }, `${old || "nothing"} became ${fresh || "…"} · ${took}`),
    problem ? h("p", { class: "problem" }, problem) : null,
    h(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": "edit-title" },
      h("table", {}, h("thead", {}, h("tr", {}, head.map((title) => h("th", { scope: "col" }, title)))), h("tbody", {}, systems.map(row))),
    ),
  ].filter(Boolean);
}

function row({ name, state, stage, done, total, before, after, damage, seconds, fresh_after_s: freshAfter, problem }) {
  const step = ["asking", "updating"].includes(state) && stage ? `${stage}${total ? ` ${done}/${total}` : ""}` : problem;
  const time = (s) => (s === null ? "–" : duration(1000 * s));
  return h(
    "tr",
    {},
    h("th", { scope: "row", "data-tint": tint(name) }, badge(name), words(name)),
    h("td", {}, `${SIGNS[state] ?? "…"} ${state}`, step ? h("small", {}, step) : null),
    h("td", { dir: "auto" }, ...said(before)),
    h("td", { dir: "auto" }, ...said(after)),
    h("td", {}, state === "fresh" ? time(freshAfter) : "–"),
    h("td", {}, time(seconds)),
    h("td", {}, ...figure(after?.stale)),
    h("td", {}, ...figure(damage)),
  );
}

const said = (asked) => (asked?.answer ? [asked.answer, h("small", {}, percent(asked.confidence))] : ["–"]);
