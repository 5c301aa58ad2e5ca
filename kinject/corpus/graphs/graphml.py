"""A corpus as GraphML and back: nodes with a label, edges with a relation and the days between which it holds.

Facts survive with their days, units, aliases and document ids; phrasings and the text of documents do not.
"""

import json
import re
from collections import Counter
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any, get_args
from xml.etree.ElementTree import ParseError

import networkx as nx

from kinject.corpus.core import Corpus
from kinject.corpus.graphs.parsing import bounded_text
from kinject.corpus.graphs.stated import Stated
from kinject.errors import CorpusError
from kinject.types import Fact, Kind, Relation

FORMAT = "kinject 1"
_ABSENT = {"", "None"}


def to_graphml(corpus: Corpus) -> str:
    """Entities and values are nodes of their own: a value that has the name of an entity is not that entity."""
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(
        format=FORMAT,
        name=corpus.name,
        description=corpus.description,
        day=corpus.day.isoformat() if corpus.day else "",
        relations=json.dumps(
            [{"name": r.name, "kind": r.kind, "unit": r.unit} for r in corpus.relations], ensure_ascii=False
        ),
    )
    for fact in corpus.facts:
        relation = corpus.relation(fact.relation)
        is_entity = relation.kind == "entity"
        ends = (("entity", fact.subject), ("entity" if is_entity else "value", fact.object))
        subject, object_ = (f"{kind}: {label}" for kind, label in ends)
        graph.add_node(subject, label=fact.subject, kind="entity")
        graph.add_node(object_, label=fact.object, kind=ends[1][0])
        days = {"valid_from": fact.valid_from, "valid_to": fact.valid_to}
        graph.add_edge(
            subject,
            object_,
            key=fact.id,
            label=fact.relation,
            relation=fact.relation,
            unit=relation.unit,
            document=fact.document_id,
            aliases=json.dumps(fact.aliases, ensure_ascii=False) if fact.aliases else "",
            **{name: day.isoformat() for name, day in days.items() if day},
        )
    buffer = BytesIO()
    # By name: nx.write_graphml would take another writer, with other errors, wherever lxml happens to be installed.
    nx.write_graphml_xml(graph, buffer)
    return buffer.getvalue().decode("utf-8") + "\n"


def parse_graphml(path: Path) -> "nx.MultiDiGraph[str]":
    """Any GraphML as a directed multigraph. Raises CorpusError, with file:line for what is no XML."""
    text = bounded_text(path)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        # Entities that name each other grow without end, and GraphML has no use for them.
        line = text.count("\n", 0, text.index("<!")) + 1
        raise CorpusError(f"{path}:{line}: declares a document type, which is not read; remove it")
    try:
        graph: Any = nx.parse_graphml(re.sub(r"^\s*<\?xml[^>]*\?>", "", text), force_multigraph=True)
    except ParseError as error:
        raise CorpusError(f"{path}:{error.position[0]}: not XML: {str(error).partition(':')[0]}") from error
    except (nx.NetworkXError, ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"{path}: cannot be read as GraphML: {' '.join(str(error).split())[:120]}") from error
    if not graph:
        raise CorpusError(f"{path}: no nodes; nothing to import")
    return graph if graph.is_directed() else nx.MultiDiGraph(graph)


def from_graphml(graph: "nx.MultiDiGraph[str]") -> Stated:
    """A graph that `to_graphml` made. Raises CorpusError naming the edge that lacks something."""
    label = {node: attributes.get("label", node) for node, attributes in graph.nodes(data=True)}
    facts = []
    for subject, object_, key, edge in graph.edges(keys=True, data=True):
        if not edge.get("relation"):
            raise CorpusError(f"the edge {key!r} from {subject!r} to {object_!r} has no relation; give it one")
        facts.append(
            Fact(
                id=str(edge.get("id", key)),
                subject=str(label[subject]),
                relation=str(edge["relation"]),
                object=str(label[object_]),
                document_id=str(edge.get("document", "")),
                aliases=_aliases(str(edge.get("aliases", ""))),
                valid_from=_day(edge, "valid_from"),
                valid_to=_day(edge, "valid_to"),
            )
        )
    known = {relation.name: relation for relation in _relations(str(graph.graph.get("relations", "")))}
    used = Counter(fact.relation for fact in facts)
    relations = [known.get(name, Relation(name, "text", (), (), ())) for name in dict.fromkeys([*known, *used])]
    return Stated(tuple(facts), tuple(relations), (), _day(graph.graph, "day"), str(graph.graph.get("description", "")))


def _relations(text: str) -> list[Relation]:
    try:
        rows = json.loads(text or "[]")
        return [
            Relation(str(row["name"]), _kind(row.get("kind")), (), (), (), unit=str(row.get("unit", "")))
            for row in rows
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorpusError("the graph's attribute 'relations' is damaged; export the corpus again") from error


def _kind(found: object) -> Kind:
    return next((kind for kind in get_args(Kind) if kind == found), "text")


def _aliases(text: str) -> tuple[str, ...]:
    try:
        return tuple(str(alias) for alias in json.loads(text or "[]"))
    except (ValueError, TypeError) as error:
        raise CorpusError(f"the aliases {text[:40]!r} are no JSON list; export the corpus again") from error


def _day(attributes: dict[str, Any], name: str) -> date | None:
    text = str(attributes.get(name, ""))
    try:
        return date.fromisoformat(text) if text not in _ABSENT else None
    except ValueError as error:
        raise CorpusError(f"{name} is {text!r}; write it as 2024-05-03") from error
