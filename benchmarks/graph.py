"""The graph by itself, and the agent on it: look-ups without a model, and right answers by hops and by lost edges.

    python -m benchmarks.graph speed
    python -m benchmarks.graph quality corpora/catalog --n 30 --dropout 0,0.1,0.3

`speed` times every tool on made-up entities, in networkx and in columns, and says what a fact costs in memory beside
the corpus's own facts. `quality` asks the kg system on a graph from which a share of the facts is left out.
"""

import argparse
import gc
import itertools
import json
import random
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.output import RESULTS, Table, guarded, machine, rate
from benchmarks.probing import positive, put
from kinject import plugins, stats
from kinject.corpus import Corpus, load
from kinject.errors import OptionError
from kinject.grading import Grader
from kinject.lm import open_model
from kinject.store import record_to_row, write_whole
from kinject.systems import kg
from kinject.systems.kg.diagnosis import CAUSES
from kinject.systems.kg.graph import Graph
from kinject.systems.kg.tools import make_tools
from kinject.types import Document, Estimate, Fact, Outcome, Record, Relation

FAMILIES = ("recall", "multihop", "aggregate", "compare")
STORES = {"networkx": sys.maxsize, "columns": 0}
_SYLLABLES = ("bor", "dun", "fel", "gri", "hes", "kor", "lum", "mar", "nix", "pol", "quil", "rov", "sar", "tor", "vel")
_KINDS = (
    ("price", "number", "EUR"),
    ("weight", "number", "kg"),
    ("material", "category", ""),
    ("launch date", "date", ""),
    ("maker", "entity", ""),
    ("companion", "entity", ""),
    ("SKU", "identifier", ""),
    ("note", "text", ""),
)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    fast = commands.add_parser("speed", help="look-ups a tool, without a model, and memory a fact")
    fast.add_argument("--entities", type=positive, default=50_000, help="each with eight facts (default 50000)")
    fast.add_argument("--calls", type=positive, default=200, help="timed calls a tool (default 200)")
    good = commands.add_parser("quality", help="right answers of the kg system, by lost edges")
    good.add_argument("corpus", type=Path, help="a corpus folder")
    good.add_argument("--n", type=positive, default=30, help="probes a family (default 30)")
    good.add_argument("--dropout", type=_shares, default=(0.0, 0.1, 0.3), help="default 0,0.1,0.3")
    good.add_argument("--family", action="append", choices=plugins.names("kinject.probes"), help="may be repeated")
    good.add_argument("--model", default="mini", help="mini, a folder or a Hugging Face id")
    good.add_argument("--seed", type=int, default=1, help="of the probes and of what is lost")
    good.add_argument("--out", type=Path, default=RESULTS, help="folder for the JSON (default: benchmarks/results)")
    options = parser.parse_args(arguments)
    if options.command == "speed":
        for table in speed(options.entities, options.calls):
            print(table.markdown())
    else:
        quality(options)


def speed(entities: int, calls: int) -> list[Table]:
    """Median and 95th percentile of each tool's calls, a column a store; and what the stores cost."""
    corpus = synthetic(entities, random.Random(0))
    built = {name: _built(corpus, compact_above) for name, compact_above in STORES.items()}
    asked = _arguments(corpus, calls)
    rows = []
    for (tool, case), every in asked.items():
        timed = [_times(one.graph, tool, every) for one in built.values()]
        rows.append((tool, case, *(f"{_at(ms, 50):.3f} / {_at(ms, 95):.3f}" for ms in timed)))
    facts = len(corpus.facts)
    costs = (
        ("seconds to build", *(f"{one.seconds:.1f}" for one in built.values())),
        ("bytes a fact: facts", *(f"{one.index_bytes / facts:.0f}" for one in built.values())),
        ("bytes a fact: names", *(f"{one.names_bytes / facts:.0f}" for one in built.values())),
    )
    return [
        Table(f"ms a call, p50 / p95, {facts:,} facts, without a model", ("tool", "of", *built), tuple(rows)),
        Table("Beside the corpus's own facts", ("", *built), costs),
    ]


