"""What dispatch counts. Labels are closed lists: no clinic, no person."""

from collections import Counter
from collections.abc import Sequence

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


def started(intents: Sequence[Intent]) -> None:
    for medium, count in Counter(intent.medium for intent in intents).items():
        metrics.reminders_started.labels(medium).inc(count)
    for intent in intents:
        metrics.lateness_seconds.observe(max(0.0, (intent.started_at - intent.due_at).total_seconds()))


def settled(group: Sequence[tuple[Intent, Outcome]]) -> None:
    for labels, count in Counter(_labels(intent, outcome) for intent, outcome in group).items():
        metrics.outcomes.labels(*labels).inc(count)
    metrics.settle_batch.observe(len(group))


def _labels(intent: Intent, outcome: Outcome) -> tuple[str, str, str]:
    failure = outcome.failure.value if isinstance(outcome, Retry | Rejected) else ""
    return intent.medium, _RESULTS[type(outcome)], failure
