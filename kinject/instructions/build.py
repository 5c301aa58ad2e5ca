"""From a corpus and, where there is one, a chat model to a file of tasks with its report.

Says which parts there are and in which order; what each does is in its own module.
"""

import hashlib
import json
import random
from dataclasses import asdict, dataclass
from pathlib import Path

from kinject.corpus import Corpus
from kinject.errors import CorpusError
from kinject.instructions import alpaca, backtranslation, report, seeds, selection, self_instruct
from kinject.instructions.config import Config
from kinject.instructions.log import Log, Outcome, accepted, reasons
from kinject.instructions.report import Report
from kinject.instructions.selection import Embed
from kinject.instructions.stated import facts_stated
from kinject.lm.base import LM
from kinject.progress import Progress, silent
from kinject.store import lock, write_whole

_SCHEMA = 1
# Options that choose among what was made or say how much of it, so that a log can be gone on with.
_NOT_OF_THE_LOG = ("n", "pick", "seed_tasks", "self_instruct", "documents")


@dataclass(frozen=True)
class Job:
    """`model` None: no task is invented, and instructions for documents are made from their titles."""

    corpus: Corpus
    model: LM | None
    embed: Embed
    config: Config


def build(job: Job, out: Path, progress: Progress = silent) -> Report:
    """Write the tasks to `out`, the report beside it, and what every request brought to `out`.work/log.jsonl.

    A killed build goes on from that log. Raises CorpusError where no task passed.
    """
    alpaca.check_format(out)
    invented, found = _asked(job, job.model, out, progress) if job.model else _without_model(job)
    tasks = [seed.task for seed in seeds.load()] if job.config.seed_tasks else []
    tasks += [*accepted(invented)[: job.config.self_instruct], *accepted(found)]
    against = reasons([*invented, *found])
    if not tasks:
        turned_away = ", ".join(f"{reason} {count}" for reason, count in against.most_common()) or "nothing was asked"
        raise CorpusError(f"no task passed ({turned_away}); {out} was not written")
    chosen = selection.choose(tasks, job.config.n, job.embed, job.config.pick, job.config.seed)
    alpaca.write(out, chosen)
    stated, facts = len(facts_stated(job.corpus, chosen)), len(job.corpus.facts)
    made = report.describe(chosen, against, stated, facts, random.Random(job.config.seed))
    write_whole(report_file(out), json.dumps(asdict(made), indent=1, ensure_ascii=False) + "\n")
    return made


def work_folder(out: Path) -> Path:
    return out.with_name(out.name + ".work")


def report_file(out: Path) -> Path:
    return out.with_suffix(".report.json")


def _asked(job: Job, model: LM, out: Path, progress: Progress) -> tuple[list[Outcome], list[Outcome]]:
    work = work_folder(out)
    with lock(work), Log(work / "log.jsonl", _fingerprint(job, model)) as log:
        invented = self_instruct.grow(model, job.config, log, progress)
        found = backtranslation.from_documents(model, job.corpus.documents, job.config, log, progress)
    return invented, found


def _without_model(job: Job) -> tuple[list[Outcome], list[Outcome]]:
    return [], backtranslation.from_titles(job.corpus.documents, job.config)


def _fingerprint(job: Job, model: LM) -> str:
    options = {name: value for name, value in asdict(job.config).items() if name not in _NOT_OF_THE_LOG}
    made_from = json.dumps(
        [_SCHEMA, job.corpus.fingerprint(), model.info.fingerprint, options, [asdict(s) for s in seeds.load()]],
        sort_keys=True,
    )
    return hashlib.sha256(made_from.encode()).hexdigest()[:16]
