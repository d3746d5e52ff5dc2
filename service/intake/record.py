"""Recording a group of events in one transaction: each step is one statement for all of them.

Events of the same client must see each other's effects, so a group is recorded in rounds in which every client occurs
once; nearly always there is one round.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from service.errors import AftercareError, Conflict, NotFound, Problem
from service.events import Event
from service.intake.answer import Standing, Taken, plan_line
from service.intake.courses import Planner, by_treatment
from service.intake.effects import Effects
from service.intake.entry import Entry
from service.intake.people import Contact, contact_of, record_people
from service.protocols import Protocol
from service.store.clinics import House, houses
from service.store.lanes import lower_next_due
from service.store.reminders import reminders_of
from service.store.treatments import (
    EventKey,
    insert_events,
    known_events,
    lock_treatments,
    save_courses,
    save_treatments,
    treatments_by_id,
)
from service.types import Json

Answer = Taken | AftercareError

OTHER_CONTENT = Problem("event-conflict", "id", "an event with this source and id but other content is stored")
OTHER_CLIENT = Problem(
    "treatment-of-another-client",
    "data.client.ref",
    "this treatment was reported for another client: give the visit an id of its own",
)


class Recorder:
    """Knows the protocols; everything else it reads in the transaction."""

    def __init__(self, protocols: Mapping[str, Protocol]) -> None:
        self._protocols = protocols
        self._planner = Planner(protocols)

    async def record(
        self, connection: AsyncConnection, entries: Sequence[Entry], now: datetime
    ) -> tuple[list[Answer], Effects]:
        """Record all entries; returns an answer to each, and what they changed in the schedule."""
        clinics = await houses(connection, [entry.clinic for entry in entries])
        await lock_treatments(connection, [entry.treatment for entry in entries])
        answers: dict[int, Answer] = {}
        effects = Effects()
        for numbers in _rounds(entries):
            round_ = [entries[number] for number in numbers]
            results = await self._record_round(connection, round_, clinics, effects, now)
            answers.update(zip(numbers, results, strict=True))
        await lower_next_due(connection, effects.due)
        return [answers[number] for number in range(len(entries))], effects

    async def _record_round(
        self,
        connection: AsyncConnection,
        entries: list[Entry],
        clinics: Mapping[str, House],
        effects: Effects,
        now: datetime,
    ) -> list[Answer]:
        answers: dict[EventKey, Answer] = {}
        stored = await treatments_by_id(connection, [entry.treatment for entry in entries])
        fit = [entry for entry in entries if _fits(entry, clinics, stored, answers)]
        contacts = {entry.key: contact_of(entry.event.data.client, clinics[entry.clinic].country) for entry in fit}
        new = await self._insert(connection, fit, stored, now)
        await self._answer_known(connection, [entry for entry in fit if entry.key not in new], contacts, answers)
        fresh = [entry for entry in fit if entry.key in new]
        people = await record_people(connection, fresh, contacts, now)
        await _save(connection, [entry for entry in fresh if new[entry.key] is not Standing.OUTDATED], new)
        courses = {(e.clinic, c) for e in fresh if new[e.key] is not Standing.OUTDATED for c in _courses(e, stored)}
        plans = await self._planner.plan(connection, courses, people, clinics, effects, now)
        unplanned = [entry.treatment for entry in fresh if entry.treatment not in plans]
        plans |= by_treatment(await reminders_of(connection, unplanned)) if unplanned else {}
        for entry in fresh:
            plan = plans.get(entry.treatment, ())
            answers[entry.key] = _taken(entry, new[entry.key], plan, contacts[entry.key], created=True)
        return [answers[entry.key] for entry in entries]

    async def _insert(
        self, connection: AsyncConnection, entries: list[Entry], stored: Mapping[tuple[str, str], Any], now: datetime
    ) -> dict[EventKey, Standing]:
        """Store the events whose key is new, with what becomes of each. The unique key decides between two at once."""
        if not entries:
            return {}
        standings = {
            entry.key: standing_of(entry.event, stored.get(entry.treatment), self._protocols) for entry in entries
        }
        rows = [_event_row(entry, standings[entry.key], now) for entry in entries]
        inserted = await insert_events(connection, rows)
        return {key: standing for key, standing in standings.items() if key in inserted}

    async def _answer_known(
        self,
        connection: AsyncConnection,
        entries: list[Entry],
        contacts: Mapping[EventKey, Contact],
        answers: dict[EventKey, Answer],
    ) -> None:
        """The same event again gets the same plan; other content under the same key is a conflict."""
        known = await known_events(connection, [entry.key for entry in entries])
        plans = by_treatment(
            await reminders_of(connection, [(row.clinic, row.treatment) for row in known.values()]) if known else []
        )
        for entry in entries:
            row = known[entry.key]
            if row.digest == entry.event.digest:
                plan = plans.get((row.clinic, row.treatment), [])
                answers[entry.key] = _taken(entry, Standing(row.state), plan, contacts[entry.key], created=False)
            else:
                answers[entry.key] = Conflict(OTHER_CONTENT)


def standing_of(event: Event, stored: Any, protocols: Collection[str]) -> Standing:
    """What becomes of an event, by the row of its treatment (None: a new one) and the protocols there are."""
    if stored is not None and _order(event) < _order_of_row(stored):
        return Standing.OUTDATED
    return Standing.PLANNED if event.data.treatment.protocol in protocols else Standing.UNMAPPED


def _rounds(entries: Sequence[Entry]) -> list[list[int]]:
    """The entries' numbers, in rounds in which each client, treatment and event occurs once; by (clinic, client)."""
    rounds: list[list[int]] = []
    turns: dict[tuple[str, ...], int] = {}
    for number, entry in enumerate(entries):
        names = (("client", *entry.client), ("treatment", *entry.treatment), ("event", *entry.key))
        turn = max(turns.get(name, 0) for name in names)
        turns.update(dict.fromkeys(names, turn + 1))
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(number)
    return [sorted(numbers, key=lambda number: entries[number].client) for numbers in rounds]


