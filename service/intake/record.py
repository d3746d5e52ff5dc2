"""Recording a group of events in one transaction: each step is one statement for all of them.

Events about the same client or matter must see each other's effects, so a group is recorded in rounds in which each
occurs once; nearly always there is one round.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from service.audit import Deed, note
from service.errors import AftercareError, Conflict, NotFound, Problem
from service.events import ClientErased, Event
from service.intake.advice import warnings_of
from service.intake.answer import Change, Standing, Taken, change_of, in_order, plan_line
from service.intake.courses import Planner, by_treatment
from service.intake.drafts import Cause
from service.intake.effects import Effects
from service.intake.entry import Entry, Named
from service.intake.facts import Facts, facts_about, owners, standing_of
from service.intake.matters import Touched, record_matters
from service.intake.numbers import keep_count, watch_numbers
from service.intake.people import Contact, People, addresses, addresses_in, contact_of, record_people
from service.intake.ramp import Ramp
from service.protocols import Protocol
from service.pumping import UNCOUNTED, NumberCap
from service.store.appointments import protocols_of_codes
from service.store.clinics import House, houses
from service.store.erasure import bodies_about, erase_client
from service.store.lanes import lower_next_due
from service.store.reminders import decisions_of_events, reminders_of
from service.store.treatments import (
    EventKey,
    forget_events,
    insert_events,
    known_events,
    lock_matters,
    set_event_state,
)
from service.types import Json

Answer = Taken | AftercareError

OTHER_CONTENT = Problem("event-conflict", "id", "an event with this source and id but other content is stored")
ERASED = Problem(
    "client-erased",
    "data.client.ref",
    "this client's data was erased, so nothing about them is stored: one who comes back needs a reference of their own",
)


class Recorder:
    """Knows the protocols; everything else it reads in the transaction."""

    def __init__(
        self,
        protocols: Mapping[str, Protocol],
        most_alike: int | None = None,
        ramp: Ramp | None = None,
        number_cap: NumberCap = UNCOUNTED,
    ) -> None:
        """`most_alike`: so many new numbers alike within an hour pause a clinic's texts; None: nobody watches."""
        self._protocols = protocols
        self._most_alike = most_alike
        self._number_cap = number_cap
        self._planner = Planner(protocols, ramp)

    async def record(
        self, connection: AsyncConnection, entries: Sequence[Entry], now: datetime, ramped: int = 0
    ) -> tuple[list[Answer], Effects]:
        """Record all entries; returns an answer to each, and what they changed in the schedule.

        `ramped`: how many reminders the groups before gave a day of their own.
        """
        # Held: a clinic's change waits for plans by the old settings, and finds them all when it has them made anew.
        clinics = await houses(connection, [entry.clinic for entry in entries], hold=True)
        await lock_matters(connection, [" ".join(name) for entry in entries for name in _to_lock(entry)])
        entries = await self._mapped(connection, entries)
        answers: dict[int, Answer] = {}
        effects = Effects(ramped=ramped)
        for numbers in _rounds(entries):
            results = await self._record_round(connection, [entries[n] for n in numbers], clinics, effects, now)
            answers.update(zip(numbers, results, strict=True))
        if self._most_alike is not None:
            await watch_numbers(connection, effects.new_numbers, self._most_alike, now)
        await lower_next_due(connection, effects.due)
        return [answers[number] for number in range(len(entries))], effects

    async def _mapped(self, connection: AsyncConnection, entries: Sequence[Entry]) -> Sequence[Entry]:
        """The same entries; those that name a clinic's own code of a service know what it stands for."""
        codes = {(entry.clinic, entry.code) for entry in entries if entry.code and entry.code not in self._protocols}
        meant = await protocols_of_codes(connection, codes)
        return (
            [replace(entry, mapped=meant.get((entry.clinic, entry.code), "")) for entry in entries]
            if meant
            else entries
        )

    async def _record_round(
        self,
        connection: AsyncConnection,
        entries: list[Entry],
        clinics: Mapping[str, House],
        effects: Effects,
        now: datetime,
    ) -> list[Answer]:
        answers: dict[EventKey, Answer] = {}
        fit = [entry for entry in entries if _in_a_clinic(entry, clinics, answers)]
        facts = await facts_about(connection, fit)
        contacts = {entry.key: contact_of(entry.event, clinics[entry.clinic].country) for entry in fit}
        standings = await self._insert(connection, fit, facts, now)
        await self._answer_known(
            connection, [one for one in fit if one.key not in standings], contacts, clinics, answers
        )
        fresh = [entry for entry in fit if entry.key in standings]
        people = await record_people(connection, fresh, contacts, owners(fresh, facts), now)
        effects.new_numbers |= people.new_numbers
        await keep_count(connection, people.leaving, self._number_cap, now)
        fresh = await _refuse(connection, fresh, facts, people, answers)
        await _note_idle(connection, people, standings)
        touched = await record_matters(connection, fresh, standings, facts)
        await _erase(connection, fresh, people, clinics, touched, now)
        drafts = await self._planner.plan(connection, touched, people, clinics, effects, _causes(fresh, facts), now)
        plans = await _completed(connection, fresh, drafts.plans)
        for entry in fresh:
            changes = in_order(drafts.changes.get(entry.key, ()))
            plan = plans.get(entry.treatment, ()) if entry.treatment else ()
            house, standing = clinics[entry.clinic], standings[entry.key]
            warnings = warnings_of(entry, standing, contacts[entry.key], house, self._protocols)
            answers[entry.key] = _taken(entry, standing, plan, changes, warnings, created=True)
        return [answers[entry.key] for entry in entries]

    async def _insert(
        self, connection: AsyncConnection, entries: list[Entry], facts: Facts, now: datetime
    ) -> dict[EventKey, Standing]:
        """Store the events whose key is new, with what becomes of each. The unique key decides between two at once."""
        if not entries:
            return {}
        standings = {entry.key: standing_of(entry, facts, self._protocols) for entry in entries}
        rows = [_event_row(entry, facts, standings[entry.key], now) for entry in entries]
        inserted = await insert_events(connection, rows)
        return {key: standing for key, standing in standings.items() if key in inserted}

    async def _answer_known(
        self,
        connection: AsyncConnection,
        entries: list[Entry],
        contacts: Mapping[EventKey, Contact],
        clinics: Mapping[str, House],
        answers: dict[EventKey, Answer],
    ) -> None:
        """The same event again gets the same answer; other content under the same key is a conflict."""
        if not entries:
            return
        known = await known_events(connection, [entry.key for entry in entries])
        treatments = {(row.clinic, row.treatment) for row in known.values() if row.treatment}
        plans = by_treatment(await reminders_of(connection, treatments)) if treatments else {}
        changes = await _changes_of(connection, entries)
        for entry in entries:
            row = known[entry.key]
            if row.digest == entry.event.digest:
                plan = plans.get((row.clinic, row.treatment), [])
                standing = Standing(row.state)
                told = in_order(changes.get((entry.clinic, entry.name), ()))
                house, contact = clinics[entry.clinic], contacts[entry.key]
                warnings = warnings_of(entry, standing, contact, house, self._protocols)
                answers[entry.key] = _taken(entry, standing, plan, told, warnings, created=False)
            else:
                answers[entry.key] = Conflict(OTHER_CONTENT if row.digest else ERASED)


