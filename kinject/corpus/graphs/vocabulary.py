"""The words of kinject's RDF: IRIs for names and back, and the typed value of a fact.

    <urn:kinject:catalog:fact/17> a rdf:Statement, kinject:Fact ;
        rdf:subject <urn:kinject:catalog:entity/Vontriq%2020> ; rdf:predicate <urn:kinject:catalog:relation/price> ;
        rdf:object 319 ; kinject:text "319 EUR" ; kinject:validFrom "2022-02-08"^^xsd:date .

Knows no corpus and no file.
"""

import re
from urllib.parse import quote, unquote

from rdflib import XSD, Literal, Namespace

from kinject.corpus.days import parse_day
from kinject.corpus.numbers import parse_quantity, singular
from kinject.errors import CorpusError, OptionError
from kinject.types import Kind

KINJECT = Namespace("urn:kinject:terms:")
_BASE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]*[/#:]")


def checked_base(base: str) -> str:
    """Raises OptionError for what cannot begin an IRI."""
    if not _BASE.fullmatch(base):
        raise OptionError(f"--base {base!r} is no IRI that ends with '/', '#' or ':'; say https://example.org/parts/")
    return base


def encoded(name: str) -> str:
    """A name as the end of an IRI; `decoded` gives it back."""
    return quote(name, safe="")


def decoded(iri: str) -> str:
    """What follows the last '/', '#' or ':' of an IRI, as text."""
    return unquote(re.split(r"[/#:]", iri.rstrip("/#:"))[-1])


def literal(text: str, kind: Kind, unit: str) -> Literal:
    """The value as other programs compute with it: a decimal in the relation's unit, a day, or else the text."""
    if kind == "number":
        quantity = parse_quantity(text)
        if quantity and singular(quantity.unit) == singular(unit):
            return Literal(quantity.amount, datatype=XSD.decimal)
    if kind == "date" and not text.isdigit():
        try:
            return Literal(parse_day(text).isoformat(), datatype=XSD.date)
        except CorpusError:
            return Literal(text)
    return Literal(text)