@dataclass(frozen=True)
class _Built:
    graph: Graph
    seconds: float
    index_bytes: int
    names_bytes: int


def _built(corpus: Corpus, compact_above: int) -> _Built:
    """Built twice: once for the time, and once for the memory, as to trace memory takes time."""
    started = time.perf_counter()
    graph = Graph(corpus, compact_above)
    seconds = time.perf_counter() - started
    gc.collect()
    tracemalloc.start()
    traced = Graph(corpus, compact_above)
    gc.collect()
    whole = tracemalloc.get_traced_memory()[0]
    del traced.names
    gc.collect()
    index = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return _Built(graph, seconds, index, whole - index)


def synthetic(entities: int, rng: random.Random) -> Corpus:
    """Entities of two words and a number with eight facts each: every tenth of them is a maker of others."""
    words = ["".join(parts).capitalize() for parts in itertools.product(_SYLLABLES, repeat=3)]
    names = [f"{rng.choice(words)} {rng.choice(words)} {n}" for n in range(entities)]
    makers = names[: max(1, entities // 10)]
    facts = []
    for n, name in enumerate(names):
        values = (
            f"{rng.randrange(500, 90_000) / 100:.2f} EUR",
            f"{rng.randrange(1, 900) / 10:.1f} kg",
            rng.choice(words[:200]).lower(),
            f"{rng.randrange(1, 29)} May {rng.randrange(1950, 2025)}",
            rng.choice(makers),
            rng.choice(names),
            f"QX-{n:06d}",
            f"{rng.choice(words).lower()} {rng.choice(words).lower()}",
        )
        facts += [
            Fact(f"{n}-{i}", name, kind[0], value, "d")
            for i, (kind, value) in enumerate(zip(_KINDS, values, strict=True))
        ]
    relations = tuple(
        Relation(name, kind, ("{subject} {object}",), ("w {subject}",), ("t {subject}",), unit=unit)  # type: ignore[arg-type]
        for name, kind, unit in _KINDS
    )
    return Corpus("synthetic", (Document("d", "t"),), tuple(facts), relations)


def _arguments(corpus: Corpus, calls: int) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """By tool and case, the arguments of so many calls."""
    rng = random.Random(1)
    facts = rng.sample(corpus.facts, min(calls, len(corpus.facts)))
    others = rng.sample(corpus.facts, len(facts))
    few = facts[: max(1, calls // 20)]

    def of(relation: str) -> list[Fact]:
        own = [fact for fact in corpus.facts if fact.relation == relation]
        return rng.sample(own, min(calls, len(own)))

    return {
        ("get_fact", "a name"): [{"entity": f.subject, "relation": f.relation} for f in facts],
        ("get_fact", "a misspelt name"): [{"entity": _misspelt(f.subject), "relation": f.relation} for f in facts],
        ("get_fact", "no such name"): [{"entity": f"Zzyx {f.subject}", "relation": f.relation} for f in facts],
        ("find_by_value", "a code"): [{"relation": "SKU", "value": f.object} for f in of("SKU")],
        ("find_by_value", "a price"): [{"relation": "price", "value": f.object} for f in of("price")],
        ("find_by_value", "an entity"): [{"relation": "maker", "value": f.object} for f in of("maker")],
        ("find_by_value", "a common word"): [{"relation": "material", "value": f.object} for f in of("material")],
        ("find_entities", "a name"): [{"name": f.subject} for f in facts],
        ("find_entities", "a word of several"): [{"name": f.subject.split()[0]} for f in facts],
        ("neighbours", "a name"): [{"entity": f.subject} for f in facts],
        ("compare", "two names"): [
            {"function": "max", "relation": "weight", "first": f.subject, "second": g.subject}
            for f, g in zip(facts, others, strict=True)
        ],
        ("path", "two facts"): [{"entity": f.subject, "relations": ["companion", "price"]} for f in facts],
        ("aggregate", "count of a value"): [
            {"function": "count", "relation": "material", "value": f.object} for f in of("material")
        ],
        ("aggregate", "sum over a value"): [
            {"function": "sum", "relation": "weight", "where": "maker", "value": f.object} for f in few
        ],
        ("aggregate", "maximum of all"): [{"function": "max", "relation": "price"} for _ in few],
    }


def _misspelt(name: str) -> str:
    """The last letter of the first word twice."""
    word, _, rest = name.partition(" ")
    return f"{word}{word[-1]} {rest}"


def _times(graph: Graph, tool: str, every: Sequence[dict[str, Any]]) -> list[float]:
    """Milliseconds of the tool's own function, as the agent calls it, after one call to warm up."""
    function: Callable[..., Any] = {one.name: one for one in make_tools(graph, "all")}[tool].func  # type: ignore[attr-defined]
    function(**every[0])
    taken = []
    for arguments in every:
        started = time.perf_counter()
        function(**arguments)
        taken.append(1000 * (time.perf_counter() - started))
    return taken


def _at(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else values[0]


def quality(options: argparse.Namespace) -> None:
    corpus, model = load(options.corpus), open_model(options.model)
    kinds = tuple(options.family or FAMILIES)
    probes = [
        probe
        for kind in kinds
        for probe in plugins.load("kinject.probes", kind).make(corpus, options.n, random.Random(options.seed))
    ]
    if not probes:
        raise OptionError(f"{options.corpus} has nothing to ask of {', '.join(kinds)}; choose another --family")
    rows: list[dict[str, Any]] = []
    records: list[Record] = []
    try:
        for share in options.dropout:
            config = kg.Config(edge_dropout=share, noise_seed=options.seed)
            system = kg.build(corpus, options.out, model, config)
            own = put(system, f"kg at {share:g}", probes, Grader(corpus), options.seed)
            observed = [one for one in kg.diagnose(system, corpus, own) if one.family == "errors"]
            records += own
            rows += [{"dropout": share, "metric": name, **asdict(e)} for name, e in accuracies(own).items()]
            rows += [
                {"dropout": share, "metric": cause, **asdict(_share([o for o in observed if o.metric == cause]))}
                for cause in CAUSES
            ]
    finally:
        model.close()
    print(table(rows).markdown())
    content = {"schema": 1, "benchmark": "graph", "corpus": corpus.name, "fingerprint": corpus.fingerprint()}
    content |= {"model": asdict(model.info), "machine": machine(), "seed": options.seed, "rows": rows}
    content["records"] = [record_to_row(record) for record in records]
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"graph-{corpus.name}.json"
    write_whole(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    print(f"wrote {path}")


def accuracies(records: Sequence[Record]) -> dict[str, Estimate]:
    """Right answers by family and, within it, by variant."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record.probe.kind, []).append(record)
        if record.probe.variant:
            groups.setdefault(f"{record.probe.kind} {record.probe.variant}", []).append(record)
    return {
        name: stats.clustered_rate(
            [float(r.verdicts[0].outcome is Outcome.CORRECT) for r in own], [r.probe.subject for r in own]
        )
        for name, own in sorted(groups.items())
    }


def table(rows: Sequence[dict[str, Any]]) -> Table:
    """Metrics down, shares of lost facts across."""
    shares = list(dict.fromkeys(row["dropout"] for row in rows))
    cells = {
        (row["metric"], row["dropout"]): rate(Estimate(row["value"], row["low"], row["high"], row["n"])) for row in rows
    }
    body = [
        (metric, *(cells[metric, share] for share in shares)) for metric in dict.fromkeys(r["metric"] for r in rows)
    ]
    columns = ("right answers, then causes of errors", *(f"{100 * share:g} % of facts lost" for share in shares))
    return Table("kg by lost edges", columns, tuple(body))


def _share(observed: Sequence[Any]) -> Estimate:
    return stats.clustered_rate([one.value for one in observed], [one.cluster for one in observed])


def _shares(text: str) -> tuple[float, ...]:
    shares = tuple(float(part) for part in text.split(","))
    if not all(0 <= share <= 1 for share in shares):
        raise argparse.ArgumentTypeError(f"expected shares between 0 and 1, found {text}")
    return shares


if __name__ == "__main__":
    sys.exit(guarded(main))
