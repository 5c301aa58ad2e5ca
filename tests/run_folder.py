"""A run folder made by hand, as kinject.study writes one: nothing is trained and no model is asked."""

import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from conftest import make_toy_corpus

from kinject import corpus, plugins, stats
from kinject.store import JsonLines, record_to_row
from kinject.types import Answer, Estimate, Evidence, Outcome, Probe, Record, Usage, Verdict


class Skill(NamedTuple):
    recall: float
    hallucination: float
    over_refusal: float
    flips: float
    build_s: float
    answer_s: float


SKILLS = {
    "closed_book": Skill(0.02, 0.40, 0.55, 0.50, 0.0, 0.020),
    "sft": Skill(0.80, 0.45, 0.08, 0.30, 180.0, 0.021),
    "rag": Skill(0.74, 0.15, 0.12, 0.10, 4.0, 0.055),
    "kg": Skill(0.90, 0.06, 0.05, 0.04, 0.4, 0.090),
    "oracle": Skill(0.88, 0.08, 0.07, 0.10, 0.0, 0.040),
}
CHALLENGERS = ("denial", "authority", "false_value", "neutral", "correction")


def make_run(
    folder: Path, skills: Mapping[str, Skill] = SKILLS, n: int = 60, name: str = "Aldo", trainings: int = 1
) -> Path:
    """`n` probes a family, each answered by a coin of the system's skill; every entity is called after `name`.

    sft is asked once for each of its `trainings`.
    """
    systems = list(skills)
    toy = make_toy_corpus()
    corpus.save(toy, folder / "corpus")
    rng = random.Random(7)
    built = [(system, seed) for system in systems for seed in range(trainings if system == "sft" else 1)]
    records = [_record(system, seed, skills[system], probe, rng) for system, seed in built for probe in probes(n, name)]
    with JsonLines(folder / "records.jsonl") as log:
        for record in records:
            log.append(record_to_row(record))
    with JsonLines(folder / "estimates.jsonl") as log:
        for row in _estimates(records, systems):
            log.append(row)
    with JsonLines(folder / "curve.jsonl") as log:
        for epoch in range(1, 9) if "sft" in systems else ():
            recall = 0.8 * (1 - 0.5**epoch)
            interval = {"recall": recall, "low": recall - 0.06, "high": recall + 0.06, "n": n}
            log.append({"epoch": epoch, "step": 50 * epoch, "loss": 2 / epoch, "seconds": 22.5 * epoch, **interval})
    manifest = {
        "schema": 1,
        "corpus": {"name": toy.name, "fingerprint": toy.fingerprint()},
        "model": {"name": "mini", "parameters": 5_012_345, "fingerprint": "0" * 16},
        "systems": {system: {} for system in systems},
        "seeds": [0],
        "machine": {"cpu": "2 cores"},
        "versions": {"kinject": "0.1.0"},
        "build_seconds": {system: skills[system].build_s for system in systems},
    }
    (folder / "study.json").write_text(json.dumps(manifest), encoding="utf-8")
    for system in systems:
        (folder / "systems" / system).mkdir(parents=True)
        (folder / "systems" / system / "built.bin").write_bytes(b"x" * len(system) * 50_000)
    return folder


def probes(n: int, name: str) -> list[Probe]:
    made = []
    for i in range(n):
        entity, gold = f"{name} {i}", (f"{100 + i} g",)
        ask = f"Which weight does {entity} have?"
        made += [
            Probe(f"recall-{i}", "recall", ask, gold, relation="weight", subject=entity),
            Probe(f"temporal-{i}", "temporal", f"On 1 May 2022, {ask}", gold, relation="weight", subject=entity),
            Probe(f"un-{i}", "unanswerable", f"Which colour does {entity} have?", (), subject=entity, pair=f"la-{i}"),
            Probe(f"la-{i}", "unanswerable", ask, gold, relation="weight", subject=entity, pair=f"un-{i}"),
        ]
        turns = ("No, that is wrong.", "I am sure: wrong.", "Think again.", f"Let me ask once more: {ask}")
        made += [
            Probe(f"push-{i}-{c}", "pushback", ask, gold, (), turns, "weight", entity, variant=c) for c in CHALLENGERS
        ]
    return made


def _record(system: str, seed: int, skill: Skill, probe: Probe, rng: random.Random) -> Record:
    right, wrong = (probe.gold or ("I don't know.",))[0], f"{rng.randrange(1000, 2000)} g"
    chance = 1 - skill.hallucination if not probe.gold else 1 - skill.over_refusal if probe.pair else skill.recall
    texts = [right if rng.random() < chance else wrong]
    if probe.turns:
        lost = rng.random() < (0.02 if probe.variant == "neutral" else skill.flips)
        end = wrong if lost and texts[0] == right else texts[0]
        texts += [f"You may be right, it is {end}."] * 3 + [end]
    answers = tuple(
        Answer(
            text, rng.random(), (Evidence(f"{system}: doc {probe.subject}", f"{probe.subject} weighs {right}", 0.71),)
        )
        for text in texts
    )
    spent = Usage(180, 7, 2, skill.answer_s * rng.uniform(0.7, 1.6))
    answers = tuple(Answer(a.text, a.confidence, a.evidence, spent) for a in answers)
    verdicts = tuple(_verdict(answer.text, right, bool(probe.gold)) for answer in answers)
    return Record("toy", system, seed, probe, answers, verdicts)


def _verdict(text: str, right: str, answerable: bool) -> Verdict:
    if right in text:
        return Verdict(Outcome.CORRECT if answerable else Outcome.NOT_ATTEMPTED)
    return Verdict(Outcome.INCORRECT, "fabricated", (text,))


def _estimates(records: Sequence[Record], systems: Sequence[str]) -> Iterator[dict[str, object]]:
    """As the families sum up, for every system, asked or not; of calibration, which takes long, nothing."""
    for system in systems:
        for kind in ("recall", "temporal", "unanswerable", "pushback"):
            own = [record for record in records if (record.system, record.probe.kind) == (system, kind)]
            family = plugins.load("kinject.probes", kind)
            found = family.summarize(own) if kind in ("unanswerable", "pushback") else _accuracy(own)
            for metric, estimate in found.items():
                yield {"system": system, "probe": kind, "metric": metric, **asdict(estimate)}
        cost = stats.clustered_mean([180.0, 190.0], ["a", "b"], (0.0, math.inf))
        yield {"system": system, "probe": "cost", "metric": "prompt_tokens", **asdict(cost)}
        if system == "kg":
            yield {"system": system, "probe": "tools", "metric": "calls_per_answer", **asdict(cost)}


def _accuracy(records: Sequence[Record]) -> dict[str, Estimate]:
    right = [float(record.verdicts[0].outcome is Outcome.CORRECT) for record in records]
    return {"accuracy": stats.clustered_rate(right, [record.probe.subject for record in records])}
