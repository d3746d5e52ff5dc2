"""Metrics: what is exposed is named as ours, and no label is a place for what callers write."""

from prometheus_client import Histogram
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from service import metrics

CLOSED = {"failure", "kind", "le", "medium", "result", "state", "type"}


def test_every_metric_of_ours_has_help_and_only_labels_from_closed_lists() -> None:
    metrics.reminders_started.labels("sms").inc()
    metrics.outcomes.labels("sms", "retry", "route").inc()
    metrics.send_seconds.labels("email").observe(0.1)
    families = list(text_string_to_metric_families(metrics.exposition().decode()))
    ours = [family for family in families if family.name.startswith("aftercare_")]
    assert len(ours) >= 10
    for family in ours:
        assert family.documentation.endswith("."), family.name
        assert {label for sample in family.samples for label in sample.labels} <= CLOSED, family.name


def test_an_event_type_that_is_not_ours_makes_no_label() -> None:
    metrics.event_taken("treatment.completed", "recorded")
    metrics.event_taken("ada@example.com", "refused")
    text = metrics.exposition().decode()
    assert 'aftercare_events_total{result="recorded",type="treatment.completed"}' in text
    assert 'aftercare_events_total{result="refused",type="other"}' in text
    assert "ada@example.com" not in text


def test_what_every_send_observes_is_exposed_as_prometheus_own_histogram() -> None:
    amounts = (0.0, 0.01, 0.011, 1.0, 14.9, 15, 99.5)
    theirs = Histogram("theirs", "How long.", ["medium"], buckets=(0.01, 1, 15), registry=None)
    ours = metrics.SendHistogram("ours", "How long.", ["medium"], buckets=(0.01, 1, 15))
    for amount in amounts:
        theirs.labels("sms").observe(amount)
        ours.labels("sms").observe(amount)
    ours.labels("email"), theirs.labels("email")
    assert samples(ours) == samples(theirs)
    metrics.REGISTRY.unregister(ours)


def samples(histogram: Collector) -> list[tuple[str, dict[str, str], float | None]]:
    """But for their names' beginnings, and the instants at which they were made."""
    [family] = histogram.collect()
    found = [(sample.name.partition("_")[2], sample.labels, sample.value) for sample in family.samples]
    return [(name, labels, None if name == "created" else value) for name, labels, value in found]
