"""Hearing an answer while it is written: piece by piece it is the answer, and it changes nothing in it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from kinject.lm.base import Chat, Message
from kinject.lm.speaking import Voice, heard_by
from kinject.systems import closed_book, rag
from kinject.systems.closed_book import ClosedBook
from kinject.systems.sft.trained import Trained


def asked(text: str, tokens: int = 12) -> Chat:
    return Chat((Message("user", text),), (), tokens)


def test_the_pieces_begin_the_text_and_many_listeners_hear_their_own(either_lm):
    chats = [asked(f"say {n} " * (1 + n % 3), 20) for n in range(8)]

    def heard(chat: Chat) -> tuple[str, list[str]]:
        pieces: list[str] = []
        with heard_by(pieces.append):
            return either_lm.complete(chat).text, pieces

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(heard, chats))
    assert all(text.startswith("".join(pieces)) for text, pieces in found)
    assert any(len(pieces) > 3 for _, pieces in found)
    assert [text for text, _ in found] == [either_lm.complete(chat).text for chat in chats]


def test_what_is_remembered_is_not_said_again(tiny_lm):
    tiny_lm.complete(asked("remembered"))
    pieces: list[str] = []
    with heard_by(pieces.append):
        tiny_lm.complete(asked("remembered"))
    assert pieces == []


def test_half_a_character_waits_for_its_other_half():
    pieces: list[str] = []
    voice = Voice(pieces.append)
    for text in ("a", "a\ufffd", "a\u20ac", "a\u20ac b", "something else"):
        voice(text)
    assert pieces == ["a", "\u20ac", " b"]


@pytest.mark.parametrize(
    ("system", "says"),
    [
        (ClosedBook(None, closed_book.Config()), True),
        (Trained(None, closed_book.Config(), 1), True),
        (Trained(None, closed_book.Config(), 1, traces=True), False),
        (rag.Rag(None, None, rag.Config()), True),
        (rag.Rag(None, None, rag.Config(rewrite=True)), False),
    ],
)
def test_a_system_says_whether_all_that_its_model_writes_is_the_answer(system, says):
    assert system.says_as_it_writes is says
