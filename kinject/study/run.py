"""A finished run, opened to be read and asked again. Builds nothing: what is missing is an error."""

import threading
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from kinject import confidence
from kinject.confidence import Calibration
from kinject.corpus import Corpus
from kinject.errors import StoreError, UnknownNameError
from kinject.lm import open_model
from kinject.lm.base import LM
from kinject.lm.endpoint import check_recorded, is_remote
from kinject.progress import Step
from kinject.store import row_to_record
from kinject.study.plan import plugin
from kinject.study.sealing import ESTIMATES, RECORDS, check, read_corpus, read_manifest, read_rows
from kinject.types import Record, System


class Run:
    """A run's corpus, manifest, records, estimates and systems. The model is opened with the first system."""

    def __init__(self, folder: Path, manifest: dict[str, Any], corpus: Corpus) -> None:
        self.folder, self.manifest, self.corpus = folder, manifest, corpus
        self._lock = threading.Lock()

    def sharing(self, other: "Run") -> "Run":
        """This run with the model that another one of the same model has open: a second copy would take its memory."""
        assert self.manifest["model"] == other.manifest["model"]
        self.__dict__["model"] = other.model
        return self

    @property
    def systems(self) -> tuple[str, ...]:
        return tuple(self.manifest["systems"])

    @cached_property
    def model(self) -> LM:
        """Raises StoreError if the model of that name is another one now, ModelError if it cannot be opened."""
        recorded = self.manifest["model"]
        if is_remote(recorded["name"]):
            check_recorded(recorded["name"])
        model = open_model(recorded["name"])
        if model.info.fingerprint != recorded["fingerprint"]:
            raise StoreError(
                f"{recorded['name']} is not the model that {self.folder} was made with; run the study anew"
            )
        return model

    @cached_property
    def calibrations(self) -> dict[str, Calibration]:
        """How sure each system is; none in a run that an older kinject finished."""
        check(self.folder, self.manifest, confidence.FILE)
        return confidence.read(self.folder)

    def records(self) -> list[Record]:
        """Every record of its systems, in an order that does not depend on who answered first."""
        found = [row_to_record(row) for row in read_rows(self.folder, self.manifest, RECORDS)]
        return sorted((record for record in found if record.system in self.systems), key=lambda record: record.key)

    def estimates(self) -> list[dict[str, Any]]:
        return read_rows(self.folder, self.manifest, ESTIMATES)

    def config(self, name: str) -> Any:
        """The options of a system, with its first seed. Raises UnknownNameError."""
        if name not in self.systems:
            raise UnknownNameError(f"no system {name!r} in {self.folder}; choose one of: {', '.join(self.systems)}")
        return TypeAdapter(plugin(name).Config).validate_python(self.manifest["systems"][name])

    def system(self, name: str) -> System:
        """A system as the study asked it, with its first seed. Raises UnknownNameError, or StoreError if files lack."""
        config, store = self.config(name), store_of(self.folder, name, 0)

        def refuse(step: Step) -> None:
            raise StoreError(f"{store} is not whole, and would have to be built again; run the study again")

        with self._lock:
            system: System = plugin(name).build(self.corpus, store, self.model, config, refuse)
        return system


def open_run(folder: Path) -> Run:
    """Raises StoreError for a folder that holds no finished run of this schema, CorpusError for its corpus."""
    manifest = read_manifest(folder)
    return Run(folder, manifest, read_corpus(folder, manifest))


def store_of(out: Path, system: str, nth_seed: int) -> Path:
    """Where a system keeps what it builds; further seeds have a folder each inside the first one's."""
    store = out / "systems" / system
    return store / f"seed-{nth_seed}" if nth_seed else store
