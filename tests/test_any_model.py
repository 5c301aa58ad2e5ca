"""Every system on every family: random models of the real architectures, at toy size, through the doors mini uses."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from conftest import make_toy_corpus
from families import FAMILIES, make_model

from kinject import plugins
from kinject.lm import open_model
from kinject.lm.base import Chat, Message
from kinject.lm.decoding import Prompt, generate
from kinject.lm.prefill import Prefiller

CORPUS = make_toy_corpus()
QUESTIONS = ("Which weight does Aldo have?", "What is the price of Brila?")


# Near relatives of the others.
SLOW = ("qwen2", "gemma3", "smollm3")


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in FAMILIES]
)
def lm(request, tmp_path_factory):
    opened = open_model(str(make_model(FAMILIES[request.param], tmp_path_factory.mktemp(request.param))))
    opened.model.float()  # on any CPU: in bfloat16 the near ties of a random model fall as the batch rounds
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """Where rag keeps its index: it is the same for every model."""
    return tmp_path_factory.mktemp("rag")


def config(module, **options):
    quick = {"max_new_tokens": 4, "max_model_calls": 1} | options
    return module.Config(**{name: value for name, value in quick.items() if hasattr(module.Config, name)})


def alone(lm, ids: tuple[int, ...], most: int) -> tuple[int, ...]:
    """What transformers itself generates, without the token that ends it."""
    stops = sorted(lm._shared.stop_ids)
    options = {"do_sample": False, "max_new_tokens": most, "eos_token_id": stops, "pad_token_id": stops[0]}
    with torch.inference_mode():
        found = lm.model.generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)), **options)[0, len(ids) :]
    return tuple(token for token in found.tolist() if token not in stops)


def together(lm, prompts: list[tuple[int, ...]], most: int) -> list[tuple[int, ...]]:
    """What a padded batch generates, after a shared beginning was read once."""
    found, prefill = {}, Prefiller()
    for _ in range(2):  # the second time from the beginning that the first has left
        asked = [Prompt(ids, most) for ids in prompts]
        generate(lm.model, asked, lm._shared.stop_ids, lambda place, done: found.__setitem__(place, done.ids), prefill)
    return [found[place] for place in range(len(prompts))]


def test_a_batch_generates_what_transformers_does(lm):
    chats = [Chat((Message("system", "Be brief. " * 6), Message("user", "What is it? " * n))) for n in (1, 4, 9, 2)]
    prompts = [lm._prompt(chat) for chat in chats]
    assert together(lm, prompts, 12) == [alone(lm, ids, 12) for ids in prompts]


def test_a_score_is_that_of_one_call_of_the_model(lm):
    chats = [Chat((Message("user", "What is it? " * n),)) for n in (1, 5)]
    with ThreadPoolExecutor(2) as pool:
        scores = list(pool.map(lambda chat: lm.log_probability(chat, "20 EUR"), chats))
    answer, stops = lm._shared.encoder.answer("20 EUR"), torch.tensor(sorted(lm._shared.stop_ids))
    for chat, score in zip(chats, scores, strict=True):
        ids = lm._prompt(chat) + answer
        with torch.inference_mode():
            logp = lm.model(torch.tensor([ids])).logits[0].float().log_softmax(-1)
        said = sum(logp[place - 1, ids[place]] for place in range(len(ids) - len(answer), len(ids)))
        assert score == pytest.approx(float(said + logp[-1, stops].logsumexp(0)), abs=1e-3)


@pytest.mark.parametrize("name", ["closed_book", "rag", "kg", "oracle"])
def test_a_system_answers(name, lm, index):
    module = plugins.load("kinject.systems", name)
    system = module.build(CORPUS, index, lm, config(module))
    with ThreadPoolExecutor(len(QUESTIONS)) as pool:
        answers = list(pool.map(system.ask, QUESTIONS))
    assert all(answer.usage.model_calls and answer.usage.completion_tokens for answer in answers)
    assert all(answer.confidence_method == "sequence_probability" for answer in answers)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_sft_trains(method, lm, tmp_path):
    module = plugins.load("kinject.systems", "sft")
    system = module.build(CORPUS, tmp_path, lm, config(module, epochs=1, method=method, learning_rate=1e-3))
    first, last = module.curve(tmp_path)
    assert last.tokens > 0 == first.tokens
    assert system.ask(QUESTIONS[0]).usage.model_calls == 1
