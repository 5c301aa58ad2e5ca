// Edges out of the graph's evidence: "A --relation--> B", or "A | relation | B | from to until".

const ARROW = /^(.+?) --(.+?)--> (.+)$/s;

// {subject, relation, object, days}, or null where the text is no edge.
export function edge(text) {
  const arrow = ARROW.exec(text);
  if (arrow) return { subject: arrow[1], relation: arrow[2], object: arrow[3], days: "" };
  const [subject, relation, object, days = "", ...rest] = text.split(" | ");
  return object === undefined || rest.length ? null : { subject, relation, object, days: holds(days) };
}

function holds(days) {
  const [from, to] = days.split(" to ");
  if (!to || (from === "unknown" && to === "now")) return "";
  if (to === "now") return `since ${from}`;
  return from === "unknown" ? `until ${to}` : `${from} to ${to}`;
}

// At most so many edges: those that tell the answer and what leads to them go before others.
export function foremost(edges, telling, most) {
  const rank = new Map(edges.map((each) => [each, telling(each) ? 0 : edges.some((next) => next.subject === each.object && telling(next)) ? 1 : 2]));
  const kept = new Set([...edges].sort((one, other) => rank.get(one) - rank.get(other)).slice(0, most));
  return edges.filter((each) => kept.has(each));
}

// The edges as lines of a tree, each under the node that it leaves: [{depth, node} | {depth, edge}].
// A node that was drawn already is not drawn again, so a circle ends.
export function tree(edges) {
  const objects = new Set(edges.map((each) => each.object));
  const subjects = [...new Set(edges.map((each) => each.subject))];
  const roots = subjects.filter((subject) => !objects.has(subject));
  const lines = [];
  const drawn = new Set();
  const grow = (node, depth) => {
    if (drawn.has(node)) return;
    drawn.add(node);
    for (const each of edges.filter((one) => one.subject === node)) {
      lines.push({ depth, edge: each });
      grow(each.object, depth + 1);
    }
  };
  for (const root of [...roots, ...subjects]) {
    if (drawn.has(root)) continue;
    lines.push({ depth: 0, node: root });
    grow(root, 0);
  }
  return lines;
}
