"""Documents -> claims -> a corpus that can be shown before it is written. Does not know how claims are found."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from kinject.corpus.core import Corpus
from kinject.corpus.importing import check_name
from kinject.corpus.preview import cut, visible
from kinject.errors import CorpusError
from kinject.extraction.assembling import Assembled, assemble
from kinject.extraction.claims import Claim, Extractor, Found
from kinject.extraction.passages import passages
from kinject.extraction.sources import Sources
from kinject.progress import Progress, silent
from kinject.types import Fact

SHOWN_RELATIONS, SHOWN_FACTS, SHOWN_PASSAGES = 20, 5, 3


@dataclass(frozen=True)
class Config:
    min_facts: int = 1  # facts that an attribute must have to become a relation
    chunk_chars: int = 3000  # of a document that a chat model reads at once
    max_new_tokens: int = 1024  # that a chat model may write about one chunk
    callers: int = 8  # requests to a chat model at a time

    def __post_init__(self) -> None:
        for name in ("min_facts", "chunk_chars", "max_new_tokens", "callers"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, found {getattr(self, name)}")


@dataclass(frozen=True)
class ExtractionPlan:
    """The corpus that would be written. `covered` of `passages` gave at least one claim; `silent` are some others."""

    corpus: Corpus
    new: tuple[Fact, ...]
    evidence: dict[str, str]
    passages: int
    covered: int
    silent: tuple[str, ...]
    dropped: dict[str, int]
    notes: tuple[str, ...]


def extract(
    sources: Sources, name: str, find: Extractor, config: Config, progress: Progress = silent
) -> ExtractionPlan:
    """Read the documents and decide what becomes of them. Raises CorpusError where no fact is found."""
    check_name(name)
    found = find(sources.documents, progress)
    made = assemble(found.claims, sources, config.min_facts)
    new = tuple(fact for fact in made.facts if fact.id in made.evidence)
    if not new:
        raise CorpusError(_nothing(sources, found))
    description = f"Facts extracted from {len(sources.documents)} documents; they were not checked by hand."
    corpus = Corpus(name, sources.documents, made.facts, made.relations, sources.day, description)
    corpus.check()
    quiet = unheard(sources, found.claims)
    total = sum(len(passages(document)) for document in sources.documents)
    return ExtractionPlan(
        corpus=corpus,
        new=new,
        evidence=made.evidence,
        passages=total,
        covered=total - len(quiet),
        silent=tuple(text for _, text in quiet[:SHOWN_PASSAGES]),
        dropped=_dropped(found, made),
        notes=(*sources.notes, *found.notes, *made.notes),
    )


def unheard(sources: Sources, claims: Sequence[Claim]) -> list[tuple[str, str]]:
    """Document id and text of the passages that no claim quotes."""
    quoted = {(claim.document_id, claim.quote) for claim in claims}
    return [
        (document.id, passage.text)
        for document in sources.documents
        for passage in passages(document)
        if (document.id, passage.text) not in quoted
    ]


def preview(plan: ExtractionPlan) -> str:
    """Plain text for a terminal."""
    corpus = plan.corpus
    counts = Counter(fact.relation for fact in plan.new)
    share = plan.covered / plan.passages if plan.passages else 0.0
    lines = [
        f"{len(corpus.documents)} documents -> corpus {corpus.name!r}: {len(plan.new)} facts about "
        f"{len({fact.subject for fact in plan.new})} entities in {len(counts)} relations",
        f"{plan.covered} of {plan.passages} sentences and lines ({share:.0%}) gave a fact; whether the facts are right "
        "was not checked",
        "",
        "relations",
    ]
    for name, count in counts.most_common(SHOWN_RELATIONS):
        relation = corpus.relation(name)
        unit = f" in {relation.unit}" if relation.unit else ""
        lines.append(f"  {count:5}  {cut(visible(name), 32)}  ({relation.kind}{unit})")
    if more := len(counts) - SHOWN_RELATIONS:
        lines += [f"  and {more} more"] if more > 0 else []
    lines += ["", "such as", *(_example(fact, plan) for fact in _spread(plan.new))]
    if plan.silent:
        lines += ["", "without a fact", *(f"  {cut(visible(text), 100)}" for text in plan.silent)]
    notes = [f"{count} claims {reason} were dropped" for reason, count in plan.dropped.items() if count]
    notes += [visible(note) for note in plan.notes]
    return "\n".join([*lines, *(["", "notes", *(f"  {note}" for note in notes)] if notes else [])])


def _example(fact: Fact, plan: ExtractionPlan) -> str:
    days = f", {fact.valid_from or ''} to {fact.valid_to or ''}" if fact.valid_from or fact.valid_to else ""
    told = f"{fact.subject} | {fact.relation} | {fact.object}{days}"
    return f"  {cut(visible(told), 70)}  <- {cut(visible(plan.evidence[fact.id]), 60)}"


def _spread(facts: Sequence[Fact]) -> list[Fact]:
    """One of each relation first."""
    seen: Counter[str] = Counter()
    ranked = []
    for fact in facts:
        ranked.append((seen[fact.relation], fact))
        seen[fact.relation] += 1
    return [fact for _, fact in sorted(ranked, key=lambda pair: pair[0])][:SHOWN_FACTS]


def _dropped(found: Found, made: Assembled) -> dict[str, int]:
    return {"that do not stand in the text": found.unsupported, **made.dropped}


def _nothing(sources: Sources, found: Found) -> str:
    if found.claims or found.unsupported:
        reason = f"none of {len(found.claims) + found.unsupported} claims is a fact that is new and fits"
    else:
        reason = "no sentence was read as stating one"
    said = "; ".join([reason, *found.notes])
    return f"no fact was found in {len(sources.documents)} documents: {said}; nothing was written"
