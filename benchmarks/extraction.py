"""How much of what a corpus knows is found in its documents, and how much of what is found is right.

    python -m benchmarks.extraction catalog
    python -m benchmarks.extraction corpora/presidents --templates
    python -m benchmarks.extraction catalog --model URL --limit 40

The corpus's own facts are the standard. A claim that it says nothing about counts as wrong, even where the page states
it. An attribute that goes by another name in the corpus ("origin" for "country of origin") is taken as the relation
with which most of its values agree: precision is an upper bound for attributes that were found once or twice.
"""

import argparse
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

from benchmarks.output import RESULTS, Table, guarded, publish, rate
from benchmarks.probing import positive
from kinject import corpus as corpora
from kinject.corpus import Corpus
from kinject.extraction import Config, Extractor, Sources
from kinject.extraction.assembling import assemble
from kinject.extraction.chat import extractor as by_model
from kinject.extraction.claims import Claim
from kinject.extraction.passages import passages
from kinject.extraction.patterns import extractor as by_patterns
from kinject.extraction.plans import unheard
from kinject.lm import open_model
from kinject.progress import silent
from kinject.stats import clustered_rate
from kinject.types import Estimate, Fact

Key = tuple[str, str]


@dataclass(frozen=True)
class Score:
    """An undated claim about a dated fact has not the same days. `aligned` is what attributes were taken as."""

    passages_heard: Estimate
    found: Estimate
    right: Estimate
    same_days: Estimate
    by_relation: dict[str, tuple[Estimate, Estimate]]
    aligned: dict[str, str]
    unsupported: int


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", help="a corpus folder or a shipped name; it must have both facts and documents")
    parser.add_argument("--templates", action="store_true", help="read the statements of its relations backwards, too")
    parser.add_argument("--model", help="a chat model that calls tools, in place of patterns")
    parser.add_argument("--limit", type=positive, metavar="N", help="only the first N documents and their facts")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the JSON (default: benchmarks/results)")
    chosen = parser.parse_args(arguments)
    corpus = limited(corpora.load(corpora.find(chosen.corpus)), chosen.limit)
    if chosen.model:
        arm, find = chosen.model, by_model(open_model(chosen.model), Config())
    else:
        arm = "patterns and templates" if chosen.templates else "patterns"
        find = by_patterns(corpus.relations if chosen.templates else ())
    score = measure(corpus, find)
    run = SimpleNamespace(corpus=corpus, manifest={"model": chosen.model})
    name = "extraction" + ("-templates" if chosen.templates else "") + ("-model" if chosen.model else "")
    publish(name, run, {"arm": arm, **asdict(score)}, tables(corpus, arm, score), chosen.out, date.today())


def limited(corpus: Corpus, count: int | None) -> Corpus:
    """The first documents, and what they are known to state."""
    documents = corpus.documents[:count]
    ids = {document.id for document in documents}
    return replace(corpus, documents=documents, facts=tuple(f for f in corpus.facts if f.document_id in ids))


def measure(corpus: Corpus, find: Extractor) -> Score:
    """Shares are clustered by subject, those of passages by document."""
    sources = Sources(corpus.documents)
    answer = find(corpus.documents, silent)
    made = assemble(answer.claims, sources, min_facts=1)
    known = _by_value(corpus.facts)
    aligned = _aligned(made.facts, known)
    pairs = [(fact, _match(fact, known, aligned)) for fact in made.facts]
    matched = {match.id for _, match in pairs if match}
    hits = [(fact, float(fact.id in matched)) for fact in corpus.facts]
    rights = [(fact, float(match is not None)) for fact, match in pairs]
    with_days = [(fact, match) for fact, match in pairs if match and (match.valid_from or match.valid_to)]
    dated = [(fact, float(_same_days(fact, match))) for fact, match in with_days]
    by_relation = {
        relation.name: (
            _rate([one for one in hits if one[0].relation == relation.name]),
            _rate([one for one in rights if aligned.get(one[0].relation) == relation.name]),
        )
        for relation in corpus.relations
    }
    by_relation["of no relation"] = (_rate([]), _rate([one for one in rights if one[0].relation not in aligned]))
    heard = _heard(sources, answer.claims)
    return Score(heard, _rate(hits), _rate(rights), _rate(dated), by_relation, aligned, answer.unsupported)


def tables(corpus: Corpus, arm: str, score: Score) -> list[Table]:
    whole = (
        ("sentences and lines that gave a claim", rate(score.passages_heard)),
        ("known facts that were found", rate(score.found)),
        ("found facts that are right", rate(score.right)),
        ("right facts that have days, those with the same days", rate(score.same_days)),
    )
    names = {relation: [a for a, r in score.aligned.items() if r == relation] for relation in score.by_relation}
    rows = tuple(
        (relation, rate(found), rate(right), ", ".join(sorted(names[relation])))
        for relation, (found, right) in score.by_relation.items()
    )
    title = f"{corpus.name} by {arm}, {len(corpus.documents)} documents"
    return [
        Table(title, ("share", "estimate"), whole),
        Table("by relation", ("relation", "known facts found", "found facts right", "attributes taken as it"), rows),
    ]


def _by_value(facts: Sequence[Fact]) -> dict[Key, list[Fact]]:
    known: dict[Key, list[Fact]] = defaultdict(list)
    for fact in facts:
        for text in (fact.object, *fact.aliases):
            known[_key(fact.subject, text)].append(fact)
    return known


def _aligned(facts: Sequence[Fact], known: dict[Key, list[Fact]]) -> dict[str, str]:
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for fact in facts:
        for relation in {one.relation for one in known.get(_key(fact.subject, fact.object), ())}:
            votes[fact.relation][relation] += 1
    return {attribute: counter.most_common(1)[0][0] for attribute, counter in votes.items()}


def _match(fact: Fact, known: dict[Key, list[Fact]], aligned: dict[str, str]) -> Fact | None:
    """The known fact that says the same, one of the same days first."""
    same = [f for f in known.get(_key(fact.subject, fact.object), ()) if f.relation == aligned.get(fact.relation)]
    return next((one for one in same if _same_days(fact, one)), same[0] if same else None)


def _same_days(one: Fact, two: Fact) -> bool:
    return (one.valid_from, one.valid_to) == (two.valid_from, two.valid_to)


def _rate(hits: Sequence[tuple[Fact, float]]) -> Estimate:
    return clustered_rate([hit for _, hit in hits], [fact.subject for fact, _ in hits])


def _heard(sources: Sources, claims: Sequence[Claim]) -> Estimate:
    quiet = {(document, text) for document, text in unheard(sources, claims)}
    said = [(d.id, passage.text) for d in sources.documents for passage in passages(d)]
    return clustered_rate([float(one not in quiet) for one in said], [id_ for id_, _ in said])


def _key(subject: str, value: str) -> Key:
    """Case, articles and the order of a list do not count."""
    words = re.sub(r"^the ", "", " ".join(value.casefold().split()))
    return (subject.casefold().removeprefix("the "), ", ".join(sorted(re.split(r", (?:and )?| and |; ", words))))


if __name__ == "__main__":
    sys.exit(guarded(main))
