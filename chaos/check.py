"""Was the promise kept? Pure: the provider's ledger and the database's rows are compared as values.

The ledger is the truth about what went out, the database about what we believe and show. Each rule below looks for one
way in which they may disagree; a run is within the promise when no rule finds anything.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from chaos.values import Attempt, Breach, Evidence, Finding, Reminder, Resent, Taken, Verdict
from service.types import AttemptState, IfUnknown, ReminderState

_WENT = frozenset({AttemptState.ACCEPTED, AttemptState.SENT, AttemptState.DELIVERED, AttemptState.UNDELIVERED})
_OPEN = frozenset({AttemptState.SENDING, AttemptState.UNKNOWN})
_SAYS_SENT = frozenset({ReminderState.SENT, ReminderState.DELIVERED, ReminderState.UNDELIVERED})
_LONG_ENOUGH = timedelta(seconds=25)
"""Longer than any misfortune of a schedule lasts: a worker that was up for so long must have come to everything."""
_WAITS = frozenset({ReminderState.SCHEDULED, ReminderState.SENDING})


def check(evidence: Evidence) -> Verdict:
    """Look at everything; the findings in the order of the rules."""
    findings = [finding for rule in _RULES for finding in rule(evidence)]
    resent = []
    for doubled in _doubles(evidence):
        if isinstance(doubled, Resent):
            resent.append(doubled)
        else:
            findings.append(doubled)
    return Verdict(findings, resent)


def _lost(evidence: Evidence) -> Iterator[Finding]:
    """What was acknowledged has a row; what is said to be sent was accepted; nothing due is forgotten."""
    rows = {(row.clinic, row.treatment, row.step) for row in evidence.reminders}
    for clinic, treatment, step in sorted(evidence.planned - rows):
        yield Finding(Breach.LOST, f"{clinic} {treatment} {step}", "its event was acknowledged, and there is no row")
    for row in evidence.reminders:
        accepted = any(one.token in evidence.taken_of for one in evidence.attempts_of.get(row.id, ()))
        if row.state in _SAYS_SENT and not accepted:
            yield Finding(Breach.LOST, _name(row), f"{row.state}, and the provider never accepted it")
        elif _forgotten(row, evidence):
            yield Finding(Breach.LOST, _name(row), f"{row.state} without ever having been started")


def _forgotten(row: Reminder, evidence: Evidence) -> bool:
    """It was due, its sender was open all the time, a worker was up for long enough, and nobody tried."""
    waited = row.state is ReminderState.EXPIRED or (row.state is ReminderState.SCHEDULED and _over(row, evidence))
    if not waited or row.fence or (row.clinic, row.sender or "") in evidence.paused:
        return False
    spans = (min(to, row.expires_at) - max(since, row.due_at) for since, to in evidence.attended)
    return max(spans, default=timedelta()) > _LONG_ENOUGH


def _unexpected(evidence: Evidence) -> Iterator[Finding]:
    for one in evidence.taken:
        if one.token not in evidence.by_token:
            yield Finding(Breach.UNEXPECTED, f"ledger line {one.line}", "no attempt of ours has this token")


def _late(evidence: Evidence) -> Iterator[Finding]:
    for attempt in evidence.attempts:
        row = evidence.by_id[attempt.reminder]
        if attempt.created_at >= row.expires_at and attempt.fence == row.fence:
            yield Finding(Breach.LATE, _name(row, attempt), f"started at {attempt.created_at}, after its expiry")
        for one in evidence.taken_of.get(attempt.token, ()):
            if one.at > row.expires_at + evidence.grace and attempt.fence == row.fence:
                yield Finding(Breach.LATE, _name(row, attempt), f"accepted at {one.at}, expired {row.expires_at}")
        earliest = evidence.earliest.get((row.clinic, row.treatment), row.intended_at)
        if attempt.created_at < earliest:
            yield Finding(Breach.LATE, _name(row, attempt), f"started early: {attempt.created_at} < {earliest}")


def _after_stop(evidence: Evidence) -> Iterator[Finding]:
    stopped = {(stop.clinic, stop.medium, stop.address): stop.at for stop in evidence.stops}
    for attempt in evidence.attempts:
        at = stopped.get((attempt.clinic, attempt.medium, attempt.recipient))
        if at is not None and attempt.created_at > at:
            how = f"started at {attempt.created_at}, after the STOP of {at}"
            yield Finding(Breach.AFTER_STOP, _name(evidence.by_id[attempt.reminder], attempt), how)


def _attempts_against_ledger(evidence: Evidence) -> Iterator[Finding]:
    """What an attempt says about its fate is what the ledger says."""
    for attempt in evidence.attempts:
        taken = evidence.taken_of.get(attempt.token, ())
        name = _name(evidence.by_id[attempt.reminder], attempt)
        for one in taken:
            if one.to != attempt.recipient or one.body_hash not in {"", attempt.body_hash}:
                yield Finding(
                    Breach.CONTRADICTION, name, f"ledger line {one.line} has another recipient or other words"
                )
        if attempt.state in _WENT and attempt.provider_id not in {one.provider_id for one in taken}:
            how = f"{attempt.state} as {attempt.provider_id}, which the ledger does not have for it"
            yield Finding(Breach.CONTRADICTION, name, how)
        if attempt.state is AttemptState.FAILED and attempt.receipt_at is None and taken:
            yield Finding(Breach.CONTRADICTION, name, f"failed ({attempt.code}), and the provider accepted it")
        if attempt.state is AttemptState.ABSENT and _lied(attempt, taken):
            yield Finding(Breach.CONTRADICTION, name, "absent, and the provider had accepted it before it was asked")


def _lied(attempt: Attempt, taken: Iterable[Taken]) -> bool:
    asked_at = attempt.empty_look_up
    return any(asked_at is None or one.at < asked_at for one in taken)


def _one_message_one_attempt(evidence: Evidence) -> Iterator[Finding]:
    holders: dict[str, Attempt] = {}
    for attempt in evidence.attempts:
        if attempt.provider_id is None:
            continue
        other = holders.setdefault(attempt.provider_id, attempt)
        if other is not attempt:
            how = f"two attempts hold the message {attempt.provider_id}"
            yield Finding(Breach.CONTRADICTION, _name(evidence.by_id[attempt.reminder], attempt), how)


def _reminders_against_attempts(evidence: Evidence) -> Iterator[Finding]:
    """A reminder's state follows from its attempts; at most one of them is open."""
    for row in evidence.reminders:
        attempts = evidence.attempts_of.get(row.id, ())
        went = [one for one in attempts if one.state in _WENT]
        if row.state in _SAYS_SENT and not went:
            yield Finding(Breach.CONTRADICTION, _name(row), f"{row.state}, and no attempt of it went")
        if row.state not in _SAYS_SENT | _WAITS and went and not _is_explained(row, attempts, went):
            yield Finding(Breach.CONTRADICTION, _name(row, went[-1]), f"{row.state} ({row.reason}), and it went")
        if sum(one.state is AttemptState.SENDING for one in attempts) > 1:
            yield Finding(Breach.CONTRADICTION, _name(row), "two attempts are being sent at once")


