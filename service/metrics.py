"""What the service counts and times, for Prometheus.

Labels come from closed lists only: no clinic, no person, nothing a caller wrote. A new metric needs no more than a line
here; the help text says what a rise means.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import inf

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics_core import HistogramMetricFamily
from prometheus_client.utils import floatToGoString

from service import clock

CONTENT_TYPE = CONTENT_TYPE_LATEST
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

_EVENT_TYPES = frozenset(
    {
        "treatment.completed",
        "treatment.voided",
        "appointment.booked",
        "appointment.cancelled",
        "client.updated",
        "consent.changed",
        "client.erased",
    }
)


class Series:
    """What was observed under one set of labels."""

    __slots__ = ("_bounds", "counts", "created", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * len(bounds)
        self.total = 0.0
        self.created = clock.now().timestamp()

    def observe(self, amount: float) -> None:
        self.total += amount
        self.counts[bisect_left(self._bounds, amount)] += 1


class SendHistogram:
    """A histogram of what every send observes, exposed as Prometheus' own.

    That one looks through its buckets and takes two locks for each, at five times the CPU; ours is for one thread.
    """

    def __init__(self, name: str, help_: str, labels: Sequence[str] = (), *, buckets: Sequence[float]) -> None:
        self._name, self._help, self._labels = name, help_, labels
        self._bounds = [*map(float, buckets), inf]
        self._series: dict[tuple[str, ...], Series] = {}
        REGISTRY.register(self)

    def labels(self, *values: str) -> Series:
        """What is observed under these; to be kept by whoever observes often."""
        return self._series.setdefault(values, Series(self._bounds))

    def describe(self) -> Iterator[HistogramMetricFamily]:
        yield HistogramMetricFamily(self._name, self._help)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = HistogramMetricFamily(self._name, self._help, labels=self._labels)
        for values, series in self._series.items():
            counts = zip(map(floatToGoString, self._bounds), accumulate(series.counts), strict=True)
            family.add_metric(values, list(counts), series.total)
            family.add_sample(f"{self._name}_created", dict(zip(self._labels, values, strict=True)), series.created)
        yield family


reminders_started = Counter(
    "aftercare_reminders_started", "Sends whose intent was committed.", ["medium"], registry=REGISTRY
)
outcomes = Counter(
    "aftercare_outcomes",
    "How sends ended: accepted, captured, retry, rejected, opted_out, unknown; and the failure's class.",
    ["medium", "result", "failure"],
    registry=REGISTRY,
)
lateness_seconds = SendHistogram(
    "aftercare_lateness_seconds",
    "From a reminder's due time to the start of its send.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 43200),
).labels()
send_seconds = SendHistogram(
    "aftercare_send_seconds",
    "How long providers took to answer.",
    ["medium"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15),
)
settle_batch = Histogram(
    "aftercare_settle_batch_size",
    "Results written in one transaction.",
    buckets=(1, 2, 5, 10, 25, 50, 100, 200, 400),
    registry=REGISTRY,
)
sends_in_flight = Gauge("aftercare_sends_in_flight", "Sends that wait for a provider's answer now.", registry=REGISTRY)
events = Counter(
    "aftercare_events",
    "Events taken in: recorded, repeated, conflict, refused, unmapped.",
    ["type", "result"],
    registry=REGISTRY,
)
client_choices = Counter(
    "aftercare_client_choices",
    "What clients did on their own pages: saved, stopped, unsubscribed, silenced (an address no longer theirs).",
    ["result"],
    registry=REGISTRY,
)
intake_commit_seconds = Histogram(
    "aftercare_intake_commit_seconds",
    "One group commit of events.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
    registry=REGISTRY,
)
receipts = Counter(
    "aftercare_receipts",
    "What providers reported later: applied, repeated (nothing new), parked (no attempt of ours yet), dropped.",
    ["state", "result"],
    registry=REGISTRY,
)
replies = Counter("aftercare_replies", "What clients texted us, by what it asks for.", ["kind"], registry=REGISTRY)
alerts = Counter(
    "aftercare_alerts",
    "News for a clinic's staff: raised, sent, failed (tried again later).",
    ["result"],
    registry=REGISTRY,
)
alert_age_seconds = Gauge(
    "aftercare_alert_age_seconds", "How long the oldest unsent alert has waited; 0 where none waits.", registry=REGISTRY
)
heartbeat_age_seconds = Gauge(
    "aftercare_heartbeat_age_seconds", "Since the freshest worker's last sign of life.", registry=REGISTRY
)


def event_taken(type_: str, result: str) -> None:
    """Count one event; a type that is not ours is `other`, so that no caller can invent labels."""
    events.labels(type_ if type_ in _EVENT_TYPES else "other", result).inc()


def exposition() -> bytes:
    """The whole registry in Prometheus' text format, to be served as `CONTENT_TYPE`."""
    return generate_latest(REGISTRY)
