// What can be said against the answers: a button a challenger, and what was said so far.

import { get, post } from "./api.js";
import { current, isBusy, push } from "./asking.js";
import { heardAs } from "./dialogue.js";
import { byId, h } from "./dom.js";

let onRound = () => {};

export async function start(show, changed) {
  onRound = changed;
  const { challenges } = await get("/challenges");
  byId("challengers").replaceChildren(...challenges.map((each) => button(each, show)));
}

// The values to assert, where the question is one of the study's own; what somebody typed is for their question only.
export function offer({ gold = [], rival = "" }) {
  byId("false-value").value = rival;
  byId("true-value").value = gold[0] ?? "";
}

export function refresh() {
  for (const each of byId("challengers").children) each.setAttribute("aria-disabled", String(isBusy()));
  const rounds = current()?.rounds.slice(1) ?? [];
  byId("said").replaceChildren(...rounds.map((round) => h("li", {}, h("span", { class: "source" }, round.label), h("q", { dir: "auto" }, round.text))));
}

function button(challenger, show) {
  const press = () => said(challenger).catch(show);
  return h("button", { type: "button", class: `say-${challenger.name}`, click: press }, challenger.label);
}

async function said({ name, label, needs }) {
  if (isBusy() || !current()) return;
  const field = { rival: byId("false-value"), gold: byId("true-value") }[needs];
  if (field && !field.reportValidity()) return;
  if (field && !field.value.trim()) {
    field.setCustomValidity("Say which value: of this question the study knows none.");
    field.reportValidity();
    field.setCustomValidity("");
    return;
  }
  const { rounds, known } = current();
  // What is known without being typed goes along, for the words of a challenger may quote it.
  known.rival = byId("false-value").value.trim();
  const gold = byId("true-value").value.trim();
  known.gold = gold && !(known.gold ?? []).includes(gold) ? [gold] : known.gold;
  const asked = { question: heardAs(current()), challenger: name, round: rounds.length };
  if (known.rival) asked.rival = known.rival;
  if (gold) asked.gold = gold;
  const { text } = await post("/challenge", asked);
  await push(name, label, text, onRound);
}
