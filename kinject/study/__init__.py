"""The main job: build the systems, put the same probes to each, and leave a folder with every record and estimate.

A study that was stopped goes on where it was: what is built is reused, what is answered is not asked again. It writes
no report. The manifest, study.json, is written last: where it is, the study is finished.
"""

from pathlib import Path

from kinject import corpus
from kinject.lm import open_model
from kinject.progress import Progress, silent
from kinject.store import lock, sweep
from kinject.study.job import Job
from kinject.study.parts import do_in_parts, gather
from kinject.study.plan import Study, left_out, pin, settle, with_own
from kinject.study.repairing import repair
from kinject.study.reusing import open_source
from kinject.study.run import Run, open_run
from kinject.study.sealing import check_kept
from kinject.study.verifying import Findings, Problem, verify

__all__ = ["Findings", "Problem", "Run", "Study", "left_out", "open_run", "repair", "run", "verify"]


def run(study: Study, progress: Progress = silent) -> Path:
    """Do a study, or what is left of it, and return its folder.

    Raises KinjectError for a corpus, model, system or setting that cannot be used, before anything is built, and for
    a folder that holds another study or is in use.
    """
    plan = settle(study)
    loaded = corpus.load(study.corpus)
    plan = with_own(plan, study.probes, loaded)
    with lock(study.out):
        sweep(study.out)
        check_kept(study.out)
        model = open_model(study.model)
        try:
            pin(study.out, plan, loaded, model.info.fingerprint)
            source = open_source(study.reuse, study.out) if study.reuse else None
            job = Job(study.out, plan, loaded, model, progress, source, jobs=study.jobs)
            gather(study.out)
            job.begin()
            if study.jobs > 1:
                do_in_parts(job, study.model)
            job.do()
        finally:
            model.close()
    return study.out
