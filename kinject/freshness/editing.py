"""A corpus after its facts have changed: old facts end on the day or are replaced, and documents follow.

All of it happens in memory: a change that does not fit leaves nothing half done. It builds no system.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from kinject.corpus import Corpus
from kinject.corpus.checks import MULTI_VALUED_KINDS
from kinject.errors import CorpusError
from kinject.freshness.changes import Change, near, refuse
from kinject.freshness.pages import Edit, rewritten
from kinject.systems._names import NameIndex, fold
from kinject.types import Fact, Relation

_BARE = re.compile(r"[-+]?\d[\d.,\u202f' ]*")


@dataclass(frozen=True)
class Edited:
    """`counts`: changed, ended and added facts, changes that say what holds already, sentences, new subjects."""

    corpus: Corpus
    counts: dict[str, int]


def edited(corpus: Corpus, changes: Sequence[Change], today: date) -> Edited:
    """The corpus with every change made; `today` is the day from which a change holds where nothing else says so.

    A fact ends on that day where facts are dated (the corpus, the relation or the change has days), and is replaced
    where they are not. Raises CorpusError that names every fault by its line.
    """
    book = _Book(corpus, today)
    refuse([fault for change in changes if (fault := book.fault(change))])
    # By day, so that a file may give the history of a fact in any order.
    ordered = sorted(changes, key=book.day_of)
    refuse([fault for change in ordered if (fault := book.apply(change))])
    if not book.edits:
        raise CorpusError(f"nothing changes: the {len(changes)} facts are as the corpus has them")
    pages = rewritten(corpus, tuple(book.facts.values()), book.edits)
    # Now is not before the last change: else what is new would not hold yet.
    day = corpus.day and max(corpus.day, *(edit.on or corpus.day for edit in book.edits))
    after = replace(corpus, documents=pages.documents, facts=tuple(book.facts.values()), day=day)
    after.check()
    return Edited(after, book.counts | {"sentences replaced": pages.replaced, "sentences added": pages.added})


class _Book:
    """The facts, by id and in order, while changes are applied to them."""

    def __init__(self, corpus: Corpus, today: date) -> None:
        self._corpus, self._today = corpus, today
        self._relations = {relation.name: relation for relation in corpus.relations}
        self._names = NameIndex(corpus.entities())
        self._subjects = set(corpus.entities())
        self._dated = {fact.relation for fact in corpus.facts if fact.valid_from or fact.valid_to}
        self.facts = {fact.id: fact for fact in corpus.facts}
        self._of: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._pages: dict[str, Counter[str]] = defaultdict(Counter)
        for fact in corpus.facts:
            self._of[fact.subject, fact.relation].append(fact.id)
            self._pages[fact.subject][fact.document_id] += 1
        self.edits: list[Edit] = []
        self.counts = dict.fromkeys(("changed", "ended", "added", "unchanged", "new subjects"), 0)
        self._seen: dict[tuple[str, str, str, date], str] = {}

    def day_of(self, change: Change) -> date:
        return change.on or self._corpus.day or self._today

    def fault(self, change: Change) -> str:
        """What is wrong with a change by itself, with its line; "" if nothing is."""
        return f"{change.where}: {fault}" if (fault := self._fault(change)) else ""

    def apply(self, change: Change) -> str:
        """Make a change and note what it did. Returns what stands against it, with its line; "" if nothing does."""
        on = self.day_of(change) if self._is_dated(change) else None
        held = [self.facts[id] for id in self._of[change.subject, change.relation] if id in self.facts]
        held = [fact for fact in held if on is None or fact.valid_to is None or fact.valid_to > on]
        if fault := self._conflict(change, held, on):
            return f"{change.where}: {fault}"
        olds = [fact for fact in held if not change.old or _says(fact, change.old)]
        written = _written(change.object, self._relations[change.relation])
        if written and any(fold(fact.object) == fold(written) for fact in olds):
            self.counts["unchanged"] += 1
            return ""
        self.counts["ended" if not written else "changed" if olds else "added"] += 1
        self.edits.append(self._edit(change, olds, written, on))
        return ""

    def _fault(self, change: Change) -> str:
        relation = self._relations.get(change.relation)
        if relation is None:
            return f"no relation {change.relation!r}{near(change.relation, self._relations)}"
        if change.subject not in self._subjects:
            meant = self._names.resolve(change.subject, partial=False)
            if names := [name for name in (meant.found, *meant.candidates) if name]:
                return f"no subject {change.subject!r}; write it as {names[0]!r}"
            if not change.object or change.old:
                return f"no subject {change.subject!r}{near(change.subject, tuple(self._subjects))}"
        if change.object and relation.kind in ("number", "date") and not re.search(r"\d", change.object):
            return f"{change.object!r} is no {relation.kind}, and {relation.name!r} is one"
        key = (change.subject, change.relation, change.old, self.day_of(change))
        first = self._seen.setdefault(key, change.where)
        return "" if first == change.where else f"changes what {first} changes on the same day"

    def _conflict(self, change: Change, held: list[Fact], on: date | None) -> str:
        """Why a change does not fit the facts that hold on its day or later."""
        name = f"the {change.relation} of {change.subject!r}"
        values = ", ".join(repr(fact.object) for fact in held)
        if change.old and not any(_says(fact, change.old) for fact in held):
            return f"{change.old!r} is not {name} then{f', but {values}' if values else ''}"
        if on and (later := [fact.valid_from for fact in held if fact.valid_from and fact.valid_from > on]):
            return f"{name} has a value from {min(later)} on already, and this one is to hold from {on}"
        many = self._relations[change.relation].kind in MULTI_VALUED_KINDS
        if many and len(held) > 1 and not change.old:
            return f"{name} has {len(held)} values ({values}); say in a column `old` which one changes"
        return f"there is no {change.relation} of {change.subject!r} to end" if not (held or change.object) else ""

    def _edit(self, change: Change, olds: list[Fact], written: str, on: date | None) -> Edit:
        past = []
        for fact in olds:
            if on is None or fact.valid_from == on:
                del self.facts[fact.id]
            else:
                past.append(replace(fact, valid_to=on))
                self.facts[fact.id] = past[-1]
        new = self._new(change, olds, written, on) if written else None
        return Edit(change.subject, change.relation, tuple(olds), tuple(past), new, on, change.document)

    def _new(self, change: Change, olds: list[Fact], written: str, on: date | None) -> Fact:
        known = self._pages[change.subject]
        if not known:
            self.counts["new subjects"] += 1
        page = olds[0].document_id if olds else max(known, key=known.__getitem__, default="")
        page = page or _free(_slug(change.subject), {document.id for document in self._corpus.documents})
        if on is None and olds:
            id = olds[0].id
        else:
            stem = olds[0].id.partition("@")[0] if olds else f"{page}/{_slug(change.relation)}"
            id = _free(f"{stem}@{on}" if on else stem, self.facts)
        fact = Fact(id, change.subject, change.relation, written, page, valid_from=on)
        self.facts[id] = fact
        self._of[change.subject, change.relation].append(id)
        known[page] += 1
        return fact

    def _is_dated(self, change: Change) -> bool:
        return bool(self._corpus.day or change.on) or change.relation in self._dated


def _says(fact: Fact, value: str) -> bool:
    return fold(value) in map(fold, (fact.object, *fact.aliases))


def _written(value: str, relation: Relation) -> str:
    """A bare number gets the unit of its relation, as an import would give it."""
    bare = relation.kind == "number" and relation.unit and _BARE.fullmatch(value)
    return f"{value} {relation.unit}" if bare else value


def _slug(name: str) -> str:
    return re.sub(r"\W+", "-", name.casefold()).strip("-") or "entity"


def _free(id: str, taken: set[str] | dict[str, Fact]) -> str:
    number, found = 1, id
    while found in taken:
        number += 1
        found = f"{id}-{number}"
    return found