def _to_lock(entry: Entry) -> list[tuple[str, ...]]:
    return [name for name in (entry.treatment, entry.appointment) if name]


def _rounds(entries: Sequence[Entry]) -> list[list[int]]:
    """The entries' numbers, in rounds in which each client, treatment and event occurs once; by (clinic, client)."""
    rounds: list[list[int]] = []
    turns: dict[tuple[str, ...], int] = {}
    for number, entry in enumerate(entries):
        names = list(entry.matters())
        turn = max(turns.get(name, 0) for name in names)
        turns.update(dict.fromkeys(names, turn + 1))
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(number)
    return [sorted(numbers, key=lambda number: entries[number].client or ("", "")) for numbers in rounds]


def _in_a_clinic(entry: Entry, clinics: Mapping[str, House], answers: dict[EventKey, Answer]) -> bool:
    if entry.clinic in clinics:
        return True
    answers[entry.key] = NotFound(Problem("unknown-clinic", "clinic", f"there is no clinic {entry.clinic!r}"))
    return False


async def _refuse(
    connection: AsyncConnection, entries: list[Entry], facts: Facts, people: People, answers: dict[EventKey, Answer]
) -> list[Entry]:
    """Take back the events about clients whose data was erased before; returns the others."""
    refused = [
        entry
        for entry in entries
        if people.refused & {entry.client, facts.owner(entry)} and not isinstance(entry.event.data, ClientErased)
    ]
    if refused:
        await forget_events(connection, [entry.key for entry in refused])
        answers.update((entry.key, Conflict(ERASED)) for entry in refused)
    return [entry for entry in entries if entry.key not in answers]


