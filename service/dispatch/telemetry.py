"""What dispatch counts. Labels are closed lists: no clinic, no person."""

from collections.abc import Iterable

from service import metrics
from service.dispatch.intent import Intent
from service.types import Accepted, Captured, OptedOut, Outcome, Rejected, Retry, Unknown

_RESULTS = {
    Accepted: "accepted",
    Captured: "captured",
    Retry: "retry",
    Rejected: "rejected",
    OptedOut: "opted_out",
    Unknown: "unknown",
}


def started(intents: Iterable[Intent]) -> None:
    for intent in intents:
        metrics.reminders_started.labels(intent.medium.value).inc()
        metrics.lateness_seconds.observe(max(0.0, (intent.started_at - intent.due_at).total_seconds()))


def settled(group: Iterable[tuple[Intent, Outcome]]) -> None:
    count = 0
    for intent, outcome in group:
        count += 1
        failure = outcome.failure.value if isinstance(outcome, Retry | Rejected) else ""
        metrics.outcomes.labels(intent.medium.value, _RESULTS[type(outcome)], failure).inc()
    metrics.settle_batch.observe(count)