def _fits(
    entry: Entry,
    clinics: Mapping[str, House],
    stored: Mapping[tuple[str, str], Any],
    answers: dict[EventKey, Answer],
) -> bool:
    """Whether the event can be taken; if not, `answers` says why."""
    if entry.clinic not in clinics:
        answers[entry.key] = NotFound(Problem("unknown-clinic", "clinic", f"there is no clinic {entry.clinic!r}"))
        return False
    row = stored.get(entry.treatment)
    if row is not None and row.client != entry.event.data.client.ref:
        answers[entry.key] = Conflict(OTHER_CLIENT)
        return False
    return True


def _courses(entry: Entry, stored: Mapping[tuple[str, str], Any]) -> set[str]:
    """The course an event is about, and the one its treatment was in before a correction."""
    row = stored.get(entry.treatment)
    return {entry.course} if row is None else {entry.course, row.course}


def _order(event: Event) -> tuple[int, datetime, str]:
    version = event.data.treatment.version
    return (-1 if version is None else version, event.time, event.id)


def _order_of_row(row: Any) -> tuple[int, datetime, str]:
    return (-1 if row.version is None else row.version, row.as_of, row.event_id)


async def _save(connection: AsyncConnection, entries: list[Entry], standings: Mapping[EventKey, Standing]) -> None:
    """Courses and treatments as the newest events have them. Two events of one treatment can not be in one round."""
    if entries:
        await save_courses(connection, [_course_row(entry) for entry in entries])
        await save_treatments(connection, [treatment_row(entry, standings[entry.key]) for entry in entries])


def _event_row(entry: Entry, standing: Standing, now: datetime) -> Json:
    event = entry.event
    return {
        "clinic": entry.clinic,
        "source": event.source,
        "id": event.id,
        "type": event.type,
        "time": event.time,
        "received_at": now,
        "digest": event.digest,
        "body": event.body,
        "treatment": event.data.treatment.id,
        "state": standing.value,
    }


def _course_row(entry: Entry) -> Json:
    data = entry.event.data
    return {
        "clinic": entry.clinic,
        "id": entry.course,
        "client": data.client.ref,
        "protocol": data.treatment.protocol,
        "area": data.treatment.area,
        "created_at": entry.event.time,
    }


def treatment_row(entry: Entry, standing: Standing) -> Json:
    """The treatment as its newest event has it, as columns."""
    event, treatment, course = entry.event, entry.event.data.treatment, entry.event.data.course
    return {
        "clinic": entry.clinic,
        "id": treatment.id,
        "client": event.data.client.ref,
        "course": entry.course,
        "protocol": treatment.protocol,
        "kind": treatment.kind.value,
        "session": course.session,
        "of": course.of,
        "area": treatment.area,
        "location": treatment.location,
        "provider": treatment.provider,
        "note": treatment.note,
        "ended_at": treatment.ended_at,
        "version": treatment.version,
        "as_of": event.time,
        "event_source": event.source,
        "event_id": event.id,
        "state": "unmapped" if standing is Standing.UNMAPPED else "planned",
    }


def _taken(entry: Entry, standing: Standing, plan: Sequence[Any], contact: Contact, *, created: bool) -> Taken:
    return Taken(
        source=entry.event.source,
        id=entry.event.id,
        created=created,
        standing=standing,
        treatment=entry.event.data.treatment.id,
        plan=tuple(plan_line(row) for row in plan),
        warnings=(*entry.event.warnings, *contact.warnings),
    )
