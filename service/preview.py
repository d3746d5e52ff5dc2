"""What an event would make of itself, message by message, pure: nothing is stored and no clock is read.

The event is laid over what is known as intake would record it, its course is planned as intake would plan it, each
reminder is judged for its own time as a start would judge it, and written by the same words. So what a preview shows is
what will be sent, as long as nothing else happens.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from service.consent import other_media
from service.content import Content
from service.dispatch.judge import Defer, Expire, Reroute, Send, Skip, verdict_on
from service.dispatch.shared import as_addressed
from service.errors import Conflict, Problem
from service.events import Event
from service.intake.advice import warnings_of
from service.intake.answer import Standing
from service.intake.courses import existing_of, plan_of
from service.intake.drafts import planned_row
from service.intake.entry import Entry
from service.intake.facts import Facts, standing_of
from service.intake.matters import treatment_row
from service.intake.people import Contact, client_row, consent_rows, contact_of, merged
from service.intake.record import ERASED, OTHER_CONTENT
from service.plan import Existing, Planned
from service.protocols import Protocol
from service.store.clients import stands
from service.store.clinics import House
from service.store.known import Known
from service.store.templates import HELD
from service.types import Json, Medium, Purpose, SendMode
from service.words import Unwritable, Words, Written

_QUIET = "quiet-hours"


@dataclass(frozen=True, slots=True)
class Note:
    """What changes a message's way: a channel that may not be used, or the end of quiet hours to wait for."""

    medium: Medium
    code: str


@dataclass(frozen=True, slots=True)
class PreviewedMessage:
    """One message that would go out, or the reason why it would not. Instants are aware UTC.

    Codes are those of `reasons.sentence`.
    """

    step: str
    occurrence: int
    purpose: Purpose
    medium: Medium
    intended_at: datetime
    """What the protocol names, before any deferral."""
    send_at: datetime
    expires_at: datetime
    zone: str
    held_back: str
    """The code of what keeps it from going out; empty where nothing does."""
    notes: tuple[Note, ...]
    written: Written | None
    """None where the plan wants no message, or no words can be made."""
    unwritable: tuple[Problem, ...] = ()
    """Why no words can be made."""


@dataclass(frozen=True, slots=True)
class Preview:
    """An event's answer to be: its messages in order of time, and what the clinic would be told."""

    standing: Standing
    title: str
    """The protocol's; empty where it is not known."""
    zone: str
    messages: tuple[PreviewedMessage, ...]
    warnings: tuple[Problem, ...]


def preview(
    event: Event, house: House, known: Known, content: Content, now: datetime, words: Words | None = None
) -> Preview:
    """Look ahead from `now` at what a `treatment.completed` would do to a clinic about whose client this much is known.

    `words` know what the clinic has published and held; without them everything is said in the shipped words.
    Raises Conflict where intake would: the event's key with other content, a client whose data was erased.
    """
    entry = _entry(event, house, known)
    contact = contact_of(event, house.country)
    standing = _standing(entry, known, content)
    scene = _Scene(entry, house, known, contact, now, words or Words(content.templates, content.protocols))
    protocol = content.protocols.get(entry.protocol)
    planned = scene.plan(protocol) if protocol and standing is Standing.PLANNED else []
    messages = sorted((message for one in planned for message in scene.messages(one)), key=_order)
    return Preview(
        standing=standing,
        title=protocol.title if protocol else "",
        zone=scene.zone,
        messages=tuple(messages),
        warnings=warnings_of(entry, standing, contact, house, content.protocols),
    )


def _entry(event: Event, house: House, known: Known) -> Entry:
    meant = {row.code: row.protocol for row in known.codes}
    entry = Entry(house.id, event)
    return replace(entry, mapped=meant.get(entry.code, ""))


def _standing(entry: Entry, known: Known, content: Content) -> Standing:
    if any(row.erased_at is not None for row in known.clients if (row.clinic, row.ref) == entry.client):
        raise Conflict(ERASED)
    for row in known.events:
        if (row.clinic, row.source, row.id) == entry.key and row.digest != entry.event.digest:
            raise Conflict(OTHER_CONTENT)
    facts = Facts(
        treatments={(row.clinic, row.id): row for row in known.treatments},
        voids={(row.clinic, row.treatment): row for row in known.voids},
        appointments={},
    )
    return standing_of(entry, facts, content.protocols)


def _order(message: PreviewedMessage) -> tuple[datetime, str, int]:
    return message.intended_at, message.step, message.occurrence


