// What is asked, in the address behind #, so that a link shows the same to somebody else.

export function read() {
  const given = new URLSearchParams(location.hash.slice(1));
  if (!given.has("q")) return null;
  return {
    question: given.get("q"),
    systems: given.get("systems")?.split(",").filter(Boolean) ?? null,
    on: given.get("on") ?? "",
    least: given.get("least") ?? "",
  };
}

export function write({ question, systems, on, least }) {
  const kept = Object.entries({ q: question, systems: systems.join(","), on, least }).filter(([, value]) => value);
  history.replaceState(null, "", `#${new URLSearchParams(kept)}`);
}
