// What an answer rests on, by kind: passages with the answer marked, tool calls, the path in the graph, lines that a
// trained model was taught.

import { h } from "./dom.js";
import { edge, foremost } from "./edges.js";
import { plural } from "./format.js";
import { drawing } from "./graph.js";
import { answerSpan } from "./spans.js";

const CALL = /^[a-z_]\w*\(.*\)$/is;
const SHOWN = 1;
const EDGES = 4;
// Of a longer passage what stands around the answer is shown, and the rest on demand.
const AROUND = 150;

export function evidence({ answer, history, evidence: given }) {
  const question = asked(history);
  const edges = given.map((each) => (CALL.test(each.source) ? null : edge(each.text)));
  const calls = given.filter((each) => CALL.test(each.source));
  const passages = given.filter((each, n) => !edges[n] && !calls.includes(each));
  const path = edges.filter(Boolean);
  const telling = (each) => answerSpan(each.object, answer, question) !== null;
  const drawn = foremost(path, telling, EDGES);
  return [
    drawn.length ? drawing(drawn, telling) : null,
    path.length > drawn.length ? h("p", { class: "source" }, `and ${plural(path.length - drawn.length, "other edge")} that it saw`) : null,
    calls.length ? folded(plural(calls.length, "call") + " to the graph", h("ol", { class: "calls" }, calls.map(call))) : null,
    ...passages.slice(0, SHOWN).map((each) => passage(each, answer, question)),
    passages.length > SHOWN
      ? folded(`${passages.length - SHOWN} more`, passages.slice(SHOWN).map((each) => passage(each, answer, question)))
      : null,
  ].filter(Boolean);
}

// All that the user has said so far: in a later round it is the question that names what the passages are about.
export const asked = (history) => history.filter(({ role }) => role === "user").map(({ text }) => text).join(" ");

// The training statements nearest to the question: what a model that was trained had to learn it from.
export function statements(lines, answer, question) {
  return [
    h("p", { class: "source" }, "nearest of what it was trained on"),
    h("ul", { class: "statements" }, lines.map((line) => h("li", { dir: "auto" }, marked(line, answer, question)))),
  ];
}

const folded = (title, ...content) => h("details", {}, h("summary", {}, title), ...content);

const call = ({ source, text }) => h("li", {}, h("code", {}, source), text ? h("pre", { dir: "auto" }, text) : null);

function passage({ source, text, score, supports }, answer, question) {
  const notes = [score === null ? "" : `score ${score.toFixed(2)}`, supports === true ? "states the answer" : "", supports === false ? "does not state the answer" : ""];
  return h(
    "blockquote",
    { class: "passage" },
    h("p", { class: "source" }, h("cite", { dir: "auto" }, source), notes.filter(Boolean).map((note) => ` · ${note}`)),
    h("p", { dir: "auto" }, excerpt(text, answer, question)),
  );
}

function excerpt(text, answer, question) {
  const span = answerSpan(text, answer, question) ?? { start: 0, end: 0 };
  const from = span.start > AROUND ? text.lastIndexOf(" ", span.start - AROUND * 0.6) + 1 : 0;
  const cutOff = text.indexOf(" ", span.end + AROUND);
  const to = cutOff < 0 ? text.length : cutOff;
  return [from ? "… " : "", ...marked(text.slice(from, to), answer, question), to < text.length ? " …" : ""];
}

function marked(text, answer, question) {
  const span = answerSpan(text, answer, question);
  if (!span) return [text];
  return [text.slice(0, span.start), h("mark", {}, text.slice(span.start, span.end)), text.slice(span.end)];
}
