"""The service over real sockets: clients that hang up, signals, and what comes while it stops."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from served import Run, Steps

from services.app import app_of
from services.desk import Desk
from services.options import Limits, Options

ROOT = Path(__file__).parents[1]


@dataclass
class Local:
    port: int
    desk: Desk
    steps: Steps


def until(is_so: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def asking(port: int, path: str) -> socket.socket:
    """A request that was sent, by a client that has not read its answer."""
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    return client


@pytest.fixture
def local() -> Iterator[Local]:
    """A server in this process, with two threads and a line of two."""
    run, port = Run(), free_port()
    app = app_of(run, "toy", Options(Limits(threads=2, waiting=2, body_s=0.5)))
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", port, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    yield Local(port, app.state.service.desk, run.built["steps"])
    server.should_exit = True
    thread.join()


@contextmanager
def served(drain_s: int) -> Iterator[tuple[subprocess.Popen, int]]:
    port = free_port()
    command = [sys.executable, ROOT / "tests" / "served.py", str(port), str(drain_s)]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
    try:
        until(lambda: is_up(port), 60)
        yield process, port
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def child() -> Iterator[tuple[subprocess.Popen, int]]:
    with served(drain_s=4) as child:
        yield child


def is_up(port: int) -> bool:
    try:
        return get(port, "/health")[0] == 200
    except OSError:
        return False


@pytest.mark.parametrize("path", ["/ask?system=steps&question=2000", "/ask?system=steps&question=2000&stream=true"])
def test_a_client_that_hangs_up_frees_its_slot_within_200_ms_and_no_step_more_is_made(local, path):
    client = asking(local.port, path)
    until(lambda: local.steps.made > 3)
    started = time.perf_counter()
    client.close()
    until(lambda: local.desk.held == 0)
    assert time.perf_counter() - started < 0.2
    made = local.steps.made
    time.sleep(0.1)
    assert (local.steps.made, local.desk.cancelled) == (made, 1)


@pytest.mark.parametrize("stream", ["false", "true"])
def test_a_client_that_leaves_a_comparison_calls_off_all_of_it(local, stream):
    client = asking(local.port, f"/compare?systems=steps&question=2000&stream={stream}")
    until(lambda: local.steps.made > 3)
    client.close()
    until(lambda: local.desk.held == 0)
    assert local.desk.cancelled == 1


def test_a_client_that_hangs_up_in_the_line_is_never_answered(local):
    busy = [asking(local.port, "/ask?system=steps&question=100") for _ in range(2)]
    until(lambda: local.desk.held == 2)
    waiting = asking(local.port, "/ask?system=steps&question=1999")
    until(lambda: local.desk.held == 3)
    waiting.close()
    until(lambda: local.desk.held <= 2, 0.5)
    until(lambda: local.desk.held == 0)
    assert local.steps.made == 200
    for client in busy:
        client.close()


def test_beyond_the_line_it_is_503_within_50_ms_and_health_answers_all_the_while(local):
    busy = [asking(local.port, "/ask?system=steps&question=2000") for _ in range(4)]
    until(lambda: local.desk.held == 4)
    took = []
    for _ in range(20):
        started = time.perf_counter()
        status, body = get(local.port, "/ask?system=steps&question=1")
        took.append(time.perf_counter() - started)
        assert (status, json.loads(body)["title"]) == (503, "Queue full")
        assert get(local.port, "/health")[0] == 200
    assert sorted(took)[10] < 0.05
    for client in busy:
        client.close()
    until(lambda: local.desk.held == 0)


def test_a_half_sent_body_hurts_nobody_else(local):
    slow = socket.create_connection(("127.0.0.1", local.port))
    slow.sendall(
        b"POST /ask HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
    )
    assert get(local.port, "/ask?system=steps&question=1")[0] == 200
    slow.close()
    assert get(local.port, "/ask?system=steps&question=1")[0] == 200


def test_told_to_stop_it_refuses_what_is_new_and_ends_what_it_has(child):
    process, port = child
    with ThreadPoolExecutor(2) as pool:
        answer = pool.submit(get, port, "/ask?system=steps&question=100")
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        status, body = get(port, "/ask?system=steps&question=1")
        assert (status, json.loads(body)["title"]) == (503, "Shutting down")
        assert (answer.result()[0], json.loads(answer.result()[1])["answer"]) == (200, "100 steps")
    assert process.wait(10) == 0


def test_what_cannot_end_in_time_is_told_so_and_the_process_ends(child):
    process, port = child
    with ThreadPoolExecutor(3) as pool:
        plain = pool.submit(get, port, "/ask?system=deaf&question=1")
        streamed = pool.submit(get, port, "/ask?system=steps&question=9999&stream=true")
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        assert (plain.result()[0], json.loads(plain.result()[1])["title"]) == (503, "Shutting down")
        assert streamed.result()[0] == 200
        assert streamed.result()[1].startswith(b"event: error\ndata: ")
    assert process.wait(10) == 0


def test_an_idle_service_stops_at_once():
    with served(drain_s=600) as (process, _):
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0  # far less than it would drain for


def test_a_second_signal_ends_it_without_waiting(child):
    process, port = child
    client = asking(port, "/ask?system=deaf&question=1")
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(3) == 0
    client.close()


def test_a_body_that_does_not_come_is_408_and_takes_no_place(local):
    with socket.create_connection(("127.0.0.1", local.port), timeout=10) as client:
        client.sendall(b"POST /ask HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 20\r\n\r\n{")
        answer = client.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"the body was not whole after 0.5 s" in answer
    assert local.desk.held == 0


def test_a_body_in_pieces_without_end_is_refused_in_time(local):
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", local.port)) as client:
        client.sendall(b"POST /ask HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.settimeout(0.05)
        answer = b""
        while not answer and time.monotonic() < started + 10:
            try:
                client.sendall(b"1\r\n \r\n")
                answer = client.recv(100)
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 408")
