"""Token ids scored and continued as they stand, by the model behind its queue."""

import math

import pytest
import torch

from kinject.errors import ModelError, PromptTooLongError
from kinject.lm.local import LocalLM
from kinject.lm.tokens import TokenLM


def test_every_token_has_the_networks_own_log_probability(either_lm: LocalLM) -> None:
    ids = either_lm.encode("What is the price of the weight")
    with either_lm.network() as model, torch.inference_mode():
        chances = model(input_ids=torch.tensor([ids])).logits[0].float().log_softmax(-1)
    (scored,) = either_lm.read([ids], 2)
    assert scored[0].log_probability is None
    for place, likely in enumerate(scored[1:]):
        assert likely.id == ids[place + 1]
        assert likely.log_probability == pytest.approx(float(chances[place, likely.id]), abs=1e-4)
        assert likely.top[0][0] == int(chances[place].argmax())
        assert len(likely.top) == 2


def test_rows_of_several_lengths_score_as_each_alone(either_lm: LocalLM) -> None:
    rows = [either_lm.encode(text) for text in ("price", "What is the price of the weight", "of the")]
    together = either_lm.read(rows, 1)
    for row, scored in zip(rows, together, strict=True):
        (alone,) = either_lm.read([row], 1)
        assert [each.log_probability for each in scored[1:]] == pytest.approx(
            [each.log_probability for each in alone[1:]], abs=1e-4
        )


def test_what_goes_on_is_the_likeliest_token_at_every_place(either_lm: LocalLM) -> None:
    ids = either_lm.encode("the price")
    (continued,) = either_lm.go_on([ids], 5)
    text = ids + continued.ids
    (scored,) = either_lm.read([text], 1)
    assert [each.top[0][0] for each in scored[len(ids) :]] == list(continued.ids)
    assert math.isclose(
        sum(each.log_probability for each in scored[len(ids) :]), sum(each.top[0][1] for each in scored[len(ids) :])
    )


def test_ids_that_are_no_tokens_or_too_many_are_refused(tiny_lm: LocalLM) -> None:
    for bad in ((), (600,), (-1,)):
        with pytest.raises(ModelError, match="has the tokens 0 to 599"):
            tiny_lm.read([bad], 1)
    with pytest.raises(PromptTooLongError):
        tiny_lm.go_on([(5,) * 2048], 1)


def test_control_tokens_are_read_as_such_and_come_back(tiny_lm: LocalLM) -> None:
    text = "<|im_start|>user\nprice é"
    assert tiny_lm.decode(tiny_lm.encode(text)) == text
    assert tiny_lm.encode("<|im_end|>") == (2,)
    assert isinstance(tiny_lm, TokenLM)
    assert all(tiny_lm.piece(token) for token in range(400))
