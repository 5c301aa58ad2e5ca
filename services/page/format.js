// Numbers and days as people read them.

export const percent = (share) => (share === null || share === undefined ? "–" : `${Math.round(100 * share)}\u202f%`);

export function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.floor(ms / 60000)} min ${Math.round((ms % 60000) / 1000)} s`;
}

export const count = (number) => Number(number).toLocaleString("en");

export const plural = (number, one, many = `${one}s`) => `${count(number)} ${Number(number) === 1 ? one : many}`;

export const words = (name) => String(name).replaceAll("_", " ");

export function span(from, to) {
  if (!from && !to) return "always";
  if (!from) return `until ${to}`;
  return to ? `${from} to ${to}` : `since ${from}`;
}
