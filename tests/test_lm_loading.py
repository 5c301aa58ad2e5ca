"""Opening a model: by folder, safetensors only, and one clear error for everything else. Adapters share the base."""

import json
import shutil
from pathlib import Path

import peft
import pytest
import torch
from transformers import AutoModelForCausalLM

from kinject.errors import ModelError
from kinject.lm import open_model
from kinject.lm.base import Chat, Message
from kinject.lm.loading import find_device, find_dtype, fingerprint

CHAT = Chat((Message("user", "What is the price of Aldo?"),), max_new_tokens=8)


@pytest.fixture
def copy(tiny_lfm2: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_lfm2, tmp_path / "copy"))


@pytest.fixture(params=["tiny_lfm2", "tiny_qwen3"])
def adapted(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """A base and two random LoRA adapters of it, one in each of the folders 1 and 2."""
    base = request.getfixturevalue(request.param)
    for seed in (1, 2):
        torch.manual_seed(seed)
        config = peft.LoraConfig(target_modules=["q_proj", "v_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
        peft.get_peft_model(AutoModelForCausalLM.from_pretrained(base), config).save_pretrained(tmp_path / str(seed))
    return base, tmp_path


def test_a_model_says_what_it_is(tiny_lm):
    info = tiny_lm.info
    assert (info.context_window, info.parameters) == (2048, sum(p.numel() for p in tiny_lm.model.parameters()))
    assert (len(info.fingerprint), info.details["architecture"]) == (64, "Lfm2ForCausalLM")


def test_the_fingerprint_is_of_the_content(copy, tiny_lfm2):
    assert fingerprint(copy) == fingerprint(tiny_lfm2)
    (copy / "chat_template.jinja").write_text("other", encoding="utf-8")
    assert fingerprint(copy) != fingerprint(tiny_lfm2)


def test_a_record_of_how_a_model_was_made_is_not_the_model(copy, tiny_lfm2):
    (copy / "recipe.json").write_text("{}", encoding="utf-8")
    assert fingerprint(copy) == fingerprint(tiny_lfm2)


def test_pickled_weights_are_refused(copy):
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"only pickled weights \(pytorch_model.bin\).*convert them to safetensors"):
        open_model(str(copy))


def test_a_folder_without_weights_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"has no weights: no \*.safetensors in"):
        open_model(str(tmp_path))


def test_a_file_is_refused(copy):
    with pytest.raises(ModelError, match="is a file; give the folder that holds"):
        open_model(str(copy / "model.safetensors"))


@pytest.mark.parametrize("name", ["./nowhere", "no such model", "a/b/c", ""])
def test_a_name_that_can_only_be_a_folder_is_not_looked_for_on_the_hub(name):
    with pytest.raises(ModelError, match=r"no model folder .*; give mini, a folder or a Hugging Face id"):
        open_model(name)


def test_an_id_that_the_hub_does_not_give_is_one_clear_error(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="no model nobody/nothing: no such folder here, and the hub did not give it"):
        open_model("nobody/nothing")


@pytest.mark.parametrize("content", [b"", b"not safetensors at all", b"\xff" * 64])
def test_damaged_weights_are_one_clear_error(copy, content):
    (copy / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match="cannot be loaded as a causal language model"):
        open_model(str(copy))


def test_weights_that_are_missing_are_not_made_up(copy):
    config = json.loads((copy / "config.json").read_text(encoding="utf-8"))
    config["num_hidden_layers"], config["layer_types"] = 4, [*config["layer_types"], "conv"]
    (copy / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ModelError, match=r"lacks weights, among them model\.layers\.3"):
        open_model(str(copy))


def test_code_of_a_repository_is_never_run(copy):
    config = {"model_type": "mine", "auto_map": {"AutoModelForCausalLM": "evil.Model", "AutoConfig": "evil.Config"}}
    (copy / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (copy / "evil.py").write_text("raise SystemExit('ran')", encoding="utf-8")
    with pytest.raises(ModelError, match="cannot be loaded"):
        open_model(str(copy))


def test_a_tokenizer_without_a_template_is_refused(copy):
    (copy / "chat_template.jinja").unlink()
    with pytest.raises(ModelError, match="has no chat template"):
        open_model(str(copy))


def test_a_template_that_refuses_a_chat_says_why(copy):
    (copy / "chat_template.jinja").write_text("{{ raise_exception('no system role') }}", encoding="utf-8")
    with pytest.raises(ModelError, match="refused the messages: no system role"):
        open_model(str(copy)).complete(CHAT)


@pytest.mark.parametrize("device", ["tpu", "cuda:99", "meta"])
def test_a_device_that_is_not_there_is_named(device):
    with pytest.raises(ModelError, match=f"device '{device}'"):
        find_device(device)


def test_bfloat16_is_used_where_the_processor_has_it(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    assert find_dtype(torch.device("cpu")) == torch.bfloat16
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    assert find_dtype(torch.device("cpu")) == torch.float32


def test_adapters_answer_as_peft_does_and_leave_the_base_alone(adapted):
    base, folder = adapted
    lm = open_model(str(base))
    lm.model.float()
    alone = lm.log_probability(CHAT, "20 EUR")
    views = [lm.with_adapter(folder / name) for name in ("1", "2")]
    expected = [_scored_by_peft(base, folder / name, lm) for name in ("1", "2")]
    assert [view.log_probability(CHAT, "20 EUR") for view in views] == pytest.approx(expected, abs=1e-3)
    assert lm.log_probability(CHAT, "20 EUR") == alone != pytest.approx(expected[0], abs=1e-3)


def test_an_adapter_opened_with_its_model_closes_it(adapted):
    base, folder = adapted
    lm = open_model(str(base), adapter=folder / "1")
    assert lm.info.name == f"{base}+1"
    lm.with_adapter(folder / "2").close()
    lm.complete(CHAT)
    lm.close()
    with pytest.raises(ModelError, match="was closed"):
        lm.complete(Chat((Message("user", "again"),)))


def test_adapters_are_told_apart_by_their_content(adapted):
    base, folder = adapted
    lm = open_model(str(base))
    shutil.copytree(folder / "1", folder / "same")
    prints = [lm.with_adapter(folder / name).info.fingerprint for name in ("1", "2", "same")]
    assert prints[0] == prints[2] != prints[1] != lm.info.fingerprint


def test_a_folder_that_is_no_adapter_is_refused(tiny_lm, tmp_path):
    with pytest.raises(ModelError, match=r"is no adapter: adapter_config.json and .* are needed"):
        tiny_lm.with_adapter(tmp_path)


@pytest.mark.parametrize("change", [{"target_modules": ["nowhere"]}, {"r": 3}, {"peft_type": "SOMETHING"}])
def test_an_adapter_of_another_model_is_refused_and_the_base_goes_on(adapted, change):
    base, folder = adapted
    lm = open_model(str(base))
    before = lm.log_probability(CHAT, "20 EUR")
    path = folder / "1" / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")
    with pytest.raises(ModelError, match="does not fit this model"):
        lm.with_adapter(folder / "1")
    assert lm.log_probability(CHAT, "20 EUR") == before


def _scored_by_peft(base: Path, adapter: Path, lm) -> float:
    rounded = AutoModelForCausalLM.from_pretrained(base, dtype=find_dtype(torch.device("cpu"))).float()
    model = peft.PeftModel.from_pretrained(rounded, adapter)
    prompt = lm._prompt(CHAT)
    answer = (*lm.tokenizer.encode("20 EUR", add_special_tokens=False), 2)
    with torch.inference_mode():
        logits = model(torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1]
    return float(logits.log_softmax(-1).gather(1, torch.tensor(answer)[:, None]).sum())
