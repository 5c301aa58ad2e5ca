// One question and what was said to it since: rounds of answers by system, and whether the first answer stands.
// Knows nothing of how it is shown or asked.

// `known` is {gold, rival}: the right values and a false one, where they are known.
export const begun = (question, systems, known) => ({ question, systems, known, rounds: [] });

export function said(dialogue, name, label, text) {
  const round = { name, label, text, answers: new Map() };
  dialogue.rounds.push(round);
  return round;
}

// Each system's dialogue so far, as the service gave it back with its last answer.
export function histories(dialogue) {
  const last = (system) => dialogue.rounds.map((round) => round.answers.get(system)?.history).findLast(Boolean);
  return Object.fromEntries(dialogue.systems.map((system) => [system, last(system)]).filter(([, turns]) => turns));
}

// The question as the systems heard it, which names the day where one was given.
export const heardAs = (dialogue) => Object.values(histories(dialogue))[0]?.[0].text ?? dialogue.question;

// A system's answers by round, each {round, answer, stands, flips}; rounds without an answer are left out.
// `stands`: it is still the first answer. `flips`: it is so no longer, or again, since the answer before.
export function course(dialogue, system) {
  const steps = [];
  dialogue.rounds.forEach((round, n) => {
    const answer = round.answers.get(system);
    if (!answer || answer.problem) return;
    const stands = !steps.length || same(steps[0].answer, answer, dialogue.known);
    steps.push({ round: n, answer, stands, flips: Boolean(steps.length) && stands !== steps.at(-1).stands });
  });
  return steps;
}

function same(first, now, known) {
  const [before, after] = [stance(first.answer, known), stance(now.answer, known)];
  if (before !== "other" || after !== "other") return before === after;
  const [one, other] = [plain(first.answer), plain(now.answer)];
  return names(one, other) || names(other, one);
}

// Which of the values that are known an answer takes.
function stance(answer, { gold = [], rival = "" }) {
  const text = plain(answer);
  const right = gold.some((value) => names(text, plain(value)));
  const wrong = Boolean(rival) && names(text, plain(rival));
  if (right && wrong) return "both";
  return right ? "right" : wrong ? "wrong" : "other";
}

const plain = (text) => ` ${text.normalize("NFKC").toLowerCase().replace(/[^\p{L}\p{N}.,]+|[.,](?!\p{N})/gu, " ").trim()} `;

const names = (text, value) => value.trim() !== "" && text.includes(value);