def _is_explained(row: Reminder, attempts: Sequence[Attempt], went: Sequence[Attempt]) -> bool:
    """Every message of it came back; or one went by the first channel, and a person is asked about the second."""
    if row.state is ReminderState.NEEDS_REVIEW:
        return attempts[-1] not in went
    return row.state is ReminderState.FAILED and all(one.state is AttemptState.UNDELIVERED for one in went)


def _unresolved(evidence: Evidence) -> Iterator[Finding]:
    for attempt in evidence.attempts:
        row = evidence.by_id[attempt.reminder]
        if attempt.state in _OPEN and row.state is not ReminderState.NEEDS_REVIEW:
            yield Finding(Breach.UNRESOLVED, _name(row, attempt), f"{attempt.state}, and nobody is told")
    for row in evidence.reminders:
        if row.state in _WAITS and _over(row, evidence):
            yield Finding(Breach.UNRESOLVED, _name(row), f"{row.state} ({row.reason}) beyond its expiry")


def _over(row: Reminder, evidence: Evidence) -> bool:
    return row.expires_at <= evidence.ended_at


def _doubles(evidence: Evidence) -> Iterator[Finding | Resent]:
    """Messages of one reminder and medium that were accepted more than once."""
    for attempts in evidence.attempts_of.values():
        for medium in sorted({one.medium for one in attempts}):
            ours = [one for one in attempts if one.medium == medium and one.token in evidence.taken_of]
            taken = [one for attempt in ours for one in evidence.taken_of[attempt.token]]
            if len(taken) > 1 and not _all_came_back(ours, taken):
                yield _double(evidence.by_id[ours[0].reminder], ours, taken)


def _all_came_back(ours: Sequence[Attempt], taken: Sequence[Taken]) -> bool:
    """Each message before the last was reported undelivered, and only then the next was sent."""
    back = (AttemptState.UNDELIVERED, AttemptState.FAILED)
    return len(ours) == len(taken) and all(one.state in back and one.receipt_at for one in ours[:-1])


def _double(row: Reminder, ours: Sequence[Attempt], taken: Sequence[Taken]) -> Finding | Resent:
    when = sorted(one.at for one in taken)
    asked = [one.empty_look_up for one in ours[:-1]]
    looked = len(ours) == len(taken) and all(asked)
    if row.if_unknown is IfUnknown.RESEND_IF_ABSENT and looked and asked[0] is not None:
        return Resent(_name(row, ours[0]), asked[0], when)
    how = f"accepted at {', '.join(moment.isoformat() for moment in when)}; policy {row.if_unknown}"
    return Finding(Breach.DOUBLED, _name(row, ours[0]), how)


def _name(row: Reminder, attempt: Attempt | None = None) -> str:
    name = f"{row.clinic} {row.treatment} {row.step} {row.id}"
    return f"{name} attempt {attempt.fence} ({attempt.medium} {attempt.id})" if attempt else name


_RULES = (
    _lost,
    _unexpected,
    _late,
    _after_stop,
    _attempts_against_ledger,
    _one_message_one_attempt,
    _reminders_against_attempts,
    _unresolved,
)
