// A card a system: its latest answer with confidence, cost and evidence, and what it said before.

import { course } from "./dialogue.js";
import { h } from "./dom.js";
import { asked, evidence, statements } from "./evidence.js";
import { duration, percent, plural, words } from "./format.js";
import { badge, tint } from "./marks.js";

// Of a longer answer the type is smaller.
const LONG = 60;

export function waiting(system) {
  return frame(system, { "aria-busy": "true" }, h("p", { class: "wait" }, "thinking"));
}

export function failed(system, problem, retry) {
  return frame(
    system,
    {},
    h("p", { class: "problem" }, h("strong", {}, problem.title), " ", problem.detail),
    retry ? h("button", { type: "button", click: retry }, "Ask again") : null,
  );
}

// `taught` are the training statements nearest to the question, for a system that was trained on them; `open` says
// whether its evidence is unfolded.
export function answered(system, dialogue, { taught, open }) {
  const steps = course(dialogue, system);
  const { answer, stands } = steps.at(-1);
  return frame(
    system,
    {},
    steps.length > 1 ? h("p", { class: stands ? "verdict holds" : "verdict flipped" }, stands ? "holds its answer" : "has another answer than at first") : null,
    h("p", { class: answer.answer.length > LONG ? "answer long" : "answer", dir: "auto" }, answer.answer || "(says nothing)"),
    answer.withheld ? h("p", { class: "hint" }, "withheld: less sure than you asked for") : null,
    meter(system, answer),
    cost(answer),
    steps.length > 1 ? rounds(steps) : null,
    h("details", { class: "evidence", open }, h("summary", {}, "Evidence"), h("div", {}, basis(answer, taught))),
  );
}

export const heard = (system, { answer, confidence }) => `${words(system)} answers: ${answer}. Confidence ${percent(confidence)}.`;

function basis(answer, taught) {
  const shown = [...evidence(answer), ...(taught?.length ? statements(taught, answer.answer, asked(answer.history)) : [])];
  return shown.length ? shown : h("p", { class: "source" }, "no evidence: it answers out of its weights");
}

function meter(system, { confidence, calibrated_confidence: calibrated }) {
  return h(
    "div",
    { class: "sure" },
    h("meter", { min: 0, max: 1, value: confidence, "aria-label": `confidence of ${words(system)}` }, percent(confidence)),
    h("p", {}, h("strong", {}, percent(confidence)), " confident", calibrated === null ? "" : ` · calibrated ${percent(calibrated)}`),
  );
}

function cost({ latency_ms: latency, usage }) {
  const tokens = usage.prompt_tokens + usage.completion_tokens;
  return h("p", { class: "cost" }, `${duration(latency)} · ${plural(tokens, "token")} · ${plural(usage.model_calls, "model call")}`);
}

function rounds(steps) {
  const row = ({ round, answer, stands, flips }) =>
    h(
      "li",
      { value: round, class: stands ? null : "other" },
      h("span", { class: "round" }, round ? `${round}` : "first"),
      h("span", { dir: "auto" }, answer.answer || "(says nothing)"),
      h("span", { class: "number" }, percent(answer.confidence), flips ? h("em", {}, stands ? "back" : "flips") : null),
    );
  return h("ol", { class: "rounds", "aria-label": "Answers by round" }, steps.map(row));
}

function frame(system, attributes, ...content) {
  const title = h("h3", {}, badge(system), words(system));
  return h("article", { class: "card", id: `card-${system}`, "data-tint": tint(system), "aria-label": words(system), ...attributes }, title, ...content);
}
