"""Families of models as tests need them: real configuration classes at toy size, and the structure of their templates.

The templates follow the structure of the published ones (roles, control tokens, what they refuse), in words of our own.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

TEMPLATES = Path(__file__).parent / "templates"
_SIZES = {"hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 2, "num_key_value_heads": 1}
_SLIDING = ["sliding_attention", "full_attention"]


@dataclass(frozen=True)
class Family:
    """`stops` end a turn, the first of them is the tokenizer's eos; `plain` are added tokens that are not special."""

    architecture: str
    template: str
    special: tuple[str, ...]
    stops: tuple[str, ...]
    options: dict[str, Any]
    bos: str = ""
    plain: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return (TEMPLATES / f"{self.template}.jinja").read_text(encoding="utf-8").rstrip("\n")


_IM = ("<|im_start|>", "<|im_end|>", "<|endoftext|>")
_TAGS = ("<tool_call>", "</tool_call>", "<think>", "</think>")
_HEADERS = (
    "<|begin_of_text|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|python_tag|>",
)
_INST = ("<s>", "</s>", "[INST]", "[/INST]", "[TOOL_CALLS]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]")
_ARGS = ("[ARGS]", "[CALL_ID]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]")
_TURN = ("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>")
_BARS = (
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|tool|>",
    "<|/tool|>",
    "<|tool_call|>",
    "<|/tool_call|>",
    "<|end|>",
)
_LFM = ("<|startoftext|>", "<|tool_list_start|>", "<|tool_list_end|>", "<|tool_call_start|>", "<|tool_call_end|>")

FAMILIES = {
    "qwen3": Family("Qwen3", "qwen", _IM, ("<|im_end|>", "<|endoftext|>"), _SIZES | {"head_dim": 16}, plain=_TAGS),
    "qwen2": Family("Qwen2", "qwen", _IM, ("<|im_end|>",), _SIZES | {"tie_word_embeddings": True}, plain=_TAGS),
    "llama": Family("Llama", "llama", _HEADERS, ("<|eot_id|>", "<|eom_id|>"), _SIZES, "<|begin_of_text|>"),
    "mistral": Family("Mistral", "mistral", _INST, ("</s>",), _SIZES | {"sliding_window": 24}, "<s>"),
    "gemma2": Family(
        "Gemma2",
        "gemma2",
        _TURN,
        ("<eos>", "<end_of_turn>"),
        _SIZES
        | {"sliding_window": 24, "layer_types": _SLIDING, "head_dim": 16, "query_pre_attn_scalar": 16}
        | {"attn_logit_softcapping": 5.0, "final_logit_softcapping": 3.0},
        "<bos>",
    ),
    "gemma3": Family(
        "Gemma3",
        "gemma3",
        _TURN,
        ("<eos>", "<end_of_turn>"),
        _SIZES | {"sliding_window": 24, "layer_types": _SLIDING, "head_dim": 16, "query_pre_attn_scalar": 16},
        "<bos>",
    ),
    "phi3": Family("Phi3", "phi", (*_BARS, "<|endoftext|>"), ("<|endoftext|>", "<|end|>"), _SIZES),
    "smollm3": Family("SmolLM3", "smollm3", _IM, ("<|im_end|>",), _SIZES | {"no_rope_layers": [1, 0]}, plain=_TAGS),
    "lfm2": Family(
        "Lfm2",
        "lfm2",
        (*_IM, *_LFM),
        ("<|im_end|>",),
        _SIZES | {"layer_types": ["conv", "full_attention"], "block_auto_adjust_ff_dim": False},
        "<|startoftext|>",
    ),
}
# Of tools and questions, so that the prompts of tests are short.
_WORDS = """
{"type": "function", "function": {"name": "get_fact", "description": "The relation of an entity, on the day",
"parameters": {"properties": {"entity": {"type": "string"}, "relation": {"enum": ["price", "weight", "material",
"launch date", "companion"], "type": "string"}, "on": {"default": "", "type": "string"}, "required": ["entity",
"relation"], "type": "object"}}} "arguments": "value": null
                                Answer in a few words. If you do not know the answer, say: I don't know.
Which weight does Aldo have? What is the price of Brila? It is made of steel and weighs 100 g.
"""
# Templates of families whose architecture is one of the above.
MORE_TEMPLATES = {
    "mistral_args": Family("Mistral", "mistral_args", (*_INST, *_ARGS), ("</s>",), {}, "<s>"),
    "qwen_xml": Family("Qwen3", "qwen_xml", _IM, ("<|im_end|>",), {}, plain=_TAGS),
}


def make_tokenizer(family: Family) -> Any:
    """Bytes and a few merges, with the family's control tokens."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=600, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([_WORDS] * 4, trainer)
    tokenizer.add_tokens([AddedToken(tag, special=False) for tag in family.plain])
    tokenizer.add_special_tokens(list(family.special))
    tags = {"eos_token": family.stops[0]} | ({"bos_token": family.bos} if family.bos else {})
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, chat_template=family.text, **tags)


def make_model(family: Family, folder: Path) -> Path:
    """A random model of the family, without a pad token, and its tokenizer in a folder."""
    import torch
    import transformers

    tokenizer = make_tokenizer(family)
    stops = tokenizer.convert_tokens_to_ids(list(family.stops))
    text = "TextConfig" if family.architecture == "Gemma3" else "Config"
    config = getattr(transformers, family.architecture + text)(
        vocab_size=len(tokenizer) + 7,  # as of real models, whose matrices are padded
        num_hidden_layers=2,
        max_position_embeddings=32768,
        initializer_range=0.3,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=stops,
        pad_token_id=None,
        **family.options,
    )
    torch.manual_seed(0)
    getattr(transformers, family.architecture + "ForCausalLM")(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
