// Each system's shape and colour, the same as in the report, so that neither has to be told apart alone.

import { svg } from "./dom.js";

const SHAPES = { closed_book: "cross", sft: "square", rag: "diamond", kg: "triangle", hybrid: "plus", long_context: "wedge" };
const OTHERS = ["circle", "hexagon", "star", "pentagon"];

const polygon = (sides, turn = -90) =>
  Array.from({ length: sides }, (_, n) => ((turn + (360 * n) / sides) * Math.PI) / 180)
    .map((angle) => `${(5.6 * Math.cos(angle)).toFixed(2)},${(5.6 * Math.sin(angle)).toFixed(2)}`)
    .join(" ");

const PLUS = "-1.9,-5.5 1.9,-5.5 1.9,-1.9 5.5,-1.9 5.5,1.9 1.9,1.9 1.9,5.5 -1.9,5.5 -1.9,1.9 -5.5,1.9 -5.5,-1.9 -1.9,-1.9";
const POINTS = {
  square: "-4.6,-4.6 4.6,-4.6 4.6,4.6 -4.6,4.6",
  diamond: "0,-6 6,0 0,6 -6,0",
  triangle: "0,-5.8 5.8,4.6 -5.8,4.6",
  wedge: "0,5.8 5.8,-4.6 -5.8,-4.6",
  plus: PLUS,
  cross: PLUS,
  hexagon: polygon(6),
  pentagon: polygon(5),
  star: polygon(3, 90),
};

const place = (system) => [...new TextEncoder().encode(system)].reduce((sum, byte) => sum + byte, 0) % OTHERS.length;

// The name of the colour in base.css.
export const tint = (system) => (system in SHAPES || system === "oracle" ? system : `other-${place(system)}`);

export const shape = (system) => SHAPES[system] ?? (system === "oracle" ? "circle" : OTHERS[place(system)]);

// A mark around the origin, for a drawing; hollow where the answer is not the first any more.
export function mark(system, { x = 0, y = 0, hollow = false } = {}) {
  const kind = shape(system);
  const look = { class: hollow ? "point hollow" : "point", "data-tint": tint(system) };
  const turn = kind === "cross" ? " rotate(45)" : "";
  const moved = { transform: `translate(${x} ${y})${turn}` };
  return kind === "circle" ? svg("circle", { r: 5, ...moved, ...look }) : svg("polygon", { points: POINTS[kind], ...moved, ...look });
}

// The same mark beside text.
export const badge = (system) =>
  svg("svg", { class: "badge", viewBox: "-8 -8 16 16", "aria-hidden": "true", focusable: "false" }, mark(system));
