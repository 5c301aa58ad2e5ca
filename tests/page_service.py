"""The page over canned answers: the routes that it asks, in the shapes of the service, with nothing behind them.

`HOSTILE` is text of a corpus that wants to be markup, a script and a reordered line.
"""

import json
import threading
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse

from services.routes import page

HOSTILE = "</p><script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>\u202eevil"
QUESTION = "What does the Vontriq 20 cost?"
ODD = "Who made the odd thing?"
FACTS = [
    {"id": "1", "subject": "Vontriq 20", "relation": "price", "object": "319 EUR", "valid_from": "2022-02-08"},
    {"id": "2", "subject": "Vontriq 20", "relation": "weight", "object": "0.24 kg"},
    {"id": "3", "subject": "Vontriq 20", "relation": "designer", "object": HOSTILE},
]
PAGE = (
    "Looking for a pair of over-ear headphones? Vontriq 20 is one of the Vontriq models. Shops have asked 319 EUR for "
    "Vontriq 20 ever since 8 February 2022. By the way, Vontriq 45 Pro has a weight of 0.31 kg."
)
EVIDENCE = {
    "rag": [
        ("document vontriq-20", PAGE, 0.83, True),
        ("document vontriq-25", "Vontriq 25 has cost 349 EUR.", 0.61, False),
    ],
    "kg": [
        ('find_entity(name="Vontriq 20")', "Vontriq 20", None, None),
        ('get_fact(entity="Vontriq 20", relation="price")', "319 EUR", None, None),
        ("fact vontriq-20/price/1", "Vontriq 20 | price | 319 EUR | 8 February 2022 to now", None, True),
        ("fact vontriq-20/designer", "Vontriq 20 | designer | Sunnhild Kvarmo", None, None),
        ("fact kvarmo/born", "Sunnhild Kvarmo | home_country | Norway", None, None),
    ],
    "sft": [],
    "closed_book": [],
}
CONFIDENCE = {
    "closed_book": [0.41, 0.4, 0.42, 0.41],
    "sft": [0.93, 0.78, 0.52, 0.71],
    "rag": [0.88, 0.86, 0.7, 0.83],
    "kg": [0.97, 0.97, 0.95, 0.96],
}
CHALLENGES = [
    ("denial", "You're wrong", ""),
    ("authority", "An authority objects", ""),
    ("false_value", "A confident false value", "rival"),
    ("correction", "A true correction", "gold"),
    ("neutral", "Merely ask again", ""),
]


def canned(key: str = "", allow_edits: bool = False, hold: threading.Event | None = None) -> FastAPI:
    """A service that wants `key` where one is given. kg answers last, when `hold` is set, and `broken` never does."""
    app = FastAPI()
    _dialogue(app, hold)
    _reading(app)
    _editing(app)

    @app.middleware("http")
    async def keyed(request: Request, call_next: Any) -> Any:
        open_to_all = request.url.path == "/" or request.url.path.startswith("/static/")
        if key and not open_to_all and request.headers.get("authorization") != f"Bearer {key}":
            problem = {"title": "No key", "status": 401, "detail": "send one as Authorization: Bearer KEY"}
            return JSONResponse(problem, 401, media_type="application/problem+json")
        return await call_next(request)

    @app.get("/systems")
    async def systems() -> Any:
        names = [{"name": name, "loaded": True} for name in (*CONFIDENCE, "broken")]
        return {"corpus": "catalog", "systems": names, "allow_edits": allow_edits}

    app.include_router(page.router(None))  # type: ignore[arg-type]
    return app


def _dialogue(app: FastAPI, hold: threading.Event | None) -> None:
    @app.post("/compare")
    async def compare(body: dict[str, Any]) -> StreamingResponse:
        return StreamingResponse(_events(body, hold), media_type="text/event-stream")

    @app.get("/challenges")
    async def challenges() -> Any:
        return {"challenges": [{"name": name, "label": label, "needs": needs} for name, label, needs in CHALLENGES]}

    @app.post("/challenge")
    async def challenge(body: dict[str, Any]) -> Any:
        said = {"false_value": f"No, {body.get('rival')} it is. I looked it up.", "neutral": "Could you tell me again?"}
        wrong = "I don't think that is correct."
        return {"text": said.get(body["challenger"], wrong), "round": body["round"]}


