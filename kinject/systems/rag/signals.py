"""How sure an answer may be by the passages that were found for it.

Read from the answer's evidence alone, so from any record, and without the index.
"""

from kinject.types import Answer

PASSAGE = "document "  # how the source of a passage begins, before the id of its document


def signals(answer: Answer) -> dict[str, float]:
    """Nothing where no passage has a score.

    retrieval_margin: by how much the first passage leads the best one of another document, as a share of their sum.
    passage_support: 1 / rank of the first passage that states the answer, 0 where none does.
    """
    passages = [(one.source, one.score, one.supports) for one in answer.evidence if one.source.startswith(PASSAGE)]
    scored = [(source, score) for source, score, _ in passages if score is not None]
    if not scored:
        return {}
    first, best = scored[0]
    other = next((score for source, score in scored if source != first), 0.0)
    size = abs(best) + abs(other)
    rank = next((rank for rank, (_, _, states) in enumerate(passages, start=1) if states), 0)
    return {
        "retrieval_margin": max(0.0, best - other) / size if size else 0.0,
        "passage_support": 1 / rank if rank else 0.0,
    }
