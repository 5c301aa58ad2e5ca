"""What a study is to do, and how that is written down, so that a resumed run is the same study.

Opens no model and asks nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from kinject import __version__, plugins
from kinject.corpus import Corpus
from kinject.errors import OptionError, StoreError
from kinject.lm.endpoint import is_remote
from kinject.options import fill
from kinject.probes import own as own_probes
from kinject.probes.own import Own
from kinject.store import crash_point, read_sealed, write_sealed, write_whole
from kinject.study.sealing import OWN, PLAN

SCHEMA = 2  # of that file
SYSTEMS, PROBES = "kinject.systems", "kinject.probes"
# What a quick study builds, in this order: the floor first, for a number within a minute; sft next, as its curve is the
# longest to wait for. What is made of these, or reads more than a small model can, is named or left to a full study.
QUICK_SYSTEMS = ("closed_book", "sft", "rag", "kg", "oracle")
# A pushback question is five or six dialogues of seven answers, one of injection eight answers; some families pair.
_QUICK = {"recall": 150, "temporal": 60, "unanswerable": 120, "pushback": 20, "robustness": 60}
_FULL = {"recall": 400, "temporal": 400, "unanswerable": 800, "pushback": 400}
_OTHER_QUICK, _OTHER_FULL = 40, 400
_FULL_SEEDS = 3


@dataclass(frozen=True)
class Study:
    """`corpus` is a corpus folder and `out` the run's. No systems: those of QUICK_SYSTEMS, and all in a full study.

    `settings` are strings such as "sft.epochs=20" (an option of a system) or "recall=50" (the size of a family).
    `full` takes 400 or more probes a family and three seeds of every system that has one. `probes` are files of
    questions with their gold, asked beside the others as the family `own`. `reuse` is a finished run, from which is
    taken over what would come out the same. `jobs` is how many systems, each seed by itself, are built and asked at the
    same time, in processes that each open the model.
    """

    corpus: Path
    out: Path
    model: str = "mini"
    systems: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    full: bool = False
    seed: int = 0
    probes: tuple[Path, ...] = ()
    reuse: Path | None = None
    jobs: int = 1


@dataclass(frozen=True)
class Plan:
    """A study with every name and option settled: `configs` by system, in the order of building; `sizes` by family."""

    configs: dict[str, Any]
    sizes: dict[str, int]
    seed: int
    full: bool
    own: Own = field(default_factory=Own)

    def seeds(self, system: str) -> tuple[int, ...]:
        """The seeds with which a system is built and asked: one, unless its options have a seed."""
        count = _FULL_SEEDS if self.full and hasattr(self.configs[system], "seed") else 1
        return tuple(self.seed + n for n in range(count))

    def trainings(self) -> Iterator[tuple[str, int, int]]:
        """Every system with every of its seeds, in the order of building: name, which of the seeds, the seed."""
        for system in self.configs:
            for nth, seed in enumerate(self.seeds(system)):
                yield system, nth, seed

    def config(self, system: str, seed: int) -> Any:
        config = self.configs[system]
        return replace(config, seed=seed) if hasattr(config, "seed") else config


def plugin(system: str) -> ModuleType:
    return plugins.load(SYSTEMS, system)


def unnamed_systems(full: bool) -> tuple[str, ...]:
    """What a study that names no systems builds, in this order."""
    further = [name for name in plugins.names(SYSTEMS) if name not in QUICK_SYSTEMS]
    return (*QUICK_SYSTEMS, *further) if full else QUICK_SYSTEMS


def left_out(study: Study) -> tuple[str, ...]:
    """The systems that train weights, where none are named and the model's weights are elsewhere."""
    if study.systems or not is_remote(study.model):
        return ()
    return tuple(name for name in unnamed_systems(study.full) if getattr(plugin(name), "NEEDS_WEIGHTS", False))


def settle(study: Study) -> Plan:
    """Raises UnknownNameError or OptionError for a system, a setting or a value that does not exist."""
    kinds = [kind for kind in plugins.names(PROBES) if kind != own_probes.KIND]
    systems = study.systems or tuple(name for name in unnamed_systems(study.full) if name not in left_out(study))
    wanted: dict[str, list[str]] = {name: [] for name in dict.fromkeys(systems)}
    sizes = {kind: _size(kind, study.full) for kind in kinds}
    for setting in study.settings:
        key, equals, value = setting.partition("=")
        system, dot, option = key.partition(".")
        if dot and equals and system in wanted:
            wanted[system].append(f"{option}={value}")
        elif equals and key in sizes:
            sizes[key] = _positive(setting, value)
        else:
            raise OptionError(
                f"no setting {setting!r}: write SYSTEM.OPTION=VALUE for one of {', '.join(wanted)}, "
                f"or FAMILY=NUMBER for one of {', '.join(kinds)}"
            )
    configs = {name: fill(plugin(name).Config, settings) for name, settings in wanted.items()}
    return Plan(configs, sizes, study.seed, study.full)


def with_own(plan: Plan, files: Sequence[Path], corpus: Corpus) -> Plan:
    """The plan with the user's own probes. Raises CorpusError for a file that cannot be used."""
    if not files:
        return plan
    found = own_probes.read(files, corpus)
    return replace(plan, own=found, sizes=plan.sizes | {own_probes.KIND: len(found.probes)})


def pin(out: Path, plan: Plan, corpus: Corpus, model_fingerprint: str) -> None:
    """Write the plan and the user's files into the run's folder, or see that what is there can be gone on with.

    Systems may be added to a run. Raises StoreError naming what else has changed.
    """
    same = {
        "version": __version__,
        "corpus": corpus.fingerprint(),
        "model": model_fingerprint,
        "sizes": plan.sizes,
        "seed": plan.seed,
        "full": plan.full,
        **({"own probes": plan.own.digests} if plan.own.files else {}),
    }
    systems = {name: asdict(config) for name, config in plan.configs.items()}
    path = out / PLAN
    if path.exists():
        pinned = read_sealed(path)
        before: dict[str, Any] = pinned.pop("systems")
        changed = [name for name, value in same.items() if pinned.get(name) != value]
        changed += [f"options of {name}" for name, config in systems.items() if before.get(name, config) != config]
        if changed:
            raise StoreError(
                f"{out} holds another study ({', '.join(changed)} changed); choose another folder, or delete this one"
            )
        systems = before | systems
    for name, text in plan.own.files.items():
        (out / OWN).mkdir(exist_ok=True)
        write_whole(out / OWN / name, text)
    write_sealed(path, {"schema": SCHEMA, **same, "systems": systems})
    crash_point("study.pinned")


def _size(kind: str, full: bool) -> int:
    return _FULL.get(kind, _OTHER_FULL) if full else _QUICK.get(kind, _OTHER_QUICK)


def _positive(setting: str, value: str) -> int:
    if not value.isdecimal() or int(value) < 1:
        raise OptionError(f"{setting!r}: the number of probes is a whole number of at least 1")
    return int(value)
