"""Facts that a chat model finds in documents: those that the text states are kept, others counted."""

from datetime import date

import pytest
from conftest import FakeLM

from benchmarks import extraction as benchmark
from kinject.errors import CorpusError, PromptTooLongError
from kinject.extraction import Config, Sources, extract, preview
from kinject.extraction.chat import extractor as by_model
from kinject.lm.base import ToolCall
from kinject.types import Document


def reported(*rows):
    return lambda chat: ToolCall("report_facts", {"facts": list(rows)})


ROW = {"subject": "Ava", "attribute": "Weight", "value": "2 kg", "quote": "Ava weighs 2 kg."}
TEXT = "Ava weighs 2 kg. It has been red since 1990."


def asked(*rows, text=TEXT, **options):
    lm = FakeLM(reported(*rows))
    return by_model(lm, Config(**options))([Document("d", text, "Ava")], lambda step: None), lm


def test_a_model_is_given_the_text_and_a_tool_and_its_facts_get_their_passage():
    found, lm = asked(ROW | {"quote": "weighs   2 KG"})
    assert [(c.attribute, c.value, c.quote) for c in found.claims] == [("weight", "2 kg", "Ava weighs 2 kg.")]
    assert lm.chats[0].messages[-1].content == f"Title: Ava\n\n{TEXT}"
    assert [tool.name for tool in lm.chats[0].tools] == ["report_facts"]


def test_days_of_a_model_hold_where_the_text_names_them():
    red = {"subject": "Ava", "attribute": "colour", "value": "red", "quote": ""}
    (claim,) = asked(red | {"from": "1990", "to": ""})[0].claims
    assert (claim.valid_from, claim.valid_to) == (date(1990, 1, 1), None)
    assert asked(red | {"from": "1991"})[0].unsupported == 1


@pytest.mark.parametrize(
    "change", [{"value": "3 kg"}, {"subject": "Bo"}, {"value": "kg 2"}, {"value": " "}, {"attribute": ""}]
)
def test_what_does_not_stand_in_the_text_is_dropped_and_counted(change):
    found, _ = asked(ROW, ROW | change)
    assert (len(found.claims), found.unsupported) == (1, 1)


@pytest.mark.parametrize("row", [{"subject": "Ava"}, "Ava weighs 2 kg", None, ROW | {"value": 2}])
def test_facts_that_lack_a_part_are_left_out_with_a_note(row):
    assert asked(row)[0].notes == ("1 facts of the model lacked a part and were left out",)


def test_a_model_that_calls_nothing_finds_nothing():
    find = by_model(FakeLM(lambda chat: "Sorry."), Config())
    with pytest.raises(CorpusError, match="1 chunks gave no call of report_facts"):
        extract(Sources((Document("d", TEXT, "Ava"),)), "c", find, Config())


def test_long_documents_are_read_in_chunks():
    _, lm = asked(ROW, text=f"{TEXT}\n\n" * 40, chunk_chars=500)
    assert len(lm.chats) == 4
    assert max(len(chat.messages[-1].content) for chat in lm.chats) <= 500 + len("Title: Ava\n\n")


def test_a_chunk_that_the_model_cannot_hold_is_halved():
    class Short(FakeLM):
        def complete(self, chat):
            if len(chat.messages[-1].content) > 300:
                raise PromptTooLongError("too long")
            return super().complete(chat)

    lm = Short(reported(ROW))
    found = by_model(lm, Config(callers=1))([Document("d", f"{TEXT}\n\n" * 10, "Ava")], lambda step: None)
    assert len(found.claims) == len(lm.chats) > 1


def test_unsupported_facts_are_in_the_preview():
    lm = FakeLM(reported(ROW, ROW | {"value": "3 kg"}))
    plan = extract(Sources((Document("d", TEXT, "Ava"),)), "c", by_model(lm, Config()), Config())
    assert "1 claims that do not stand in the text were dropped" in preview(plan)


def test_the_benchmark_counts_a_wrong_value_as_wrong(toy_corpus):
    lm = FakeLM(reported(ROW | {"subject": "Aldo", "value": "steel"}, ROW | {"subject": "Aldo", "value": "Brila"}))
    corpus = benchmark.limited(toy_corpus, 1)
    score = benchmark.measure(corpus, by_model(lm, Config()))
    assert (score.right.n, score.found.n, score.unsupported) == (1, 6, 0)
    assert score.right.value == 1.0  # one attribute has one value: the first of two stays, and it is taken as material
    wrong = benchmark.measure(
        corpus, by_model(FakeLM(reported(ROW | {"subject": "Aldo", "value": "launched"})), Config())
    )
    assert (wrong.right.value, wrong.found.value) == (0.0, 0.0)