class _Scene:
    """What would be known once the event is recorded."""

    def __init__(self, entry: Entry, house: House, known: Known, contact: Contact, now: datetime, words: Words) -> None:
        self._house = house
        self._known = known
        self._now = now
        self._words = words
        self._client = _client(entry, known, contact)
        self._treatment = treatment_row(entry, Standing.PLANNED)
        self._consents = _consents(entry, known)
        self._recipients = {(row.clinic, row.medium, row.address): row for row in known.recipients}
        self._reminders = _reminders(known, self._treatment["id"], self._client["ref"])

    @property
    def zone(self) -> str:
        return self._house.zone_for(self._client["time_zone"], self._treatment["location"])

    def plan(self, protocol: Protocol) -> list[Planned]:
        """The event's own treatment's part in the plan of its course."""
        new = self._treatment
        group = {name: new[name] for name in ("course", "client", "protocol")}
        others = [
            row
            for row in self._known.treatments
            if row.id != new["id"] and all(getattr(row, name) == value for name, value in group.items())
        ]
        treatments = [*others, SimpleNamespace(**new)]
        planned = plan_of(protocol, treatments, self._client, self._house, self._now, self._known.appointments)
        return [one for one in planned if one.treatment == new["id"]]

    def messages(self, planned: Planned) -> Iterator[PreviewedMessage]:
        due: Any = SimpleNamespace(**self._client, **_due(self._treatment, planned, self._client, self._house))
        existing = self._reminders.get((planned.step, planned.occurrence))
        if existing and not existing.open:
            yield self._message(due, planned, held_back="already-settled")
        elif planned.skip:
            yield self._message(due, planned, held_back=planned.skip)
        else:
            yield from self._way(due, planned)

    def _way(self, due: Any, planned: Planned) -> Iterator[PreviewedMessage]:
        """From verdict to verdict, as starts would make them one after the other."""
        at = max(planned.due_at, self._now)
        notes = [Note(Medium(due.medium), _QUIET)] if planned.due_at != planned.intended_at else []
        while True:
            match verdict_on(due, self._house, self._recipients, self._consents, at):
                case Send() if self._words.held(due, self._house):
                    yield self._written(due, planned, at, notes, held_back=HELD)
                    return
                case Send():
                    yield self._written(due, planned, at, notes)
                    later = other_media(due.media, due.medium) if due.send_mode == SendMode.ALL else []
                    if not later:
                        return
                    due, notes = _by(due, later[0]), []
                case Defer(until, reason):
                    at, notes = until, [*notes, Note(Medium(due.medium), reason)]
                case Reroute(medium, reason):
                    due, notes = _by(due, medium), [*notes, Note(Medium(due.medium), reason)]
                case Skip(reason) | Expire(reason):
                    yield self._written(due, planned, at, notes, held_back=reason)
                    return

    def _written(
        self, due: Any, planned: Planned, at: datetime, notes: list[Note], *, held_back: str = ""
    ) -> PreviewedMessage:
        try:
            written = self._words.write(as_addressed(due, self._recipients), self._house)
        except Unwritable as error:
            return self._message(due, planned, at, notes, held_back=held_back or error.code, unwritable=error.problems)
        return self._message(due, planned, at, notes, held_back=held_back, written=written)

    def _message(
        self,
        due: Any,
        planned: Planned,
        at: datetime | None = None,
        notes: list[Note] | None = None,
        *,
        held_back: str,
        written: Written | None = None,
        unwritable: tuple[Problem, ...] = (),
    ) -> PreviewedMessage:
        return PreviewedMessage(
            step=planned.step,
            occurrence=planned.occurrence,
            purpose=planned.purpose,
            medium=Medium(due.medium),
            intended_at=planned.intended_at,
            send_at=at or planned.due_at,
            expires_at=planned.expires_at,
            zone=planned.zone,
            held_back=held_back,
            notes=tuple(notes or ()),
            written=written,
            unwritable=unwritable,
        )


def _client(entry: Entry, known: Known, contact: Contact) -> Json:
    described = client_row(entry, contact)
    new = (
        described
        | dict.fromkeys(("sms_stopped_at", "email_stopped_at", "paused_until", "erased_at"))
        | {"locale_chosen": ""}
    )
    stored = (dict(row._mapping) for row in known.clients if row.ref == described["ref"])  # noqa: SLF001 - SQLAlchemy's documented accessor
    client = merged(next(stored, new), described, contact)
    return client | {"locale": client["locale_chosen"] or client["locale"]}


def _consents(entry: Entry, known: Known) -> dict[tuple[str, str, str, str], bool]:
    """The newest word on each purpose and medium."""
    stored = {(row.clinic, row.client, row.medium, row.purpose): row for row in known.consents}
    said = {key: row.granted for key, row in stored.items()}
    for row in consent_rows(entry):
        key = (row["clinic"], row["client"], row["medium"], row["purpose"])
        before = stored.get(key)
        if before is None or (row["at"] >= before.at and not stands(before)):
            said[key] = row["granted"]
    return said


def _reminders(known: Known, treatment: str, client: str) -> Mapping[tuple[str, int], Existing]:
    """Those of a treatment as this client's: what another client got of it is no obstacle."""
    own = (row for row in known.reminders if (row.treatment, row.client) == (treatment, client))
    rows = [dict(row._mapping) for row in own]  # noqa: SLF001 - SQLAlchemy's documented accessor
    return {(row["step"], row["occurrence"]): existing_of(row) for row in rows}


def _due(treatment: Json, planned: Planned, client: Json, house: House) -> Json:
    """The columns of a due reminder (`store.due`) but the client's."""
    names = ("protocol", "session", "of", "area", "location", "provider", "note", "ended_at")
    return {name: treatment[name] for name in names} | {"step": planned.step} | planned_row(planned, client, house)


def _by(due: Any, medium: Medium) -> Any:
    return SimpleNamespace(**vars(due) | {"medium": medium.value})
