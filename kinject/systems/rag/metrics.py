"""How well passages were ranked, by the measures of information retrieval.

Knows passages by their numbers only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import ir_measures
from ir_measures import RR, Qrel, ScoredDoc, Success, nDCG


@dataclass(frozen=True, slots=True)
class Ranking:
    """The passages found for a question, best first, and those that state what was asked for."""

    found: tuple[int, ...]
    gold: frozenset[int]


def measured(rankings: Sequence[Ranking], cutoffs: Sequence[int]) -> list[dict[str, float]]:
    """For each ranking recall@k (whether one gold passage is among the first k), mrr and ndcg@10.

    A question that no passage answers has 0 everywhere: what cannot be found was not found.
    """
    names = {Success @ k: f"recall@{k}" for k in cutoffs} | {RR: "mrr", nDCG @ 10: "ndcg@10"}
    wanted, found = [], []
    for number, ranking in enumerate(rankings):
        gold = ranking.gold or {-1}
        wanted += [Qrel(str(number), str(passage), 1) for passage in sorted(gold)]
        # The order is all that counts: by their own scores trec_eval would put ties in the order of ids.
        found += [ScoredDoc(str(number), str(passage), -rank) for rank, passage in enumerate(ranking.found)]
    values = [dict.fromkeys(names.values(), 0.0) for _ in rankings]
    for metric in ir_measures.iter_calc(list(names), wanted, found):
        values[int(metric.query_id)][names[metric.measure]] = metric.value
    return values
