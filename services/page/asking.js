// One question put to the chosen systems, and each round after it: fills the cards as the answers come.

import { get, ProblemError, stream } from "./api.js";
import { answered, failed, heard, waiting } from "./cards.js";
import { begun, histories, said } from "./dialogue.js";
import { byId } from "./dom.js";
import { plot, table } from "./plot.js";

// Systems that answer out of what they were trained on, whose evidence is their training text.
const TRAINED = /^sft/;
const STATEMENTS = 3;

let dialogue = null;
let asking = null;
let taught = [];
let form = {};

export const current = () => dialogue;

export const isBusy = () => asking !== null;

export const stop = () => asking?.abort();

// Begins a dialogue; one that is still being answered is given up. `onRound` is called after every round.
export async function ask(given, known, onRound) {
  stop();
  form = given;
  dialogue = begun(given.question, given.systems, known);
  byId("asked").textContent = given.question;
  byId("dialogue").hidden = false;
  taught = [];
  if (given.systems.some((system) => TRAINED.test(system))) learnt(dialogue);
  await round("first", "first", given.question, onRound);
}

// Says the same to every system, each in its own dialogue.
export async function push(name, label, text, onRound) {
  if (dialogue && !isBusy()) await round(name, label, text, onRound);
}

async function round(name, label, text, onRound) {
  const own = dialogue;
  const turns = histories(own);
  const systems = own.rounds.length ? own.systems.filter((system) => system in turns) : own.systems;
  const now = said(own, name, label, text);
  const control = new AbortController();
  asking = control;
  byId("stop").hidden = false;
  cards(own, systems);
  onRound();
  try {
    await answers(own, now, systems, turns, control.signal);
  } catch (error) {
    const problem = error instanceof ProblemError ? error.problem : { title: "Stopped", detail: control.signal.aborted ? "" : "the service did not answer to the end" };
    for (const system of systems.filter((each) => !now.answers.has(each))) now.answers.set(system, { problem });
    if (problem.status === 401) dispatchEvent(new Event("kinject:key"));
  }
  if (asking !== control) return;
  asking = null;
  byId("stop").hidden = true;
  redraw();
  onRound();
}

async function answers(own, now, systems, turns, signal) {
  const body = { systems, question: now.text, histories: turns };
  // Later rounds have the day in their histories, and what objects has none of its own.
  if (form.on && own.rounds.length === 1) body.on = form.on;
  if (form.least) body.min_confidence = form.least === "auto" ? "auto" : Number(form.least);
  for await (const { name, body: answer } of stream("/compare?stream=true", body, signal)) {
    if (own !== dialogue) return;
    if (name === "answer" || name === "error") {
      now.answers.set(answer.system, answer.answer === undefined ? { problem: answer.problem ?? answer } : answer);
      card(own, answer.system);
      draw(own);
      if (name === "answer") byId("announcer").append(heardLine(answer));
    }
    if (name === "done") break;
  }
  const lost = { title: "No answer", detail: "the service ended without one" };
  for (const system of systems.filter((each) => !now.answers.has(each))) now.answers.set(system, { problem: lost });
}

function heardLine(answer) {
  const line = document.createElement("p");
  line.textContent = heard(answer.system, answer);
  return line;
}

export function redraw() {
  if (!dialogue) return;
  dialogue.systems.forEach((system) => card(dialogue, system));
  draw(dialogue);
}

function cards(own, waited) {
  byId("announcer").replaceChildren();
  if (own.rounds.length === 1) byId("cards").replaceChildren(...own.systems.map(waiting));
  else waited.forEach((system) => byId(`card-${system}`).setAttribute("aria-busy", "true"));
  draw(own);
}

function card(own, system) {
  const last = own.rounds.map((each) => each.answers.get(system)).findLast(Boolean);
  if (!last) return;
  const shown = last.problem ? failed(system, last.problem, own.rounds.length === 1 ? again : null) : answered(system, own, { taught: TRAINED.test(system) ? taught : null, open: isOpen(system) });
  byId(`card-${system}`).replaceWith(shown);
}

// As the reader left it; at first unfolded where there is room.
function isOpen(system) {
  const evidence = byId(`card-${system}`).querySelector("details.evidence");
  return evidence ? evidence.open : matchMedia("(min-width: 40rem)").matches;
}

const again = () => byId("ask-form").requestSubmit();

function draw(own) {
  const width = Math.max(300, Math.round(byId("plot").clientWidth));
  byId("curve").hidden = !own.rounds.some((each) => each.answers.size);
  byId("plot").replaceChildren(plot(own, width));
  byId("curve-table").replaceChildren(table(own));
}

async function learnt(own) {
  try {
    const found = await get("/corpus/statements", { question: own.question, limit: STATEMENTS });
    if (own !== dialogue) return;
    taught = found.statements.map((each) => each.text);
    for (const system of own.systems.filter((each) => TRAINED.test(each))) card(own, system);
  } catch (error) {
    // A run that trained nothing has no statements; the card says that there is no evidence.
    if (!(error instanceof ProblemError)) throw error;
  }
}
