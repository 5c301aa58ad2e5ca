"""Documents follow their facts: sentences that state an old value are replaced by statements of the new one.

A sentence goes as a whole, and what else it states is stated again, so that no half of it is left behind. Where the
old value is not found, or could be that of another fact, a sentence is added at the end instead.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from kinject.corpus import Corpus, format_day
from kinject.types import Document, Fact, Relation

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Edit:
    """One change as it was applied: `olds` as they were, `past` as they are kept, and what holds from `on`.

    `on` is None where facts have no days; `document` is a text that the user wrote for the fact's document.
    """

    subject: str
    relation: str
    olds: tuple[Fact, ...]
    past: tuple[Fact, ...]
    new: Fact | None
    on: date | None
    document: str = ""

    @property
    def pages(self) -> set[str]:
        return {fact.document_id for fact in (*self.olds, *((self.new,) if self.new else ()))}


@dataclass(frozen=True)
class Rewritten:
    documents: tuple[Document, ...]
    replaced: int
    added: int


def rewritten(before: Corpus, facts: Sequence[Fact], edits: Sequence[Edit]) -> Rewritten:
    """The documents of a corpus whose facts are `facts` now. A document without text and without facts is left out."""
    writer = _Writer(before, facts, edits)
    pages = [writer.page(document) for document in before.documents]
    known = {document.id for document in before.documents}
    pages += [writer.new_page(id, edits) for id in writer.own if id not in known]
    stated = {fact.document_id for fact in facts}
    kept = tuple(page for page in pages if page.text or page.id in stated)
    return Rewritten(kept, writer.replaced, writer.added)


class _Writer:
    def __init__(self, before: Corpus, facts: Sequence[Fact], edits: Sequence[Edit]) -> None:
        self._before, self._facts = before, {fact.id: fact for fact in facts}
        self._relations: Mapping[str, Relation] = {relation.name: relation for relation in before.relations}
        self._changed = {fact.id for edit in edits for fact in edit.olds}
        self._stated_by: dict[str, list[Fact]] = defaultdict(list)
        self._with_value: dict[tuple[str, str], set[str]] = defaultdict(set)
        for fact in before.facts:
            self._stated_by[fact.document_id].append(fact)
            self._with_value[fact.relation, fact.object].add(fact.subject)
        self.own: dict[str, list[Edit]] = defaultdict(list)
        self._named: dict[str, list[Edit]] = defaultdict(list)
        for edit in edits:
            for id in edit.pages:
                self.own[id].append(edit)
            self._named[next(iter(_WORD.findall(edit.subject)), "")].append(edit)
        self.replaced = self.added = 0

    def page(self, document: Document) -> Document:
        own = self.own.get(document.id, [])
        text = next((edit.document for edit in own if edit.document), "")
        if text:
            return replace(document, text=text)
        named = [e for word in sorted(set(_WORD.findall(document.text))) for e in self._named.get(word, ())]
        edits = [*own, *(edit for edit in named if edit not in own and edit.subject in document.text)]
        return replace(document, text=self._rewritten(document, edits, own)) if edits else document

    def new_page(self, id: str, edits: Iterable[Edit]) -> Document:
        """Of a new subject: every fact of it once."""
        own = [edit for edit in edits if id in edit.pages]
        text = next((e.document for e in own if e.document), " ".join(s for e in own for s in self._news(e)))
        return Document(id, text, own[0].subject)

    def _rewritten(self, document: Document, edits: Sequence[Edit], own: Sequence[Edit]) -> str:
        spans = list(_spans(document.text))
        said = [document.text[start:end] for start, end in spans]
        by_sentence: dict[int, list[Edit]] = defaultdict(list)
        missing: list[str] = []
        for edit in edits:
            places = [n for n, sentence in enumerate(said) if self._states(document, sentence, edit, edit in own)]
            for place in places:
                by_sentence[place].append(edit)
            if not places and edit in own:
                missing += self._news(edit)
        self.replaced, self.added = self.replaced + len(by_sentence), self.added + len(missing)
        done: set[str] = set()
        pieces, cursor = [], 0
        for number, (start, end) in enumerate(spans):
            if number in by_sentence:
                again = self._again(document, said[number], by_sentence[number])
                statements = [s for edit in by_sentence[number] for s in (*self._news(edit), *self._history(edit))]
                fresh = [one for one in dict.fromkeys([*statements, *again]) if one not in done]
                done.update(fresh)
                pieces.append(document.text[cursor:start] + " ".join(fresh))
                cursor = end
        text = "".join(pieces) + document.text[cursor:]
        return re.sub(r"(?<=\S) {2,}", " ", " ".join([text.strip(), *missing]).strip())

    def _states(self, document: Document, sentence: str, edit: Edit, own: bool) -> bool:
        """Whether a sentence states an old value of this edit, and nobody else's."""
        if not own and edit.subject not in sentence:
            return False
        rivals = [fact for fact in self._stated_by[document.id] if fact not in edit.olds]
        for old in edit.olds:
            others = self._with_value[old.relation, old.object] - {edit.subject}
            shared = any(_found(rival, old.object) for rival in rivals if own)
            if _found(old, sentence) and not shared and not any(_is_in(name, sentence) for name in others):
                return True
        return False

    def _again(self, document: Document, sentence: str, edits: Sequence[Edit]) -> Iterator[str]:
        """What a sentence states beside the old values."""
        subjects = {edit.subject for edit in edits}
        near = [*self._stated_by[document.id], *(f for name in subjects for f in self._before.facts_of(name))]
        for fact in dict.fromkeys(near):
            known = self._facts.get(fact.id)
            if known and fact.id not in self._changed and _found(fact, sentence):
                yield self._statement(known)

    def _news(self, edit: Edit) -> Iterator[str]:
        if edit.new:
            statement = self._undated(edit.new)
            yield f"As of {format_day(edit.on)}: {statement}" if edit.on else statement

    def _history(self, edit: Edit) -> Iterator[str]:
        """What held before, where the relation has words for the past."""
        yield from (statement for fact in edit.past if (statement := self._dated(fact)))

    def _statement(self, fact: Fact) -> str:
        return self._undated(fact) if fact.valid_to is None else self._dated(fact) or self._undated(fact)

    def _undated(self, fact: Fact) -> str:
        template = next(t for t in self._relations[fact.relation].statements if "{date}" not in t)
        return template.format(subject=fact.subject, object=fact.object)

    def _dated(self, fact: Fact) -> str:
        """A statement about the first day of a fact, or about its last one; "" without a template or a day."""
        template = next((t for t in self._relations[fact.relation].statements if "{date}" in t), "")
        day = fact.valid_from or (fact.valid_to and fact.valid_to - timedelta(days=1))
        return template.format(subject=fact.subject, object=fact.object, date=format_day(day)) if day else ""


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where the sentences of a text begin and end."""
    # Imports all that rag reads with, which takes seconds: a service that allows edits does not wait for it to start.
    from kinject.systems.rag.chunks import sentences

    cursor = 0
    for sentence in sentences(text, len(text.encode()) + 1):
        start = text.index(sentence, cursor)
        cursor = start + len(sentence)
        yield start, cursor


def _found(fact: Fact, sentence: str) -> bool:
    return any(_is_in(value, sentence) for value in (fact.object, *fact.aliases))


def _is_in(value: str, text: str) -> bool:
    """On word boundaries: 2 years is not in 12 years, nor 319 EUR in 1.319 EUR."""
    if value.casefold() not in text.casefold():
        return False
    return re.search(rf"(?<!\w)(?<!\d[.,]){re.escape(value)}(?!\w)", text, re.IGNORECASE) is not None
