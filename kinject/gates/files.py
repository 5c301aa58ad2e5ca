"""What a build server shows: JUnit XML, and a short summary in Markdown."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence

from kinject import plugins
from kinject.gates.judging import Judgement, shown
from kinject.report import metrics, wording
from kinject.report.metrics import Metric
from kinject.report.results import Results
from kinject.types import Estimate


def junit(results: Results, judged: Sequence[Judgement]) -> str:
    """A testcase a gate, and one a system and family that tells its numbers; a family without any is skipped."""
    suite = ET.Element("testsuite", name=f"kinject {wording.visible(results.corpus.name)}")
    for one in judged:
        case = ET.SubElement(suite, "testcase", classname="gates", name=str(one.limit))
        if not one.passed:
            ET.SubElement(case, "failure", message=str(one))
        ET.SubElement(case, "system-out").text = str(one)
    for system in results.systems:
        for kind in families(results):
            case = ET.SubElement(suite, "testcase", classname=system, name=kind)
            told = _told(results, system, kind)
            if told:
                ET.SubElement(case, "system-out").text = "\n".join(f"{n} {shown(e)}" for n, e in told.items())
            else:
                ET.SubElement(case, "skipped", message="nothing was measured")
    counts = {"tests": "testcase", "failures": "testcase/failure", "skipped": "testcase/skipped"}
    suite.attrib |= {name: str(len(suite.findall(path))) for name, path in counts.items()} | {"errors": "0"}
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def summary(results: Results, judged: Sequence[Judgement]) -> str:
    """The gates, and a table of systems and families with intervals."""
    name, model = wording.markdown(results.corpus.name), wording.markdown(str(results.manifest["model"]["name"]))
    parts = [f"## kinject: {name} with {model}"]
    if judged:
        parts.append("\n".join(f"- {'✅' if one.passed else '❌'} {wording.markdown(str(one))}" for one in judged))
    columns = list(_columns(results))
    rows = [("system", *(_title(column) for column in columns)), tuple("---" for _ in range(1 + len(columns)))]
    for system in results.systems:
        shares = (wording.rate(results.estimate(system, column.kind, column.name)) for column in columns)
        rows.append((wording.name(system), *shares))
    parts.append("\n".join("| " + " | ".join(map(wording.markdown, row)) + " |" for row in rows))
    parts.append("Shares of probes with 95 % intervals. A gate is judged on the bound of its interval.")
    return "\n\n".join(parts) + "\n"


def families(results: Results) -> list[str]:
    """The probe families that a run has numbers of; what a system tells of itself is none."""
    known = plugins.names(metrics.PROBES)
    return metrics.in_order(kind for kind in results.families if kind in known)


def _columns(results: Results) -> Iterator[Metric]:
    for kind in families(results):
        yield from metrics.of_family(kind, [name for _, own, name in results.estimates if own == kind])


def _title(column: Metric) -> str:
    return column.kind if column.name == "accuracy" else f"{column.kind}: {column.title}"


def _told(results: Results, system: str, kind: str) -> dict[str, Estimate]:
    return {
        metric: estimate
        for (name, own, metric), estimate in results.estimates.items()
        if (name, own) == (system, kind) and estimate.n
    }
