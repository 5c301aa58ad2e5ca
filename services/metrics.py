"""What the service counts, for Prometheus: requests, questions by how they ended, and what it holds right now.

A registry of its own for each application; labels have few values, all of them chosen here and not by who asks.
"""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from .desk import Desk, Outcome
from .options import Limits
from .requests import Served

REQUEST_S = (0.005, 0.02, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60)
QUESTION_S = (0.02, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """Listens to the requests and to the desk."""

    def __init__(self, desk: Desk, limits: Limits) -> None:
        self._registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self._registry)  # memory, descriptors and time of the process
        self._registry.register(_Desk(desk, limits))
        self._requests = Counter(
            "kinject_http_requests", "Requests ended.", ("method", "route", "status"), registry=self._registry
        )
        self._request_s = Histogram(
            "kinject_http_request_seconds",
            "From a request to the end of its answer.",
            ("route",),
            buckets=REQUEST_S,
            registry=self._registry,
        )
        self._questions = Counter(
            "kinject_questions", "Questions ended.", ("system", "outcome"), registry=self._registry
        )
        self._question_s = Histogram(
            "kinject_question_seconds",
            "From a question to its answer, waiting included.",
            ("system",),
            buckets=QUESTION_S,
            registry=self._registry,
        )
        self._tokens = Counter(
            "kinject_tokens", "Tokens that models read and wrote for answers.", ("system",), registry=self._registry
        )
        desk.observers.append(self.asked)

    def requested(self, served: Served) -> None:
        self._requests.labels(served.method, served.route, str(served.status)).inc()
        self._request_s.labels(served.route).observe(served.seconds)

    def asked(self, system: str, outcome: Outcome, seconds: float, tokens: int) -> None:
        self._questions.labels(system, outcome).inc()
        self._question_s.labels(system).observe(seconds)
        self._tokens.labels(system).inc(tokens)

    def text(self) -> bytes:
        return generate_latest(self._registry)


class _Desk(Collector):
    """Looks when it is asked, so that nothing has to be kept in step."""

    def __init__(self, desk: Desk, limits: Limits) -> None:
        self._desk = desk
        self._limits = limits

    def collect(self) -> Iterator[Metric]:
        limit = self._limits.threads + self._limits.waiting
        yield GaugeMetricFamily("kinject_held", "Questions that wait or are being answered.", self._desk.held)
        yield GaugeMetricFamily("kinject_held_limit", "Of these, as many as are taken; then it is 503.", limit)
        yield GaugeMetricFamily("kinject_draining", "Whether the service is about to stop.", self._desk.draining)
        yield CounterMetricFamily("kinject_cancelled", "Questions whose caller went away.", self._desk.cancelled)
        loaded = GaugeMetricFamily("kinject_system_loaded", "Whether a system is loaded.", labels=("system",))
        for name in self._desk.names:
            loaded.add_metric((name,), self._desk.is_loaded(name))
        yield loaded
