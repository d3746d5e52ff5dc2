"""A preview shows what will be sent: by the same plans, verdicts and words, and without storing anything."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel
from typer.testing import CliRunner

from service.cli.main import app
from service.clinics import house_of
from service.errors import BadInput, Conflict, NotFound
from service.intake.answer import Standing
from service.links import sample_links
from service.preview import Preview, PreviewedMessage, preview
from service.reasons import SENTENCES
from service.sample import sample_clinic
from service.store.attempts import suppress
from service.store.clinics import houses
from service.store.known import Known, known_of
from service.store.tables import Client, Reminder, core
from service.types import Email, Json, Medium, Sms
from service.words import Words
from tests.support.house import CLINIC, NOON, House, read, said, shipped, visit

PROTOCOLS = sorted(shipped().protocols)
BOTH = {"care": ["sms", "email"], "rebook": ["sms", "email"]}


def alone(value: Json, now: datetime = NOON, links: str = "") -> Preview:
    """Without a database, in the sample clinic, whose messages link to this address."""
    words = Words(shipped().templates, shipped().protocols, sample_links(links))
    return preview(read(value, now), house_of(sample_clinic(), now), Known(), shipped(), now, words)


async def look(house: House, value: Json) -> Preview:
    now = house.clock()
    event = read(value, now)
    client = event.told
    assert client is not None
    async with house.database.read() as connection:
        found = (await houses(connection, [CLINIC]))[CLINIC]
        known = await known_of(
            connection,
            CLINIC,
            clients=[client.ref],
            treatments=[event.treatment or ""],
            appointments=[],
            events=[(event.source, event.id)],
            addresses=[("sms", client.phone or ""), ("email", client.email or "")],
        )
    return preview(event, found, known, shipped(), now)


def of(value: Json, number: int) -> Json:
    """The same event for a client, a visit and addresses of their own."""
    value["id"], value["data"]["treatment"]["id"] = f"e-{number}", f"visit-{number}"
    value["data"]["client"] |= {"ref": f"c-{number}"}
    for name, own in (("phone", f"+4474001234{number:02}"), ("email", f"client{number}@example.com")):
        if value["data"]["client"].get(name, "+44740").startswith(("+44740", "ada@")):
            value["data"]["client"][name] = own
    return value


CIRCUMSTANCES = [
    *(visit(treatment__protocol=code, client__consent=BOTH) for code in PROTOCOLS),
    *(visit(treatment__protocol=code, client__consent=BOTH, client__locale="es-MX") for code in PROTOCOLS),
    visit(),
    visit(client__consent={}),
    visit(client__consent={"care": [], "rebook": ["sms", "email"]}),
    visit(client__consent=BOTH, client__phone="not yet known"),
    visit(client__consent=BOTH, client__phone="020 7946 0018", client__email="none"),
    visit(client__consent=BOTH, client__time_zone="America/New_York"),
    visit(client__consent=BOTH, treatment__ended_at="2026-11-19T21:30:00Z"),
    visit(treatment__protocol="dermal-filler", treatment__ended_at="2026-11-20T21:30:00+09:00"),
    visit(client__consent=BOTH, treatment__ended_at="2026-10-20T15:00:00Z"),
    visit(client__consent=BOTH, treatment__kind="maintenance"),
    visit(client__consent=BOTH, treatment__kind="single"),
    visit(client__consent=BOTH, course__session=4),
    visit(treatment__protocol="laser-hair-removal", treatment__area="Upper Lip", client__consent=BOTH),
]


async def test_what_a_preview_shows_is_what_is_sent(house: House) -> None:
    values = [of(json.loads(json.dumps(value)), number) for number, value in enumerate(CIRCUMSTANCES)]
    looked = {value["data"]["treatment"]["id"]: await look(house, value) for value in values}
    for value in values:
        await house.take(value)
    sent = await walk(house, sorted({message.send_at for found in looked.values() for message in found.messages}))
    for visit_id, found in looked.items():
        expected = [line(message) for message in found.messages if not message.held_back]
        assert sorted(sent.get(visit_id, []), key=str) == sorted(expected, key=str), visit_id
    assert {one.held_back for found in looked.values() for one in found.messages} >= {
        "no-consent",
        "no-address",
        "past",
    }
    assert await reasons(house) == {
        (visit_id, one.step, one.occurrence): one.held_back
        for visit_id, found in looked.items()
        for one in found.messages
    }


def line(message: PreviewedMessage) -> tuple[str, int, datetime, object]:
    assert message.written is not None
    return message.step, message.occurrence, message.send_at, message.written.message


async def walk(house: House, moments: Sequence[datetime]) -> dict[str, list[tuple[str, int, datetime, object]]]:
    """Dispatch at each moment; what was sent, by visit."""
    sent: dict[str, list[tuple[str, int, datetime, object]]] = {}
    for house.clock.moment in [*moments, moments[-1] + timedelta(days=1)]:
        started = await house.dispatch(500)
        while started.intents or started.settled:
            rows = {row.id: row for row in await house.rows(Reminder)}
            for intent in started.intents:
                row = rows[intent.reminder]
                told = (row.step, row.occurrence, house.clock.moment, intent.outgoing.message)
                sent.setdefault(row.treatment, []).append(told)
            started = await house.dispatch(500)
    return sent


async def reasons(house: House) -> dict[tuple[str, str, int], str]:
    """Why each reminder was not sent; empty for those that were."""
    rows = await house.rows(Reminder)
    went = {"captured"}
    return {(row.treatment, row.step, row.occurrence): "" if row.state in went else row.reason for row in rows}


@pytest.mark.parametrize("locale", ["en", "es"])
@pytest.mark.parametrize("code", PROTOCOLS)
def test_every_protocol_can_be_previewed_without_a_database(code: str, locale: str) -> None:
    found = alone(visit(treatment__protocol=code, client__consent=BOTH, client__locale=locale))
    steps = {step.name for step in shipped().protocols[code].steps_for(None)}
    assert {message.step for message in found.messages} == steps
    assert found.title == shipped().protocols[code].title
    going = [message for message in found.messages if not message.held_back]
    assert going
    for message in going:
        assert message.written is not None
        assert message.written.locale.startswith(locale)
        assert message.send_at >= message.intended_at


def test_every_reason_that_a_preview_gives_has_a_sentence() -> None:
    for value in CIRCUMSTANCES:
        found = alone(value)
        codes = {message.held_back for message in found.messages} | {
            note.code for message in found.messages for note in message.notes
        }
        assert codes - {""} <= set(SENTENCES)


def test_a_channel_that_may_not_be_used_is_named_with_the_reason() -> None:
    found = alone(visit(client__consent={"care": ["sms", "email"], "rebook": ["email"]}))
    nudge = next(message for message in found.messages if message.step == "next-session")
    assert (nudge.medium, nudge.held_back) == (Medium.EMAIL, "")
    assert [(note.medium, note.code) for note in nudge.notes] == [(Medium.SMS, "no-consent")]


def test_what_waits_for_the_end_of_quiet_hours_says_so() -> None:
    late = visit(treatment__protocol="hydrafacial", treatment__ended_at="2026-11-20T21:30:00Z")
    found = alone(late, datetime(2026, 11, 20, 21, 40, tzinfo=UTC))
    deferred = [message for message in found.messages if any(note.code == "quiet-hours" for note in message.notes)]
    assert all(message.send_at > message.intended_at for message in deferred)
    for message in found.messages:
        if message.send_at > message.intended_at and message.send_at.hour == 9:
            assert message in deferred


def test_a_message_without_words_says_so() -> None:
    content = shipped()
    wordless = type(content)(content.protocols, type(content.templates)({}, content.templates.layout))
    found = preview(read(visit()), house_of(sample_clinic(), NOON), Known(), wordless, NOON)
    wanting = [message for message in found.messages if message.unwritable]
    assert {(message.held_back, message.written) for message in wanting} == {("no-words", None)}


def test_a_field_that_the_words_need_and_nobody_gave_is_named() -> None:
    bare = replace(house_of(sample_clinic(), NOON), phone="", urgent_phone="", places={})
    found = preview(read(visit()), bare, Known(), shipped(), NOON)
    day_1 = next(message for message in found.messages if message.step == "day-1-sunscreen")
    assert (day_1.held_back, day_1.written) == ("missing-field", None)
    assert "location.urgent_phone" in day_1.unwritable[0].message


def test_an_old_visit_makes_nothing_and_says_why() -> None:
    found = alone(visit(treatment__ended_at="2023-11-20T15:00:00Z"))
    assert {(message.held_back, message.written) for message in found.messages} == {("past", None)}


def test_a_protocol_that_is_not_known_makes_no_messages() -> None:
    found = alone(visit(treatment__protocol="led-therapy"))
    assert (found.standing, found.messages) == (Standing.UNMAPPED, ())


def test_a_bad_phone_is_named() -> None:
    assert [warning.code for warning in alone(visit(client__phone="999")).warnings] == ["invalid-number"]


def test_a_location_and_a_country_that_the_clinic_does_not_have_are_named() -> None:
    found = alone(visit(client__phone="+18765551234", treatment__location="nowhere"))
    assert [warning.code for warning in found.warnings] == ["country-not-allowed", "unknown-location"]


async def test_what_is_known_of_the_client_counts(house: House) -> None:
    await house.take(visit(course__session=3))
    async with house.database.write() as connection:
        await suppress(connection, CLINIC, "sms", "+447400123456", reason="stop", now=house.clock())
    bare = {"ref": "c-17"}
    last = visit(id="e-2", treatment__id="visit-9", treatment__ended_at="2026-11-20T15:06:00Z", course={}, client=bare)
    found = {(message.step, message.occurrence): message for message in (await look(house, last)).messages}
    day_1 = found["day-1-sunscreen", 0]
    assert (day_1.medium, [note.code for note in day_1.notes]) == (Medium.EMAIL, ["suppressed"])
    assert isinstance(day_1.written and day_1.written.message, Email)
    assert found["next-session", 0].held_back == "series-complete"
    assert found["maintenance-due", 0].held_back == ""


async def test_a_newer_session_in_the_database_takes_the_place_of_this_one(house: House) -> None:
    await house.take(visit(id="e-2", treatment__id="visit-9", course__session=3))
    older = visit(treatment__ended_at="2026-11-18T15:00:00Z", course__session=2)
    found = {message.step: message.held_back for message in (await look(house, older)).messages}
    assert found["next-session"] == "newer-session"
    assert found["day-6-actives"] == ""


async def test_a_stop_by_the_client_holds_back_what_has_no_other_channel(house: House) -> None:
    await house.take(visit())
    async with house.database.write() as connection:
        await connection.execute(
            core(Client).update().values(sms_stopped_at=house.clock(), email_stopped_at=house.clock())
        )
    found = await look(house, visit(id="e-2", time="2026-11-20T15:06:00Z"))
    assert {message.held_back for message in found.messages} == {"stopped"}


async def test_what_was_sent_already_is_not_announced_again(house: House) -> None:
    await house.take(visit())
    house.clock.moment = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
    await house.dispatch()
    correction = visit(id="e-2", time="2026-11-21T09:00:00Z")
    found = {message.step: message.held_back for message in (await look(house, correction)).messages}
    assert (found["day-1-sunscreen"], found["day-2-sensitivity-check"]) == ("already-settled", "")


async def test_an_outdated_event_makes_nothing(house: House) -> None:
    await house.take(visit(treatment__version=2))
    found = await look(house, visit(id="e-2", treatment__version=1))
    assert (found.standing, found.messages) == (Standing.OUTDATED, ())


async def test_what_intake_would_refuse_is_refused(house: House) -> None:
    await house.take(visit(), said("client.erased", id="e-2", client={"ref": "c-18"}))
    for value, code in (
        (visit(treatment__note="other words"), "event-conflict"),
        (visit(id="e-3", treatment__id="visit-3", client__ref="c-18"), "client-erased"),
    ):
        with pytest.raises(Conflict) as refused:
            await look(house, value)
        assert refused.value.code == code


async def test_an_appointment_holds_nudges_in_a_preview_too(house: House) -> None:
    booked = {"id": "appt-1", "starts_at": "2027-01-15T15:00:00Z", "protocol": "microneedling"}
    await house.take(said("appointment.booked", appointment=booked, client={"ref": "c-17"}))
    found = {(message.step, message.occurrence): message for message in (await look(house, visit())).messages}
    assert found["next-session", 0].intended_at.date().isoformat() == "2027-01-18"


async def test_a_visit_that_was_taken_back_before_it_was_reported_makes_nothing(house: House) -> None:
    await house.take(said("treatment.voided", treatment={"id": "visit-8812"}))
    found = await look(house, visit())
    assert (found.standing, found.messages) == (Standing.VOIDED, ())


async def test_a_preview_stores_nothing(house: House) -> None:
    before = await counts(house)
    await look(house, visit())
    assert await counts(house) == before


async def counts(house: House) -> dict[str, int]:
    async with house.database.read() as connection:
        return {
            table.name: await connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in SQLModel.metadata.sorted_tables
        }


@pytest.fixture
def visit_file(tmp_path: Path) -> Path:
    path = tmp_path / "visit.json"
    path.write_text(json.dumps(visit(client__consent=BOTH)))
    return path


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["preview", *map(str, arguments), "--at", NOON.isoformat()])


def test_the_command_prints_every_message_in_full_at_80_columns(visit_file: Path) -> None:
    done = run(visit_file)
    assert done.exit_code == 0, done.exception
    assert max(len(line) for line in done.stdout.splitlines()) <= 80
    assert "same-day-aftercare" in done.stdout
    assert "Sat 21 Nov 2026 10:00 Europe/London  sms, care, 1 segment GSM-7" in done.stdout
    words = " ".join(done.stdout.split())
    for message in alone(visit(client__consent=BOTH), links="http://127.0.0.1:8000").messages:
        assert message.written is not None
        assert " ".join(message.written.message.text.split()) in words


@pytest.mark.parametrize(
    ("environment", "link", "said"),
    [
        ({}, "http://127.0.0.1:8000/p/", "links lead to this machine"),
        ({"PUBLIC_URL": "https://care.glow-clinic-of-soho.example"}, "https://care.glow-clinic-of-soho.example/p/", ""),
        ({"SENDGRID_API_KEY": "SG.x"}, "", "carry no links"),
    ],
)
def test_the_command_prints_the_links_that_the_messages_will_carry(
    visit_file: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], link: str, said: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    shown = run(visit_file).stdout
    letters = shown.count("  email, ")
    assert " ".join(shown.split()).count(f"Choose which messages you get: {link}{'0' * 12}") == letters * bool(link)
    assert said in shown
    assert ("PUBLIC_URL is not set" in shown) is bool(said)


def test_the_command_tells_programs_the_same(visit_file: Path) -> None:
    done = run(visit_file, "--json")
    (found,) = json.loads(done.stdout)
    assert found["result"] == "planned"
    day_1 = next(message for message in found["messages"] if message["step"] == "day-1-sunscreen")
    assert day_1["local_time"] == "2026-11-21T10:00"
    assert day_1["sms"]["segments"] == 1
    assert day_1["held_back"] is None
    same_day = found["messages"][0]
    assert set(same_day["email"]) == {"subject", "preheader", "text"}
    texts = [
        message.written.message.text
        for message in alone(visit(client__consent=BOTH)).messages
        if message.written and isinstance(message.written.message, Sms)
    ]
    assert [message["sms"]["text"] for message in found["messages"] if "sms" in message] == texts


def test_each_event_of_a_list_is_previewed(tmp_path: Path) -> None:
    path = tmp_path / "visits.json"
    path.write_text(json.dumps([visit(), visit(id="e-2", treatment__protocol="led-therapy")]))
    assert [one["result"] for one in json.loads(run(path, "--json").stdout)] == ["planned", "unmapped"]


@pytest.mark.parametrize("moment", ["2026-11-20T15:00:00", "noon"])
def test_a_time_without_an_offset_is_refused(visit_file: Path, moment: str) -> None:
    done = CliRunner().invoke(app, ["preview", str(visit_file), "--at", moment])
    assert isinstance(done.exception, BadInput)
    assert done.exception.problems[0].where == "--at"


def test_a_wrong_event_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "visits.json"
    path.write_text(json.dumps([visit(), visit(client__time_zone="Mars/Base")]))
    done = run(path)
    assert isinstance(done.exception, BadInput)
    assert done.exception.problems[0].where == "[1].data.client.time_zone"


def test_a_clinic_that_is_not_there_is_named(visit_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/a.db")
    assert CliRunner().invoke(app, ["migrate"]).exit_code == 0
    assert isinstance(run(visit_file, "--clinic", "nowhere").exception, NotFound)
