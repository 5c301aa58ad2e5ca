"""The ablation trains what it says, and leaves a table of numbers with intervals."""

import json

import pytest
from conftest import make_toy_corpus

from benchmarks import ablation_sft
from kinject import corpus as corpora
from kinject.errors import OptionError

FIXED = ["--set", "max_new_tokens=2", "--set", "lora_rank=2"]


def test_every_combination_is_trained_and_measured_on_the_same_sample(tiny_lfm2, tmp_path, capsys):
    corpora.save(make_toy_corpus(), tmp_path / "toy")
    varied = ["--method", "full,lora", "--dose", "1", "--epochs", "1", "--vary", "style=same", "--entities", "3"]
    ablation_sft.main([str(tmp_path / "toy"), *varied, *FIXED, "--model", str(tiny_lfm2), "--out", str(tmp_path)])
    written = json.loads((tmp_path / "ablation_sft-toy.json").read_text(encoding="utf-8"))
    assert [row["settings"]["method"] for row in written["rows"]] == ["full", "lora"]
    assert written["entities"] == 3
    assert {row["recall"]["n"] for row in written["rows"]} == {len(make_toy_corpus().relations) * 3}
    assert written["rows"][0]["trained_parameters"] > written["rows"][1]["trained_parameters"]
    assert "| method | paraphrases | epochs | style | recall" in capsys.readouterr().out


def test_an_option_without_values_is_named():
    with pytest.raises(OptionError, match="expected OPTION=A,B with a value or more, found 'style='"):
        ablation_sft.variations({}, ["style="])
    with pytest.raises(OptionError, match="found 'style'"):
        ablation_sft.variations({}, ["style"])
