"""Drawn answers: as likely as the model holds them, the same for the same seed, and only where they are asked for."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from conftest import FakeLM, make_toy_corpus
from openai_server import said, serving

from kinject.lm import open_model, sampling
from kinject.lm.base import Chat, Message, ToolCall, ToolSpec
from kinject.lm.decoding import Prompt, _Row
from kinject.lm.lockstep import in_step
from kinject.lm.sampling import Sampling, sampled
from kinject.systems import kg

CHAT = Chat((Message("user", "What is the price of Aldo?"),), max_new_tokens=8)
CHANCES = torch.tensor([0.0, 0.7, 0.1, 0.2])


def drawn(lm, seed, temperature=1.0, chat=CHAT):
    with sampled(Sampling(temperature, seed)):
        return lm.complete(chat)


def choice(seed, temperature=1.0):
    row = _Row(0, Prompt((1, 2), 4, sampling=Sampling(temperature, seed)))
    return row.choose(1, CHANCES.log())


def test_tokens_are_drawn_as_likely_as_the_model_holds_them():
    counts = Counter(choice(seed) for seed in range(2000))
    assert {token: round(count / 2000, 1) for token, count in counts.items()} == {1: 0.7, 2: 0.1, 3: 0.2}


def test_a_low_temperature_draws_the_likeliest():
    assert {choice(seed, temperature=0.05) for seed in range(200)} == {1}


def test_one_seed_draws_one_answer_in_whatever_company(tiny_lm):
    def texts(*seeds):
        # A cohort remembers nothing of what was drawn before.
        with ThreadPoolExecutor(len(seeds)) as pool:
            return [one.result().text for one in in_step(pool, lambda seed: drawn(tiny_lm, seed), seeds)]

    together = texts(1, 2, 3, 4)
    assert len(set(together)) > 1
    assert together == [*texts(1), *texts(2), *texts(3, 4)]


def test_outside_of_the_block_answers_are_the_likeliest_again(tiny_lm):
    before = tiny_lm.complete(CHAT)
    assert any(drawn(tiny_lm, seed) != before for seed in range(3))
    assert tiny_lm.complete(CHAT) == before
    assert sampling.current() is None


def test_the_temperature_changes_what_is_drawn_and_not_the_probabilities_that_are_told(tiny_lm):
    assert drawn(tiny_lm, 1, temperature=1e-4) == tiny_lm.complete(CHAT)


def test_drawn_calls_fit_their_tools(tiny_lm):
    schema = {"type": "object", "properties": {"a": {"enum": ["x", "y"]}}, "required": ["a"]}
    chat = Chat(CHAT.messages, (ToolSpec("look", "Look.", schema),), max_new_tokens=40)
    found = [drawn(tiny_lm, seed, chat=chat) for seed in range(12)]
    assert all(call.name == "look" and call.arguments["a"] in "xy" for one in found for call in one.tool_calls)


def test_an_agents_calls_are_drawn_too(tmp_path):
    seen = []

    def reply(chat):
        seen.append(sampling.current())
        return ToolCall("get_fact", {"entity": "Aldo", "relation": "weight"}) if len(seen) == 1 else "100 g"

    agent = kg.build(make_toy_corpus(), tmp_path, FakeLM(reply), kg.Config())
    with sampled(Sampling(0.7, 3)):
        agent.ask("What is the weight of Aldo?")
    assert seen == [Sampling(0.7, 3)] * 2


def test_a_server_is_told_the_temperature_and_the_seed():
    with serving(lambda body: said("100 g")) as server:
        lm = open_model(f"openai:small@{server.url}")
        lm.complete(CHAT)
        drawn(lm, 3, temperature=0.7)
        lm.close()
    assert [(body["temperature"], body.get("seed")) for body in server.asked] == [(0.0, None), (0.7, 3)]


@pytest.mark.parametrize("wrong", [{"temperature": 0.0}, {"temperature": float("nan")}, {"seed": -1}])
def test_what_cannot_be_drawn_is_refused(wrong):
    with pytest.raises(ValueError, match="temperature must be above 0 and seed at least 0"):
        Sampling(**wrong)
