"""A service as a process of its own: started, measured from outside, told to stop or killed.

Knows the command and the address, and not what is asked.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from kinject.errors import ModelError

HOST = "127.0.0.1"
START_S = 120.0
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Child:
    """Runs while its block does; `start_s` is from the start of the process to its first answer on /health."""

    def __init__(self, command: Sequence[str], port: int) -> None:
        self.port = port
        started = time.perf_counter()
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while get(port, "/health")[0] != http.client.OK:
            if self._process.poll() is not None or time.perf_counter() - started > START_S:
                self._process.kill()
                raise ModelError(f"no service after {START_S:g} s: {' '.join(map(str, command))}")
            time.sleep(0.05)
        self.start_s = time.perf_counter() - started

    @classmethod
    def of_run(cls, run: Path) -> "Child":
        """`kinject serve`, as a user starts it, on a port that is free."""
        port = free_port()
        return cls([sys.executable, "-m", "kinject", "serve", str(run), "--port", str(port)], port)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def resident_mib(self) -> float:
        """Memory in use now, as Linux counts it."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * _PAGE_BYTES / 2**20

    def kill(self) -> None:
        """As the machine would: no handler runs."""
        self._process.kill()
        self._process.wait()

    def stop(self, seconds: float = 30.0) -> int:
        """SIGTERM, and the status that the process ends with."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(seconds)

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class Prober:
    """Asks one address again and again from a thread of its own, on new connections; `replies` are (status, s).

    It hangs up when an answer takes longer than `timeout_s`.
    """

    def __init__(self, port: int, path: str, pause_s: float = 0.05, timeout_s: float = 90.0) -> None:
        self.replies: list[tuple[int, float]] = []
        self._port, self._path, self._pause_s, self._timeout_s = port, path, pause_s, timeout_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._probe)

    def _probe(self) -> None:
        while not self._ended.wait(self._pause_s):
            self.replies.append(get(self._port, self._path, self._timeout_s))

    def __enter__(self) -> "Prober":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


def get(port: int, path: str, timeout_s: float = 90.0) -> tuple[int, float]:
    """The status, 0 where nobody answers, and how many seconds it took."""
    started = time.perf_counter()
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        status = 0
    finally:
        connection.close()
    return status, time.perf_counter() - started


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
