// What the study found: its recommendation, the runs beside it with their headline numbers, and their reports.

import { blob, get, hasKey } from "./api.js";
import { byId, h } from "./dom.js";
import { figure } from "./estimates.js";
import { words } from "./format.js";
import { badge, tint } from "./marks.js";

export async function start(show) {
  const { runs } = await get("/runs");
  const served = runs.find((run) => run.served) ?? runs[0];
  if (served?.recommendation) byId("verdict").replaceChildren(verdict(served, show));
  byId("run-list").replaceChildren(...[...runs].sort((one, other) => other.served - one.served).map((run) => shown(run, show)));
}

function verdict({ recommendation }) {
  return h("div", { class: "recommendation" }, h("h3", {}, recommendation.headline), h("p", {}, recommendation.text));
}

function shown(run, show) {
  const titles = Object.keys(run.headlines);
  const systems = [...new Set(titles.flatMap((title) => Object.keys(run.headlines[title])))];
  const head = ["system", ...titles].map((title) => h("th", { scope: "col" }, title));
  const cell = (system) => (title) => h("td", {}, ...figure(run.headlines[title][system]));
  const row = (system) => h("tr", {}, h("th", { scope: "row", "data-tint": tint(system) }, badge(system), words(system)), titles.map(cell(system)));
  const label = `run-${run.id}`;
  return h(
    "article",
    { class: "run" },
    h("h3", { id: label, dir: "auto" }, run.id, h("small", {}, [run.served ? "served here" : "", run.model, run.update_of ? `update of ${run.update_of}` : ""].filter(Boolean).join(" · "))),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": label }, h("table", {}, h("thead", {}, h("tr", {}, head)), h("tbody", {}, systems.map(row)))),
    run.report === false ? null : h("p", {}, report(run, show)),
  );
}

// A link cannot carry a key, so with one the report is fetched and saved.
function report(run, show) {
  const address = `/report?${new URLSearchParams({ run: run.id })}`;
  if (!hasKey()) return h("a", { href: address, target: "_blank", rel: "noopener" }, "Open the report");
  return h("button", { type: "button", click: () => save(address, `${run.id}.html`).catch(show) }, "Save the report");
}

async function save(address, name) {
  const url = URL.createObjectURL(await blob(address));
  h("a", { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}
