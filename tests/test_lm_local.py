"""A local model: the same answer alone and in a crowd, exact scores, bounds, and errors that say what to do."""

from concurrent.futures import ThreadPoolExecutor

from kinject.lm.base import Chat, Message
from kinject.lm.decoding import Generated, Prompt, generate


def asked(text: str, max_new_tokens: int = 12) -> Chat:
    return Chat((Message("user", text),), max_new_tokens=max_new_tokens)


def decode(lm, prompts: list[tuple[int, ...]], max_new_tokens: int = 12) -> list[Generated]:
    found: dict[int, Generated] = {}
    stops = frozenset({lm.tokenizer.eos_token_id})
    generate(lm.model, [Prompt(ids, max_new_tokens) for ids in prompts], stops, found.__setitem__)
    return [found[index] for index in range(len(prompts))]


def test_a_prompt_gives_the_same_text_alone_and_in_a_padded_batch(either_lm):
    texts = ["What is the price of Aldo?" * n for n in (1, 9, 3, 5)]
    chats = [asked(text) for text in texts]
    crowd = decode(either_lm, [either_lm._prompt(chat) for chat in chats])
    alone = [decode(either_lm, [either_lm._prompt(chat)])[0] for chat in chats]
    assert [row.ids for row in crowd] == [row.ids for row in alone]


def test_many_threads_get_their_own_answers(either_lm):
    chats = [asked(f"question {n} " * (1 + n % 5)) for n in range(40)]
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(either_lm.complete, chats))
    assert [c.text for c in together] == [either_lm.complete(chat).text for chat in chats]
