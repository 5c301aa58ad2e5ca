// The path through the graph, drawn as a tree from top to bottom: it fits a card as narrow as a phone.

import { svg } from "./dom.js";
import { tree } from "./edges.js";
import { words } from "./format.js";

const [ROW, INDENT, SIZE, WIDTH] = [46, 20, 13, 256];
const CHARACTER = 6.9;

export function drawing(edges, telling) {
  const lines = tree(edges);
  const height = lines.length * ROW - 10;
  const label = `Path in the graph: ${edges.map((e) => `${e.subject}, ${words(e.relation)}, ${e.object}`).join("; ")}`;
  const drawn = svg("svg", { class: "graph", viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": label });
  lines.forEach((line, row) => drawn.append(...(line.node ? node(line.node, 0, row * ROW) : branch(line, row, lines, telling))));
  return drawn;
}

function branch({ depth, edge }, row, lines, telling) {
  const x = depth * INDENT + 12;
  const y = row * ROW;
  // The stem begins at the node above that this edge leaves.
  const parent = lines.slice(0, row).findLastIndex((line) => (line.node ?? line.edge.object) === edge.subject);
  const stem = svg("path", { class: "edge", d: `M${x} ${parent * ROW + 30} V${y + 17} H${x + 10}` });
  const caption = svg("text", { class: "relation", x: x + 12, y: y + 3, "font-size": 11.5 }, cut(`${words(edge.relation)}${edge.days ? ` · ${edge.days}` : ""}`, (WIDTH - x - 12) / 5.6));
  return [stem, caption, ...node(edge.object, x + 10, y + 4, telling(edge))];
}

function node(text, x, y, telling = false) {
  const shown = cut(text, (WIDTH - x - 18) / CHARACTER);
  const width = Math.min(WIDTH - x - 1, shown.length * CHARACTER + 18);
  return [
    svg("rect", { class: telling ? "node telling" : "node", x: x + 0.5, y: y + 4.5, width, height: 25, rx: 5 }),
    svg("text", { x: x + 9, y: y + 21.5, "font-size": SIZE }, svg("title", {}, text), shown),
  ];
}

const cut = (text, most) => (text.length > most ? `${text.slice(0, Math.max(1, Math.floor(most) - 1))}…` : text);
