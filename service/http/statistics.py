"""/v1/statistics: what became of messages, counted by day, step and channel; and what clients answered."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query

from service.errors import BadInput, Problem
from service.http.auth import Caller, Keys
from service.http.limits import Turns
from service.http.listing_shapes import StatisticsBody
from service.http.manners import Day, allowed, v1_router
from service.store.clinics import time_zone_of
from service.store.session import Database
from service.store.statistics import reminder_counts, replies_between, stops_between
from service.timing import local, moment
from service.types import Json, Medium, ReminderState

_MOST_DAYS = 92
_USUAL = timedelta(days=29)

_LEFT = (ReminderState.SENT, ReminderState.DELIVERED, ReminderState.UNDELIVERED)
_WAITING = (ReminderState.SCHEDULED, ReminderState.SENDING, ReminderState.NEEDS_REVIEW)
_PUT_AWAY = (ReminderState.SKIPPED, ReminderState.CANCELLED, ReminderState.EXPIRED)
_ALONE = (ReminderState.DELIVERED, ReminderState.UNDELIVERED, ReminderState.FAILED, ReminderState.CAPTURED)


def statistics_router(database: Database, keys: Keys) -> APIRouter:
    router, turns = v1_router(), Turns()

    @router.get("/v1/statistics", summary="Count messages and answers", tags=["Statistics"],
                response_model=StatisticsBody)  # fmt: skip
    async def statistics(
        caller: Annotated[Caller, allowed(keys, "plans:read")],
        first: Annotated[Day | None, Query(alias="from", description="The first day.")] = None,
        last: Annotated[Day | None, Query(alias="to", description="The last day.")] = None,
    ) -> Any:
        """At most 92 days; one end alone makes it 30, neither the 30 up to today. Erasing a client changes no sum."""
        async with turns.turn(caller.clinic), database.read() as connection:
            zone = await time_zone_of(connection, caller.clinic)
            today = local(await database.now(connection), zone).date()
            first, last = _period(first, last, today)
            since, until = _instants(first, last, zone)
            counts = await reminder_counts(connection, caller.clinic, first, last)
            replies = await replies_between(connection, caller.clinic, since, until)
            stops = {
                medium: await stops_between(connection, caller.clinic, medium.value, since, until) for medium in Medium
            }
        answers = _answers(replies, stops, zone)
        return {"from": first, "to": last, "zone": zone, "messages": _messages(counts), "answers": answers}

    return router


def _period(first: date | None, last: date | None, today: date) -> tuple[date, date]:
    """What is left out makes 30 days of it, up to today where neither is given."""
    try:
        if first is None:
            last = last or today
            return last - _USUAL, last
        return first, last or first + _USUAL
    except OverflowError:
        raise _too_long() from None


def _instants(first: date, last: date, zone: str) -> tuple[datetime, datetime]:
    """Where these days begin and end in the zone. Raises BadInput."""
    if not timedelta() <= last - first < timedelta(days=_MOST_DAYS) or not 1970 <= first.year <= last.year < 9999:
        raise _too_long()
    return moment(first, time(), zone), moment(last + timedelta(days=1), time(), zone)


def _too_long() -> BadInput:
    sentence = f"ask for 1 to {_MOST_DAYS} days, from the first to the last, of the years 1970 to 9998"
    return BadInput(Problem("invalid-period", "from", sentence))


def _messages(rows: Iterable[Any]) -> list[Json]:
    found: dict[tuple[str, ...], Json] = {}
    for row in rows:
        key = (row.day, row.protocol, row.step, row.medium)
        line = found.setdefault(key, _empty(*key))
        line["planned"] += row.count
        for name, states in (("waiting", _WAITING), ("sent", _LEFT)):
            line[name] += row.count if row.state in states else 0
        if row.state in _ALONE:
            line[row.state] += row.count
        elif row.state in _PUT_AWAY:
            line["skipped"][row.reason or row.state] += row.count
    return list(found.values())


def _empty(day: str, protocol: str, step: str, medium: str) -> Json:
    counts = dict.fromkeys(("planned", "waiting", "sent", *_ALONE), 0)
    return {"day": day, "protocol": protocol, "step": step, "medium": medium, **counts, "skipped": Counter()}


def _answers(replies: Iterable[datetime], stops: dict[Medium, Any], zone: str) -> list[Json]:
    days: dict[date, Json] = defaultdict(lambda: {"replies": 0, "opt_outs": dict.fromkeys(Medium, 0)})
    for at in replies:
        days[local(at, zone).date()]["replies"] += 1
    for medium, moments in stops.items():
        for at in moments:
            days[local(at, zone).date()]["opt_outs"][medium] += 1
    return [{"day": day, **days[day]} for day in sorted(days)]