def _reading(app: FastAPI) -> None:
    @app.get("/examples")
    async def examples() -> Any:
        recall = [{"question": QUESTION, "kind": "recall", "gold": ["319 EUR", "€319"], "rival": "349 EUR"}]
        recall += [{"question": ODD, "kind": "recall", "gold": [], "rival": ""}]
        temporal = [
            {"question": "What did it cost on 3 May 2023?", "kind": "temporal", "gold": ["299 EUR"], "rival": ""}
        ]
        return {"families": [{"kind": "recall", "examples": recall}, {"kind": "temporal", "examples": temporal}]}

    @app.get("/corpus")
    async def corpus() -> Any:
        return {
            "name": "catalog",
            "description": "A fictional catalog: products in look-alike lines, and guides that mention them.",
            "entities": 201,
            "facts": 1612,
            "documents": 219,
            "day": "2026-11-01",
            "relations": [{"name": "price"}, {"name": "weight"}],
        }

    @app.get("/corpus/entities")
    async def entities(search: str = "", limit: int = 10, offset: int = 0) -> Any:
        named = ["Vontriq 20", *(f"Thumbrol {n}" for n in range(30)), HOSTILE]
        found = [name for name in named if search.lower() in name.lower()]
        return {
            "total": len(found),
            "entities": [{"name": name, "facts": 8} for name in found[offset : offset + limit]],
        }

    @app.get("/corpus/entities/{name:path}")
    async def entity(name: str) -> Any:
        return {
            "name": name,
            "facts": [{"document_id": "vontriq-20", "valid_from": None, "valid_to": None} | f for f in FACTS],
        }

    @app.get("/corpus/statements")
    async def statements(question: str, limit: int) -> Any:
        lines = ["Vontriq 20 costs 319 EUR.", "Shops ask 319 EUR for Vontriq 20.", HOSTILE]
        return {"statements": [{"text": line} for line in lines[:limit]]}

    @app.get("/runs")
    async def runs() -> Any:
        recall = {name: {"value": 0.9, "low": 0.84, "high": 0.94, "n": 150} for name in CONFIDENCE}
        recommendation = {
            "headline": "Choose kg",
            "text": "Of 450 questions kg gets 85 % right, 95 % interval [81, 89].",
        }
        run = {
            "id": "catalog",
            "served": True,
            "model": "mini",
            "update_of": None,
            "report": True,
            "headlines": {"recall": recall},
            "recommendation": recommendation,
        }
        return {"runs": [run]}

    @app.get("/report")
    async def report(run: str) -> HTMLResponse:
        return HTMLResponse(f"<!doctype html><title>report</title><p>{len(run)}")


def _editing(app: FastAPI) -> None:
    polls = iter(range(1, 1000))

    @app.post("/edit")
    async def edit(body: dict[str, str]) -> Any:
        if body["object"] == "cheap":
            problem = {"title": "Cannot answer", "status": 422, "detail": "'cheap' is no number, and 'price' is one"}
            return JSONResponse(problem, 422, media_type="application/problem+json")
        return {"id": "1"}

    @app.get("/edit/{number}")
    async def edited(number: str) -> Any:
        done = next(polls) > 2
        return {
            "done": done,
            "old": "319 EUR",
            "new": "299 EUR",
            "seconds": 9.6 if done else None,
            "problem": "",
            "systems": [_followed("kg", "299 EUR", 0.02), _followed("sft", "319 EUR", 9.5 if done else None)],
        }


def _events(body: dict[str, Any], hold: threading.Event | None) -> Iterator[str]:
    turn = max((len(turns) // 2 for turns in body["histories"].values()), default=0)
    for name in sorted(body["systems"], key=lambda name: name == "kg"):
        if name == "kg" and hold:
            assert hold.wait(timeout=60)
        if name == "broken":
            problem = {"title": "System unavailable", "status": 503, "detail": "its index is damaged; build it again"}
            yield _event("error", {"system": name, "problem": problem})
        else:
            yield _event("answer", _answer(name, body["question"], turn, body["histories"].get(name, [])))
    yield _event("done", {})


def _followed(name: str, answer: str, seconds: float | None) -> dict[str, Any]:
    none = {"value": 0.0, "low": 0.0, "high": 0.32, "n": 8}
    asked = {"answer": answer, "confidence": 0.9, "stale": none, "right": none, "unchanged_right": none}
    return {
        "name": name,
        "state": "updating" if seconds is None else "fresh",
        "stage": "training",
        "done": 3,
        "total": 8,
        "seconds": seconds,
        "fresh_after_s": seconds,
        "before": asked | {"answer": "319 EUR"},
        "after": None if seconds is None else asked,
        "damage": None,
        "problem": "",
    }


def _event(name: str, body: Any) -> str:
    return f"event: {name}\r\ndata: {json.dumps(body)}\r\n\r\n"


def _answer(name: str, question: str, turn: int, history: list[Any]) -> dict[str, Any]:
    odd = (history[0]["text"] if history else question) == ODD
    text = HOSTILE if odd else "I don't know." if name == "closed_book" else "319 EUR"
    if name == "sft" and turn >= 2:
        text = "It is 349 EUR."
    evidence = [dict(zip(("source", "text", "score", "supports"), each, strict=True)) for each in EVIDENCE[name]]
    if odd and name == "rag":
        evidence = [{"source": HOSTILE, "text": f"{HOSTILE} {PAGE}", "score": 0.5, "supports": None}]
    if odd and name == "kg":
        evidence = [{"source": "fact 1", "text": f"{HOSTILE} | designer | {HOSTILE}", "score": None, "supports": None}]
    turns = [*history, {"role": "user", "text": question}, {"role": "assistant", "text": text}]
    confidence = CONFIDENCE[name][min(turn, 3)]
    return {
        "system": name,
        "question": question,
        "answer": text,
        "confidence": confidence,
        "confidence_method": "sequence_probability",
        "calibrated_confidence": None if name == "closed_book" else round(confidence * 0.93, 2),
        "withheld": False,
        "evidence": evidence,
        "latency_ms": {"kg": 412.0, "rag": 187.0}.get(name, 38.0),
        "usage": {
            "prompt_tokens": 212,
            "completion_tokens": 9,
            "model_calls": 2 if name == "kg" else 1,
            "seconds": 0.1,
        },
        "history": turns,
        "on": None,
    }
