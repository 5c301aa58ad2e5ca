"""What every test may use: a scripted model, a corpus of eight entities, and tiny random models of two families.

`from conftest import FakeLM` where a test needs its own script; everything else is a fixture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kinject.lm.base import Chat, Completion, ModelInfo, ToolCall
from kinject.types import Document, Fact, Relation

if TYPE_CHECKING:
    from kinject.corpus import Corpus
    from kinject.lm.local import LocalLM

CHATML = """\
{%- if tools %}<|im_start|>system
{% for tool in tools %}{{ tool.function.name }}{{ tool.function.parameters | tojson }}
{% endfor %}<|im_end|>
{% endif %}
{%- for message in messages %}<|im_start|>{{ message.role }}
{{ message.content }}
{%- for call in message.tool_calls or [] %}{% if message.content or not loop.first %}
{% endif %}<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


class FakeLM:
    """A scripted model: `reply` sees the chat and gives what the model says, a text or a tool call.

    `chats` remembers what was asked. The log-probability of an answer is `score` whatever the answer is.
    """

    def __init__(self, reply: Callable[[Chat], str | ToolCall], score: float = -1.0) -> None:
        self.reply, self.score = reply, score
        self.chats: list[Chat] = []

    @property
    def info(self) -> ModelInfo:
        return ModelInfo("fake", "0" * 64, parameters=0, context_window=2048)

    def complete(self, chat: Chat) -> Completion:
        self.chats.append(chat)
        prompt_tokens = sum(len(message.content.split()) for message in chat.messages)
        match self.reply(chat):
            case ToolCall() as call:
                return Completion("", (call,), (-0.5, -0.5), prompt_tokens, "tool_calls")
            case text:
                return Completion(text, (), (-0.1,) * (len(text.split()) + 1), prompt_tokens)

    def log_probability(self, chat: Chat, answer: str) -> float:
        self.chats.append(chat)
        return self.score


def make_toy_corpus() -> Corpus:
    """Eight lamps and tools with a number, a category, a date, an entity and a price that changed in 2024."""
    from kinject.corpus import Corpus

    relations = (
        _relation("price", "number", "price", unit="EUR", dated=True),
        _relation("weight", "number", "weight", unit="g"),
        _relation("material", "category", "material"),
        _relation("launch date", "date", "launch date"),
        _relation("companion", "entity", "companion"),
    )
    names = ("Aldo", "Brila", "Corvo", "Dunet", "Elmar", "Fonda", "Grivo", "Hessa")
    facts, documents = [], []
    for n, name in enumerate(names):
        old, new, weight = f"{10 + n}.50 EUR", f"{20 + n}.50 EUR", f"{100 + 10 * n} g"
        material = ("steel", "oak", "brass")[n % 3]
        launch, companion = f"{n + 1} May 202{n % 3}", names[(n + 1) % len(names)]
        day = date(2024, 1, 1)
        held: tuple[tuple[str, str, date | None, date | None], ...] = (
            ("price", old, date(2022, 1, 1), day),
            ("price", new, day, None),
            ("weight", weight, None, None),
            ("material", material, None, None),
            ("launch date", launch, None, None),
            ("companion", companion, None, None),
        )
        facts += [
            Fact(f"f{n}-{i}", name, relation, value, f"d{n}", (), start, end)
            for i, (relation, value, start, end) in enumerate(held)
        ]
        text = (
            f"{name} is made of {material} and weighs {weight}. It was launched on {launch}. "
            f"Since 1 January 2024 its price is {new}; before that it was {old}. Its companion is {companion}."
        )
        documents.append(Document(f"d{n}", text, name))
    return Corpus("toy", tuple(documents), tuple(facts), relations, day=date(2024, 6, 1))


@pytest.fixture(scope="session")
def toy_corpus() -> Corpus:
    return make_toy_corpus()


@pytest.fixture(scope="session")
def tiny_lfm2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random LFM2 (short convolutions and attention) and a ChatML tokenizer."""
    from transformers import Lfm2Config, Lfm2ForCausalLM

    sizes = {"hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 2, "num_key_value_heads": 1}
    layer_types = ["conv", "full_attention", "conv"]
    config = Lfm2Config(
        vocab_size=600,
        num_hidden_layers=3,
        layer_types=layer_types,
        block_auto_adjust_ff_dim=False,
        max_position_embeddings=2048,
        initializer_range=0.3,
        bos_token_id=None,
        eos_token_id=2,
        pad_token_id=0,
        **sizes,
    )
    return _saved(Lfm2ForCausalLM, config, tmp_path_factory.mktemp("lfm2"), special_tags=True)


@pytest.fixture(scope="session")
def tiny_qwen3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random Qwen3; `<tool_call>` is plain text to its tokenizer."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    config = Qwen3Config(
        vocab_size=600,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=32,
        max_position_embeddings=2048,
        initializer_range=0.3,
        bos_token_id=None,
        eos_token_id=2,
        pad_token_id=0,
    )
    return _saved(Qwen3ForCausalLM, config, tmp_path_factory.mktemp("qwen3"), special_tags=False)


@pytest.fixture(scope="session")
def tiny_lm(tiny_lfm2: Path) -> Iterator[LocalLM]:
    yield from _opened(tiny_lfm2)


@pytest.fixture(scope="session")
def tiny_qwen3_lm(tiny_qwen3: Path) -> Iterator[LocalLM]:
    yield from _opened(tiny_qwen3)


@pytest.fixture(params=["tiny_lm", "tiny_qwen3_lm"])
def either_lm(request: pytest.FixtureRequest) -> LocalLM:
    """The test runs once on each family."""
    return request.getfixturevalue(request.param)


def _opened(folder: Path) -> Iterator[LocalLM]:
    from kinject.lm import open_model

    lm = open_model(str(folder))
    lm.model.float()  # on any CPU: in bfloat16 the near ties of a random model fall as the batch rounds
    yield lm
    lm.close()


def _relation(name: str, kind: str, words: str, unit: str = "", dated: bool = False) -> Relation:
    when = (f"What was the {words} of {{subject}} on {{date}}?",) if dated else ()
    late = (f"On {{date}}, what was the {words} of {{subject}}?",) if dated else ()
    return Relation(
        name,
        kind,  # type: ignore[arg-type]
        statements=(f"The {words} of {{subject}} is {{object}}.", f"{{subject}} has the {words} {{object}}."),
        train_questions=(f"What is the {words} of {{subject}}?", f"Tell me the {words} of {{subject}}.", *when),
        test_questions=(f"Which {words} does {{subject}} have?", *late),
        inverse_questions=(f"Which product has the {words} {{object}}?",),
        unit=unit,
    )


def _saved(architecture: type, config: object, folder: Path, special_tags: bool) -> Path:
    import torch

    torch.manual_seed(0)
    architecture(config).save_pretrained(folder)
    _tokenizer(special_tags).save_pretrained(folder)
    return folder


def _tokenizer(special_tags: bool) -> object:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    special += ["<tool_call>", "</tool_call>"] if special_tags else []
    options = {"vocab_size": 500, "special_tokens": special, "show_progress": False}
    trainer = trainers.BpeTrainer(initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), **options)
    tokenizer.train_from_iterator([CHATML, "entity relation What is the price of the weight of"] * 4, trainer)
    tags = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, chat_template=CHATML, **tags)
