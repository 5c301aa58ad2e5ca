"""A fake OpenAI-compatible server on a free port of this machine, whose replies a test scripts."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """`cut` sends half of the body and hangs up; `delay_s` passes before anything is sent."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    delay_s: float = 0.0


@dataclass(frozen=True)
class Server:
    url: str
    asked: list[Body]
    keys: list[str]


def said(text: str, logprobs: tuple[float, ...] = (-0.1, -0.2), finish: str = "stop") -> Reply:
    return Reply(_answer({"role": "assistant", "content": text}, logprobs, finish))


def called(*calls: tuple[str, str]) -> Reply:
    """Pairs of a tool's name and the text of its arguments, well-formed or not."""
    written = [
        {"id": f"c{n}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for n, (name, arguments) in enumerate(calls)
    ]
    return Reply(_answer({"role": "assistant", "content": None, "tool_calls": written}, (), "tool_calls"))


def failed(status: int, message: str, code: str = "", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply({"error": {"message": message, "type": "error", "code": code}}, status, named)


@contextmanager
def serving(reply: Callable[[Body], Reply]) -> Iterator[Server]:
    """`reply` sees the body of each request."""
    asked: list[Body] = []
    keys: list[str] = []
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(body)
            keys.append(self.headers["Authorization"])
            answer = reply(body) if self.path == "/v1/chat/completions" else Reply({}, 404)
            over.wait(answer.delay_s)
            text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            kind = "text/html" if text.startswith("<") else "application/json"
            self.send_response(answer.status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(text)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text[: len(text) // 2 if answer.cut else len(text)].encode())
            self.close_connection = answer.cut

        def log_message(self, *args: object) -> None: ...

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *args: object) -> None: ...  # a client that gave up

    with Quiet(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Server(f"http://127.0.0.1:{server.server_port}/v1", asked, keys)
        finally:
            over.set()
            server.shutdown()
            thread.join()


def _answer(message: Body, logprobs: tuple[float, ...], finish: str) -> Body:
    tokens = [{"token": "x", "logprob": value, "bytes": None, "top_logprobs": []} for value in logprobs]
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": {"content": tokens}}
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    return {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