async def _note_idle(connection: AsyncConnection, people: People, standings: dict[EventKey, Standing]) -> None:
    """What an update changed could only be told under its client's lock."""
    for key, standing in people.idle.items():
        standings[key] = standing
        await set_event_state(connection, key, standing.value)


async def _erase(
    connection: AsyncConnection,
    entries: Sequence[Entry],
    people: People,
    clinics: Mapping[str, House],
    touched: Touched,
    now: datetime,
) -> None:
    for entry in entries:
        if entry.client and isinstance(entry.event.data, ClientErased) and entry.client not in people.refused:
            row = people.clients[entry.client]
            own = {(medium, address) for _, medium, address in addresses({entry.client: row})}
            bodies = await bodies_about(connection, *entry.client)
            own |= addresses_in(bodies, clinics[entry.clinic].country)
            await erase_client(connection, *entry.client, own, entry.name, now)
            who = entry.by or f"event:{entry.name}"
            await note(connection, entry.clinic, who, Deed.CLIENT_ERASED, now, client=entry.client[1])
            people.clients[entry.client] = row | {"erased_at": now}
            touched.clients.add(entry.client)


def _causes(entries: Sequence[Entry], facts: Facts) -> Cause:
    """Which of these events a change comes from: the one about its treatment, else the one about its client."""
    by_name: dict[tuple[str, ...], Entry] = {}
    for entry in entries:
        names = (("treatment", entry.treatment), ("client", entry.client), ("client", facts.owner(entry)))
        for kind, name in names:
            if name:
                by_name.setdefault((kind, *name), entry)

    def cause(clinic: str, treatment: str, client: str) -> Entry | None:
        return by_name.get(("treatment", clinic, treatment)) or by_name.get(("client", clinic, client))

    return cause


async def _completed(
    connection: AsyncConnection, entries: Sequence[Entry], plans: Mapping[Named, Sequence[Any]]
) -> Mapping[Named, Sequence[Any]]:
    """These plans and those of treatments that were not planned just now."""
    unplanned = {entry.treatment for entry in entries if entry.treatment and entry.treatment not in plans}
    return {**plans, **by_treatment(await reminders_of(connection, unplanned))} if unplanned else plans


async def _changes_of(connection: AsyncConnection, entries: Collection[Entry]) -> dict[tuple[str, str], list[Change]]:
    """What these events changed when they were taken in, by (clinic, the event's name)."""
    found: dict[tuple[str, str], list[Change]] = {}
    for row in await decisions_of_events(connection, {(entry.clinic, entry.name) for entry in entries}):
        found.setdefault((row.clinic, row.event), []).append(change_of(row))
    return found


def _event_row(entry: Entry, facts: Facts, standing: Standing, now: datetime) -> Json:
    event = entry.event
    client = entry.client or facts.owner(entry)
    return {
        "clinic": entry.clinic,
        "source": event.source,
        "id": event.id,
        "type": event.type,
        "time": event.time,
        "received_at": now,
        "digest": event.digest,
        "body": _kept_of(event),
        "treatment": event.treatment or "",
        "client": client[1] if client else "",
        "state": standing.value,
    }


def _kept_of(event: Event) -> Json:
    """What is stored of an event: of one that asks to forget somebody, nothing but whom."""
    if isinstance(event.data, ClientErased):
        return {"type": event.type, "data": {"client": {"ref": event.client}}}
    return event.body


def _taken(
    entry: Entry,
    standing: Standing,
    plan: Sequence[Any],
    changes: tuple[Change, ...],
    warnings: tuple[Problem, ...],
    *,
    created: bool,
) -> Taken:
    return Taken(
        source=entry.event.source,
        id=entry.event.id,
        created=created,
        standing=standing,
        treatment=entry.event.treatment,
        plan=tuple(plan_line(row) for row in plan),
        changes=changes,
        warnings=warnings,
    )
