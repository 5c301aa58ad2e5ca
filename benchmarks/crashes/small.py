"""The study that is killed: a table of six lamps, tiny random models, every stage from import to report.

Everything but the size is what `kinject import`, `kinject study` and `kinject report` do.
"""

from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from kinject import intake, plugins, report, study
from kinject.corpus.importing import ImportOptions
from kinject.lm.loading import MINI, quietly
from kinject.probes.own import KIND as OWN_KIND
from kinject.progress import Progress, silent
from kinject.study.plan import PROBES

MODEL, EMBEDDER, TABLE, CORPUS, RUN = "model", "embedder", "lamps.csv", "lamps", "run"
_ROWS = """lamp,weight,material,companion
Aldo,110 g,steel,Brila
Brila,120 g,oak,Corvo
Corvo,130 g,brass,Dunet
Dunet,140 g,steel,Elmar
Elmar,150 g,oak,Fonda
Fonda,160 g,brass,Aldo
"""
SYSTEMS = ("closed_book", "sft", "rag", "kg")
# Every family, those that are not named here too: a default would be many questions.
_ASKED = {"recall": 4, "unanswerable": 2, "pushback": 1}
_OPTIONS = (
    "sft.epochs=2",
    "sft.paraphrases=1",
    "sft.batch_tokens=512",
    "sft.checkpoint_s=1e-9",  # after every step, so that a kill may find one being written
    "sft.max_new_tokens=2",
    "rag.max_new_tokens=2",
    "closed_book.max_new_tokens=2",
    "kg.max_model_calls=1",
)


def prepare(folder: Path) -> None:
    """The table and the models: a random one of mini's architecture, and one that gives every token a random vector."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TABLE).write_text(_ROWS, encoding="utf-8")
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "num_key_value_heads": 1}
    layers = {"num_hidden_layers": 2, "layer_types": ["conv", "full_attention"], "dtype": "float32"}
    with quietly():
        tokenizer = AutoTokenizer.from_pretrained(MINI)
        config = AutoConfig.from_pretrained(MINI, **sizes, **layers)
        AutoModelForCausalLM.from_config(config).save_pretrained(folder / MODEL)
        tokenizer.save_pretrained(folder / MODEL)
    vectors = np.random.default_rng(0).normal(size=(len(tokenizer), 16)).astype(np.float32)
    words = Tokenizer.from_file(str(folder / MODEL / "tokenizer.json"))
    embedder = SentenceTransformer(modules=[StaticEmbedding(words, embedding_weights=vectors), Normalize()])
    embedder.save(str(folder / EMBEDDER), create_model_card=False)


def do(folder: Path, inputs: Path, progress: Progress = silent) -> Path:
    """Import, study and report in `folder`, or what is left of it; returns the run's folder."""
    corpus, run = folder / CORPUS, folder / RUN
    plan = intake.planned(inputs / TABLE, corpus, CORPUS, "lamp", ImportOptions())
    intake.write(plan, corpus)
    families = [kind for kind in plugins.names(PROBES) if kind != OWN_KIND]
    settings = (*(f"{kind}={_ASKED.get(kind, 1)}" for kind in families), *_OPTIONS, f"rag.embedder={inputs / EMBEDDER}")
    study.run(study.Study(corpus, run, str(inputs / MODEL), SYSTEMS, settings), progress)
    report.write(run)
    return run
