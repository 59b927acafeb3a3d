"""Numbers about a running server, at /metrics, in the text format of Prometheus.

    metrics.of(application).gauge("labkit_groups", "Open groups.", lambda: len(groups))

adds a number. It is read at each request.
"""

import hmac
import time
from collections.abc import Callable, Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, Metric, SummaryMetricFamily
from tornado.httputil import HTTPServerRequest
from tornado.web import Application, RequestHandler

from labkit.engine_account import Totals
from labkit.serving.gate import is_direct
from labkit.serving.limits import Visitors

SETTING = "labkit_metrics"  # the name under which a server's application keeps its metrics
LEAST = 1.0  # seconds over which frames per second are averaged, at least


class Metrics:
    """The numbers of one server.

    Args:
        watchers: returns the number of browsers that show a page.
        token: who sends it may read the numbers from any address; "" if only this machine may.
    """

    def __init__(self, visitors: Visitors, watchers: Callable[[], int], token: str = ""):
        self.token, self._visitors = token, visitors
        self._registry = CollectorRegistry()
        self._last, self._frames, self._rate = time.monotonic(), 0, 0.0
        ProcessCollector(registry=self._registry)  # resident memory, on Linux
        self._registry.register(self)
        self.gauge("labkit_sessions", "Open sessions of visitors.", lambda: visitors.present)
        self.gauge("labkit_watchers", "Browsers that show a page.", watchers)
        self.gauge("labkit_frames_per_second", "Frames of all runs, since the last request.", self._frames_per_second)

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Add a number that `read` returns.

        Args:
            text: what the number means.
        """
        Gauge(name, text, registry=self._registry).set_function(read)

    def text(self) -> bytes:
        """Return all numbers."""
        return generate_latest(self._registry)

    def describe(self) -> list[Metric]:
        """Return nothing: the registry need not collect once in order to learn the names."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the numbers of the sessions and of the engine."""
        totals = _totals()
        yield CounterMetricFamily("labkit_sessions_opened", "Sessions of visitors so far.", self._visitors.opened)
        yield CounterMetricFamily("labkit_frames", "Frames of all runs so far.", totals.frames)
        step = SummaryMetricFamily("labkit_step_seconds", "Steps of all runs so far, and their processor seconds here.")
        step.add_metric([], totals.steps, totals.seconds)
        yield step

    def _frames_per_second(self) -> float:
        now, frames = time.monotonic(), _totals().frames
        if now - self._last >= LEAST:
            self._rate = (frames - self._frames) / (now - self._last)
            self._last, self._frames = now, frames
        return self._rate

    def allows(self, request: HTTPServerRequest) -> bool:
        """Return whether a request may read the numbers: by the token, or from this machine without a proxy."""
        sent = request.headers.get("Authorization", "")
        if self.token and hmac.compare_digest(sent.encode(), f"Bearer {self.token}".encode()):
            return True
        return is_direct(request)


class Page(RequestHandler):
    """Responds at /metrics."""

    def get(self) -> None:
        """Send the numbers, or the reason why not."""
        metrics = of(self.application)
        if metrics.allows(self.request):
            self.set_header("Content-Type", CONTENT_TYPE_LATEST)
            self.finish(metrics.text())
            return
        self.set_status(403)
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        self.finish(
            "labkit: /metrics is only for this machine. From elsewhere, and through a proxy, start the server with "
            "--metrics-token TOKEN and send the header Authorization: Bearer TOKEN\n"
        )


def add(application: Application, metrics: Metrics) -> None:
    """Give a server's application its metrics."""
    application.settings[SETTING] = metrics


def of(application: Application) -> Metrics:
    """Return the metrics of a server's application."""
    return application.settings[SETTING]


def _totals() -> Totals:
    from labkit.engine import engine  # imports torch, which takes longer than a server may take to start

    return engine().totals
