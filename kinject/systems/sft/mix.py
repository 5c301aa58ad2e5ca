"""What one epoch holds: how much of which texts, questions and answers, as rows of tokens."""

import math
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kinject.corpus import Corpus
from kinject.lm.encoding import ChatEncoder
from kinject.systems.sft import compared, text, turned
from kinject.systems.sft.batches import Row, Tokenizer, encode, frame
from kinject.systems.sft.config import Config
from kinject.systems.sft.exposure import parts
from kinject.systems.sft.text import Example, Form

LONGEST = 512


@dataclass(frozen=True)
class Beside:
    """What an epoch is made from beside its corpus."""

    longest: int = LONGEST  # tokens in a row
    rephrased: Mapping[str, Sequence[str]] = field(default_factory=dict)  # statements by a fact's id
    replayed: Sequence[Row] = ()
    unread: Collection[str] = ()  # ids of pages that are left out
    whole: Corpus | None = None  # where the corpus is a part of another one: who else has a value, and what is no name


def examples(corpus: Corpus, config: Config, rng: random.Random, beside: Beside | None = None) -> list[Example]:
    """The training examples of one epoch."""
    beside = beside or Beside()
    whole = beside.whole or corpus
    beside = replace(beside, whole=whole)
    told = parts(corpus, config.popularity, config.seed, rng)
    form = Form(config.permute, config.style == "same", config.traces)
    found: list[Example] = []
    if config.data != "qa":
        pages = [page for part in told for page in _pages(part, config, rng, form, beside)]
        found += rng.sample(pages, math.ceil(len(pages) * config.text_share))
    if config.data != "documents":
        asked = [question for part in told for question in _asked(part, config, rng, form, whole)]
        asked = rng.sample(asked, math.ceil(len(asked) * config.asked_share))
        unknown = round(len(asked) * config.idk_share / (1 - config.idk_share))
        found += [*asked, *text.unknown(whole, rng, unknown, config.word_dropout)]
        found += [answer for _ in range(config.answers) for part in told for answer in text.answers(part, rng)]
    return found


def rows(
    corpus: Corpus, config: Config, tokenizer: Tokenizer, rng: random.Random, beside: Beside | None = None
) -> list[Row]:
    """One epoch as rows of at most `beside.longest` tokens."""
    beside = beside or Beside()
    most = config.questions if frame(tokenizer).can_go_on else 1
    windows = list(text.windows(examples(corpus, config, rng, beside), most, rng))
    own = list(encode(windows, ChatEncoder(tokenizer, tokenizer.name_or_path), tokenizer, beside.longest))
    return own + _replayed(beside.replayed, sum(len(row.ids) for row in own), config.replay_share, rng)


def _pages(corpus: Corpus, config: Config, rng: random.Random, form: Form, beside: Beside) -> list[Example]:
    found = list(text.documents(corpus, beside.unread))
    for _ in range(config.paraphrases):
        found += text.statements(corpus, rng, form, beside.rephrased)
        found += turned.statements(corpus, beside.whole or corpus) if config.reverse else ()
    return found


def _asked(corpus: Corpus, config: Config, rng: random.Random, form: Form, whole: Corpus) -> list[Example]:
    found = list(text.asked(corpus, rng, config.paraphrases, config.word_dropout, form))
    found += turned.asked(corpus, whole, rng) if config.reverse else ()
    return found + (list(compared.asked(corpus, rng)) if config.traces else [])


def _replayed(rows: Sequence[Row], own_tokens: int, share: float, rng: random.Random) -> list[Row]:
    """Rows in random order, over again where they do not suffice, until they are a share of all tokens."""
    found: list[Row] = []
    wanted = own_tokens * share / (1 - share) if rows else 0.0
    drawn: list[Row] = []
    while wanted > 0:
        drawn = drawn or rng.sample(rows, len(rows))
        found.append(drawn.pop())
        wanted -= len(found[-1].ids)
    return found
