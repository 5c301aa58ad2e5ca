// Confidence by round, a line a system: shape and colour tell systems apart, a hollow mark another answer than the
// first, a ring the round where it changed. And the same as a table.

import { course } from "./dialogue.js";
import { h, svg } from "./dom.js";
import { percent, words } from "./format.js";
import { badge, mark, tint } from "./marks.js";

const [LEFT, RIGHT, TOP, BOTTOM] = [38, 104, 12, 40];
const LABEL_GAP = 15;
// Systems stand a little beside each other, so that none hides behind one that is equally sure.
const BESIDE = 5;

export function plot(dialogue, width) {
  const height = Math.max(230, Math.min(330, width * 0.5));
  const last = Math.max(1, dialogue.rounds.length - 1);
  const x = (round) => LEFT + 10 + (round / last) * (width - LEFT - RIGHT - 20);
  const y = (share) => TOP + (1 - share) * (height - TOP - BOTTOM);
  const lines = dialogue.systems.map((system) => ({ system, steps: course(dialogue, system) })).filter(({ steps }) => steps.length);
  const drawn = svg("svg", { class: "plot", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": description(lines) });
  drawn.append(...axes(dialogue, x, y, width));
  lines.forEach(({ system, steps }, n) => drawn.append(line(system, steps, (round) => x(round) + BESIDE * (n - (lines.length - 1) / 2), y)));
  drawn.append(...labels(lines, x(last), y));
  return drawn;
}

export function table(dialogue) {
  const head = dialogue.rounds.map((round, n) => h("th", { scope: "col" }, n ? `${n} ${round.label}` : "first"));
  const rows = dialogue.systems.map((system) => {
    const steps = course(dialogue, system);
    const cell = (_, n) => {
      const step = steps.find((each) => each.round === n);
      return h("td", {}, step ? [percent(step.answer.confidence), h("small", { dir: "auto" }, step.answer.answer, step.flips ? (step.stands ? " (back)" : " (flips)") : "")] : "–");
    };
    return h("tr", {}, h("th", { scope: "row" }, badge(system), words(system)), dialogue.rounds.map(cell));
  });
  return h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "system"), head)), h("tbody", {}, rows));
}

function axes(dialogue, x, y, width) {
  const grid = [0, 0.25, 0.5, 0.75, 1].flatMap((share) => [
    svg("line", { class: "grid", x1: LEFT, x2: width - RIGHT + 6, y1: y(share), y2: y(share) }),
    svg("text", { class: "tick", x: LEFT - 6, y: y(share) + 4, "text-anchor": "end" }, percent(share)),
  ]);
  const room = (x(1) - x(0)) / 6.2;
  const ticks = dialogue.rounds.map((round, n) =>
    svg("text", { class: "tick", x: x(n), y: y(0) + 20, "text-anchor": n ? "middle" : "start" }, svg("title", {}, round.text), n ? short(`${n} ${round.label}`, n, room) : "first"),
  );
  return [...grid, ...ticks];
}

const short = (label, n, room) => (label.length <= room ? label : String(n));

function line(system, steps, x, y) {
  const at = ({ round, answer }) => [x(round), y(answer.confidence)];
  const drawn = svg("g", { "data-tint": tint(system), "data-system": system });
  drawn.append(svg("polyline", { class: "line", points: steps.map((step) => at(step).join(",")).join(" ") }));
  for (const step of steps) {
    const [cx, cy] = at(step);
    if (step.flips) drawn.append(svg("circle", { class: "flip", cx, cy, r: 10.5 }));
    drawn.append(mark(system, { x: cx, y: cy, hollow: !step.stands }));
  }
  return drawn;
}

// At the end of each line its name, moved apart where two would lie on each other.
function labels(lines, x, y) {
  const ends = lines.map(({ system, steps }) => ({ system, at: y(steps.at(-1).answer.confidence) })).sort((one, other) => one.at - other.at);
  ends.forEach((end, n) => {
    if (n) end.at = Math.max(end.at, ends[n - 1].at + LABEL_GAP);
  });
  const over = ends.length ? Math.max(0, ends.at(-1).at - y(0) - 2) : 0;
  for (let n = ends.length - 1, most = Infinity; n >= 0 && over; n -= 1) {
    ends[n].at = Math.min(ends[n].at, n === ends.length - 1 ? y(0) + 2 : most);
    most = ends[n].at - LABEL_GAP;
  }
  return ends.map(({ system, at }) => svg("text", { class: "name", x: x + 21, y: at + 4, "data-tint": tint(system) }, words(system)));
}

function description(lines) {
  const told = ({ system, steps }) => {
    const flips = steps.filter((step) => step.flips).map((step) => step.round);
    const course_ = steps.map((step) => percent(step.answer.confidence)).join(", ");
    return `${words(system)}: ${course_}${flips.length ? `; changes its answer in round ${flips.join(", ")}` : ""}`;
  };
  return `Confidence by round. ${lines.map(told).join(". ")}.`;
}
