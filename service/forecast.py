"""A clinic's preview of one event: read from the database what is known, look ahead, and tell it as JSON."""

from datetime import datetime

from service.content import Content
from service.desk import reason_json, utc
from service.errors import Problem
from service.events import Event
from service.intake.people import contact_of
from service.preview import Preview, PreviewedMessage, preview
from service.store.clinics import houses
from service.store.known import known_of
from service.store.session import Database
from service.timing import local
from service.types import Email, Json, Sms
from service.words import Words


async def preview_in(
    database: Database, clinic: str, event: Event, content: Content, words: Words, now: datetime
) -> Preview:
    """Look ahead with all that is known of the client; nothing is stored. Raises Conflict as intake would."""
    async with database.read() as connection:
        house = (await houses(connection, [clinic]))[clinic]
        await words.refresh(connection, [house])
        known = await known_of(
            connection,
            clinic,
            clients=[event.client] if event.client else [],
            treatments=[event.treatment] if event.treatment else [],
            appointments=[],
            events=[(event.source, event.id)],
            addresses=contact_of(event, house.country).addresses,
        )
    return preview(event, house, known, content, now, words)


def preview_json(event: Event, found: Preview, now: datetime) -> Json:
    return {
        "event": {"source": event.source, "id": event.id},
        "result": found.standing.value,
        "treatment": event.treatment,
        "at": utc(now),
        "messages": [_message_json(message) for message in found.messages],
        "warnings": [_problem(warning) for warning in found.warnings],
    }


def _message_json(message: PreviewedMessage) -> Json:
    return {
        "step": message.step,
        "occurrence": message.occurrence,
        "purpose": message.purpose.value,
        "medium": message.medium.value,
        "send_at": utc(message.send_at),
        "local_time": local(message.send_at, message.zone).isoformat(timespec="minutes"),
        "zone": message.zone,
        "intended_at": utc(message.intended_at),
        "expires_at": utc(message.expires_at),
        "held_back": reason_json(message.held_back) if message.held_back else None,
        "unwritable": [_problem(problem) for problem in message.unwritable],
        "notes": [{"medium": note.medium.value, **reason_json(note.code)} for note in message.notes],
        **_words_json(message),
    }


def _words_json(message: PreviewedMessage) -> Json:
    if message.written is None:
        return {}
    written = message.written
    about = {"locale": written.locale, "wording": written.version, "origin": written.origin.value}
    match message.written.message:
        case Sms(text, segments, encoding):
            return about | {"sms": {"text": text, "segments": segments, "encoding": encoding}}
        case Email(subject, preheader, _, text):
            return about | {"email": {"subject": subject, "preheader": preheader, "text": text}}


def _problem(problem: Problem) -> Json:
    return {"code": problem.code, "where": problem.where, "message": problem.message}
