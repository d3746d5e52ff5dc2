"""A clinic says what one of its own codes of a service means: from then on, and for all that waited for it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service.audit import Deed, note
from service.errors import BadInput, Problem
from service.intake.courses import Planner
from service.intake.drafts import Drafts
from service.intake.effects import Effects
from service.intake.entry import Entry, course_id
from service.intake.matters import Touched
from service.intake.people import People
from service.intake.ramp import Ramp
from service.protocols import Protocol
from service.protocols.values import misspelt_protocol
from service.store.appointments import codes_of_clinic, rename_protocol, save_code
from service.store.clients import lock_clients
from service.store.clinics import houses
from service.store.lanes import lower_next_due
from service.store.session import Database
from service.store.signals import notify
from service.store.treatments import (
    lock_matters,
    save_courses,
    save_treatments,
    unmapped_codes,
    unmapped_treatments,
)
from service.types import Json, ReminderState

_BATCH = 200
_SOON = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Mapped:
    """What became plannable: treatments, and how many reminders that made."""

    treatments: int = 0
    planned: int = 0
    past: int = 0
    """Steps whose time was over: recorded as skipped."""
    soon: int = 0
    """Of those planned: how many fall due at once, or within 24 hours."""

    def as_json(self) -> Json:
        reminders = {"planned": self.planned, "past": self.past, "due_within_24_hours": self.soon}
        return {"treatments": self.treatments, "reminders": reminders}


@dataclass(frozen=True, slots=True)
class _Planned:
    """A batch of treatments, and what that changes."""

    treatments: int
    effects: Effects
    soon: Collection[UUID] = ()
    """Its reminders that fall due soon."""
    not_soon: Collection[UUID] = ()
    """Reminders of the same courses that do not, though a batch before may have planned them to."""


async def map_code(
    database: Database,
    protocols: Mapping[str, Protocol],
    clinic: str,
    code: str,
    protocol: str,
    who: object,
    ramp: Ramp | None = None,
) -> Mapped:
    """Remember what the code means, and plan the treatments that were stored as unmapped under it.

    `ramp` spreads what is due already, as an import's does.

    Raises BadInput: `unknown-protocol`, `protocol-name` (a code must not be what a protocol is called).
    """
    _require_sensible(protocols, code, protocol)
    planner = Planner(protocols, ramp)
    treatments, effects, soon = 0, Effects(), set[UUID]()
    while True:

        async def work(connection: AsyncConnection, *, is_first: bool = not treatments) -> _Planned:
            now = await database.now(connection)
            await save_code(connection, clinic, code, protocol)
            await rename_protocol(connection, clinic, code, protocol)
            if is_first:
                await note(connection, clinic, who, Deed.CODE_MAPPED, now, about=code)
            return await _plan_some(connection, planner, clinic, code, protocol, now, effects.ramped)

        done = await database.transact(work)
        effects.add(done.effects)
        treatments += done.treatments
        soon = soon.union(done.soon).difference(done.not_soon)
        if not done.treatments:
            return Mapped(treatments, effects.planned, effects.past, len(soon))


async def codes_json(connection: AsyncConnection, clinic: str) -> list[Json]:
    """A clinic's own codes: what each means, and how many treatments wait for a meaning."""
    meant, waiting = await codes_of_clinic(connection, clinic), await unmapped_codes(connection, clinic)
    return [
        {"code": code, "protocol": meant.get(code), "waiting": waiting.get(code, 0)}
        for code in sorted({*meant, *waiting})
    ]


def _require_sensible(protocols: Mapping[str, Protocol], code: str, protocol: str) -> None:
    if protocol not in protocols:
        known, near = ", ".join(sorted(protocols)), misspelt_protocol(protocol, protocols)
        hint = f' (did you mean "{near}"?)' if near else ""
        sentence = f"there is no protocol {protocol!r}{hint}; known are {known}"
        raise BadInput(Problem("unknown-protocol", "protocol", sentence))
    if code in protocols:
        raise BadInput(
            Problem("protocol-name", "code", f"{code!r} is the name of a protocol: it always means that one")
        )


async def _plan_some(
    connection: AsyncConnection, planner: Planner, clinic: str, code: str, protocol: str, now: datetime, ramped: int
) -> _Planned:
    """Give the next treatments of this code their protocol, and plan them.

    `ramped`: how many reminders the batches before gave a day of their own.
    """
    effects = Effects(ramped=ramped)
    clinics = await houses(connection, [clinic], hold=True)  # first, as in every intake
    waiting = {row.id for row in await unmapped_treatments(connection, clinic, code, _BATCH)}
    await lock_matters(connection, [f"{clinic} {treatment}" for treatment in waiting])
    found = [row for row in await unmapped_treatments(connection, clinic, code, _BATCH) if row.id in waiting]
    if not found:
        return _Planned(0, effects)
    rows = [_mapped(row, code, protocol) for row in found]
    stored = await lock_clients(connection, [], {(clinic, row["client"]) for row in rows})
    people = People.known(stored)
    await save_courses(connection, [_course_row(row) for row in rows])
    await save_treatments(connection, rows)
    touched = Touched(courses={(clinic, row["course"]) for row in rows})
    drafts = await planner.plan(connection, touched, people, clinics, effects, _nobody, now)
    await lower_next_due(connection, effects.due)
    if effects.earliest is not None:
        await notify(connection, effects.earliest)
    return _Planned(len(rows), effects, *_by_when_due(drafts, {row["id"] for row in rows}, now + _SOON))


def _by_when_due(drafts: Drafts, treatments: Collection[str], soon: datetime) -> tuple[set[UUID], set[UUID]]:
    """The reminders of these treatments that fall due by then; and those of any treatment that do not."""
    reminders = [row for plan in drafts.plans.values() for row in plan]
    due = {row["id"] for row in reminders if row["state"] == ReminderState.SCHEDULED and row["due_at"] <= soon}
    ours = {row["id"] for row in reminders if row["treatment"] in treatments}
    return due & ours, {row["id"] for row in reminders} - due


def _mapped(row: Any, code: str, protocol: str) -> Json:
    """The treatment as one of that protocol; a course that was named by the code is named by the protocol."""
    named_by_code = row.course == course_id(row.client, code, row.area)
    course = course_id(row.client, protocol, row.area) if named_by_code else row.course
    return {**row._mapping, "protocol": protocol, "course": course, "state": "planned"}  # noqa: SLF001 - SQLAlchemy's documented accessor


def _course_row(row: Json) -> Json:
    return {**{name: row[name] for name in ("clinic", "client", "protocol", "area")}, "id": row["course"],
            "created_at": row["as_of"]}  # fmt: skip


def _nobody(*_: str) -> Entry | None:
    """No event made this change."""
    return None
