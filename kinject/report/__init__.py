"""A run folder to report.html and report.md: what to choose, how sure that is, what each system gets wrong and costs.

Reads files, writes these two and records.parquet whole, and nothing calls into it but those who ask for a report.
"""

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from kinject import __version__, plugins
from kinject.frames import load_run, write_parquet
from kinject.report import conditions, costs, draw, failures, pushback, risk, survival, trajectories, wording
from kinject.report.compare import compare
from kinject.report.learning import learning
from kinject.report.methods import methods
from kinject.report.overview import overview
from kinject.report.recommend import recommend
from kinject.report.results import Results, read
from kinject.report.sections import comparing, everything, honesty, ladder
from kinject.store import crash_point, write_whole

__all__ = ["write"]


def write(run_folder: Path) -> None:
    """Write the report and the records' table into a run folder. Raises StoreError or CorpusError for a damaged run."""
    results = read(run_folder)
    comparisons = compare(results)
    recommendation = recommend(results, comparisons)
    view = {
        "results": results,
        "facts": _facts(results),
        "recommendation": recommendation,
        "meanings": [(name, plugins.summary("kinject.systems", name)) for name in recommendation.systems],
        "sections": [
            section
            for section in (
                conditions.section(recommendation.conditions),
                overview(results),
                comparing(comparisons),
                ladder(results),
                learning(results),
                honesty(results),
                risk.section(results),
                pushback.section(results),
                survival.section(results),
                trajectories.confidence(results),
                trajectories.margins(results),
                costs.section(results),
                failures.section(results),
                methods(results),
                everything(results),
            )
            if section is not None
        ],
        "version": __version__,
    }
    write_whole(run_folder / "report.html", _html(view))
    crash_point("report.half")
    write_whole(run_folder / "report.md", _markdown(view))
    write_parquet(load_run(run_folder))


def _html(view: dict[str, object]) -> str:
    page = _templates(autoescape=True)
    # Drawings are made here from numbers and plugin names, so they are the only text that is not escaped.
    page.filters |= {"visible": wording.visible, "svg": Markup, "css_colour": draw.css_colour}
    return page.get_template("report.html").render(view)


def _markdown(view: dict[str, object]) -> str:
    page = _templates(autoescape=False)
    page.finalize = _inert
    return page.get_template("report.md").render(view)


def _templates(autoescape: bool) -> Environment:
    page = Environment(
        loader=PackageLoader(__name__),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    page.filters["name"] = wording.name
    return page


def _inert(value: object) -> object:
    """Every expression of the Markdown template passes through here, so none can be forgotten."""
    return wording.markdown(value) if isinstance(value, str) else value


def _facts(results: Results) -> tuple[str, ...]:
    """The line below the title: how much was asked of how much."""
    corpus, records = results.corpus, results.records
    seeds = {record.seed for record in records}
    probes = {record.probe.id for record in records}
    return (
        f"{wording.count(len(corpus.facts))} facts about {wording.count(len(corpus.entities()))} entities",
        f"{wording.count(len(probes))} probes in {len(results.kinds)} families",
        f"{len(results.systems)} systems",
        f"{len(seeds)} {'seed' if len(seeds) == 1 else 'seeds'}",
    )
