"""What a clinic's system reported that makes no message: codes without a meaning, and events that were refused."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.console.desk import Desk, Visit
from service.protocols.values import misspelt_protocol
from service.store import visits
from service.store.refusals import KEPT_FOR, refusals_page

SHOWN = 10

_MEND_FIELD = "its form is not one that is taken; docs/events.md has an example of each event"
_MEND_TIME = "times need a date, a time and an offset, like 2026-11-20T15:00:00Z"
_MEND_JSON = "the message as a whole cannot be read; whoever looks after the connection must look at it"
_ADVICE: Mapping[str, str] = {
    "missing-field": "it is required, and was left out",
    "empty-field": "it may not be empty",
    "too-long": "its text is too long",
    "invalid-field": _MEND_FIELD,
    "not-an-object": _MEND_FIELD,
    "not-a-number": "it has to be a whole number",
    "unknown-event-type": "no event of this type is known; docs/events.md lists them",
    "invalid-time": _MEND_TIME,
    "naive-time": _MEND_TIME,
    "time-out-of-range": "the time lies outside of the years that are taken",
    "date-out-of-range": "the day lies outside of the years that are taken",
    "time-in-future": "it lies in the future: the clock of the system that sent it may be wrong",
    "booking-too-far": "the appointment lies too far ahead",
    "unknown-zone": "there is no such time zone; write one like Europe/London",
    "invalid-locale": "write the language as en, es or es-MX",
    "missing-course": "it does not say which course the appointment continues",
    "event-conflict": "an event of this name came before and said something else; each needs a name of its own",
    "client-erased": "this person was erased; one who comes back needs a new reference",
    **dict.fromkeys(
        (
            "invalid-json",
            "invalid-utf8",
            "too-deep",
            "lone-surrogate",
            "nul-character",
            "duplicate-key",
            "not-storable",
        ),
        _MEND_JSON,
    ),
}


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A code that no protocol is called by: how many visits came with it, when the latest ended, and the protocol that
    was probably meant, if any."""

    code: str
    visits: int
    latest: Any
    near: str


@dataclass(frozen=True, slots=True)
class Refused:
    """An event that was not taken, and by place what is wrong there."""

    row: Any
    problems: Sequence[tuple[str, str]]


async def unmapped(desk: Desk, visit: Visit) -> list[Unmapped]:
    """One more than is shown, where there are more."""
    protocols = desk.parts.authors.content.protocols
    rows = await visits.unmapped(visit.connection, visit.clinic, limit=SHOWN + 1)
    return [Unmapped(row.code, row.visits, row.latest, misspelt_protocol(row.code, protocols)) for row in rows]


async def refused(visit: Visit) -> list[Refused]:
    """Those of the last 30 days that have not been taken since; one more than is shown, where there are more."""
    rows = await refusals_page(visit.connection, visit.clinic, since=visit.now - KEPT_FOR, limit=SHOWN + 1)
    return [Refused(row, list(_told(row.problems))) for row in rows]


def _told(problems: Sequence[Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    for problem in problems:
        yield problem["where"], _ADVICE.get(problem["code"], problem["code"].replace("-", " "))
