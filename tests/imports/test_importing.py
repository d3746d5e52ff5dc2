"""Imports, on both databases: every row is taken once or told, and an import goes on where it was."""

import json
import os
import stat
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from service.errors import AftercareError, Problem, Unavailable
from service.events import Event as TakenEvent
from service.imports import Journal, Progress, inspect, rehearsal
from service.intake.answer import Taken
from service.store.tables import Client, Consent, Event, ImportRun, Reminder, Treatment, core
from service.types import Json
from tests.imports.importing import (
    HEADER,
    ROW,
    counts,
    importer_of,
    ndjson,
    rejected,
    rejects_of,
    take_file,
    visits,
)
from tests.support.house import CLINIC, House, said, shipped, visit


async def stored(house: House) -> dict[str, int]:
    """Rows by table."""
    async with house.database.read() as connection:
        return {
            table.name: await connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in SQLModel.metadata.sorted_tables
        }


async def test_a_file_that_is_taken_twice_makes_no_doubles(house: House, tmp_path: Path) -> None:
    path = ndjson(tmp_path / "visits.ndjson", visits(500))
    assert counts((await take_file(house, path)).progress) == (500, 0, 0)
    first = await stored(house)
    assert (first["event"], first["treatment"], first["client"]) == (500, 500, 500)
    assert counts((await take_file(house, path)).progress) == (0, 500, 0)
    assert await stored(house) == first


async def test_an_import_counts_what_it_planned(house: House, tmp_path: Path) -> None:
    again = visit(id="e-2", treatment__id="visit-2", treatment__ended_at="2026-10-20T15:00:00Z", course__session=1)
    await take_file(house, ndjson(tmp_path / "visits.ndjson", [again, visit()]))
    rows = await house.rows(Reminder)
    assert house.intake.effects.planned == sum(row.state == "scheduled" for row in rows)
    assert house.intake.effects.past == sum(row.reason == "past" for row in rows)
    assert any(row.state == "cancelled" for row in rows)


BAD = {
    "not JSON": (b"{'id': 1}", "invalid-json"),
    "a list": (b"[]", "not-an-object"),
    "CP1252": (json.dumps(visit(client__first_name="Inés"), ensure_ascii=False).encode("cp1252"), "invalid-utf8"),
    "NUL": (json.dumps(visit(client__first_name="A\x00da")).encode(), "nul-character"),
    "half a surrogate pair": (json.dumps(visit(client__first_name="\ud83d")).encode(), "lone-surrogate"),
    "a key twice": (b'{"id": "e-1", "id": "e-2"}', "duplicate-key"),
    "ten megabytes": (b'{"id": "' + b"x" * 10_000_000 + b'"}', "line-too-long"),
    "no offset": (json.dumps(visit(treatment__ended_at="2026-11-20T15:00:00")).encode(), "naive-time"),
    "tomorrow's tomorrow": (json.dumps(visit(treatment__ended_at="2026-11-22T15:00:00Z")).encode(), "time-in-future"),
    "no such zone": (json.dumps(visit(client__time_zone="Mars/Base")).encode(), "unknown-zone"),
}


async def test_what_cannot_be_taken_is_told_by_its_line_and_the_rest_goes_in(house: House, tmp_path: Path) -> None:
    good = visits(len(BAD) + 1)
    lines = [part for value, (bad, _) in zip(good, BAD.values(), strict=False) for part in (value, bad)]
    path = ndjson(tmp_path / "visits.ndjson", [*lines, good[-1]])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    importer = await take_file(house, path, rows=3)
    assert counts(importer.progress) == (len(good), 0, len(BAD))
    assert [(reject["line"], reject["code"]) for reject in rejected(path)] == [
        (2 * number, code) for number, (_, code) in enumerate(BAD.values(), start=1)
    ]
    assert {row.id for row in await house.rows(Treatment)} == {f"visit-{number}" for number in range(len(good))}


async def test_the_rejects_file_holds_the_rows_for_their_owner_only(house: House, tmp_path: Path) -> None:
    wrong = visit(treatment__ended_at="soon", client__time_zone="Mars/Base")
    path = ndjson(tmp_path / "visits.ndjson", [visit(), wrong, b"caf\xe9"])
    await take_file(house, path)
    first, second = rejected(path)
    assert first == {
        "line": 2,
        "code": "invalid-time",
        "where": "data.treatment.ended_at",
        "message": "write the time as 2026-11-20T15:00:00Z",
        "further": [first["further"][0]],
        "input": json.dumps(wrong),
    }
    assert first["further"][0]["where"] == "data.client.time_zone"
    assert second["input"] == "caf\\xe9"
    assert stat.S_IMODE(rejects_of(path).stat().st_mode) == 0o600


async def test_rejects_of_an_earlier_import_do_not_stay(house: House, tmp_path: Path) -> None:
    path = ndjson(tmp_path / "visits.ndjson", [b"{"])
    await take_file(house, path)
    assert len(rejected(path)) == 1
    await take_file(house, ndjson(path, [visit()]))
    assert not rejects_of(path).exists()


async def test_a_row_that_intake_refuses_is_told_like_any_other(house: House, tmp_path: Path) -> None:
    path = ndjson(
        tmp_path / "visits.ndjson",
        [
            visit(),
            visit(treatment__note="other words"),
            said("client.erased", id="e-2", client={"ref": "c-18"}),
            visit(id="e-3", treatment__id="visit-3", client__ref="c-18"),
            visit(),
        ],
    )
    assert counts((await take_file(house, path)).progress) == (2, 1, 2)
    assert [(reject["line"], reject["code"]) for reject in rejected(path)] == [
        (2, "event-conflict"),
        (4, "client-erased"),
    ]


async def test_unmapped_outdated_and_odd_rows_are_taken_and_told(house: House, tmp_path: Path) -> None:
    path = ndjson(
        tmp_path / "visits.ndjson",
        [
            visit(treatment__version=2),
            visit(id="e-2", treatment__version=1),
            visit(id="e-3", treatment__id="visit-2", treatment__protocol="led-therapy", client__phone="999"),
            visit(id="e-4", treatment__id="visit-3", client__phone="999"),
        ],
    )
    importer = await take_file(house, path)
    assert counts(importer.progress) == (4, 0, 0)
    assert (importer.notes.unmapped, importer.notes.outdated) == (1, 1)
    (warning,) = importer.notes.warnings()
    assert (warning["code"], warning["where"], warning["rows"]) == ("invalid-number", "data.client.phone", 2)
    assert warning["first_lines"] == [3, 4]


class Killed(BaseException):
    """Ends an import as a kill would: nothing of ours runs after it."""


def kill(_: Progress) -> None:
    raise Killed


async def test_a_killed_import_goes_on_and_nothing_doubles(house: House, tmp_path: Path) -> None:
    values: list[Json | bytes] = [*visits(500)]
    values[60], values[450] = b"{", b"{"
    path = ndjson(tmp_path / "visits.ndjson", values)
    source = inspect(path, None)
    journal = Journal(house.database, CLINIC, source.digest)
    importer = importer_of(house, path, source=source, journal=journal, rows=50, watch=kill)
    with pytest.raises(Killed):
        await importer.run()
    reached = await journal.begin()
    assert 0 < reached.line < 500
    importer = await take_file(house, path, rows=50)
    taken, repeated, bad = counts(importer.progress)
    assert (taken + repeated, bad) == (498, 2)
    assert [reject["line"] for reject in rejected(path)] == [61, 451]
    assert (await stored(house))["event"] == 498


async def test_a_stopped_import_keeps_what_was_on_its_way(house: House, tmp_path: Path) -> None:
    path = ndjson(tmp_path / "visits.ndjson", visits(300))
    source = inspect(path, None)
    journal = Journal(house.database, CLINIC, source.digest)
    importer = importer_of(house, path, source=source, journal=journal, rows=20, watch=lambda _: importer.stop())
    await importer.run()
    reached = await journal.begin()
    assert importer.stopped
    assert reached.taken == reached.line == (await stored(house))["event"] < 300
    assert counts((await take_file(house, path, rows=20)).progress) == (300, 0, 0)


async def test_rejects_that_will_be_met_again_are_taken_away_first(house: House, tmp_path: Path) -> None:
    path = ndjson(tmp_path / "visits.ndjson", [b"{"] * 9)
    await take_file(house, path)
    with rejects_of(path).open("ab") as file:
        file.write(b'{"line": 10, "inp')
    importer_of(house, path, Progress(line=4))
    assert [reject["line"] for reject in rejected(path)] == [1, 2, 3, 4]


async def test_a_finished_import_begins_anew_and_so_does_a_file_that_was_changed(house: House, tmp_path: Path) -> None:
    path = ndjson(tmp_path / "visits.ndjson", [visit()])
    await take_file(house, path)
    (run,) = await house.rows(ImportRun)
    assert (run.offset, run.line, run.taken) == (0, 0, 1)
    before = inspect(path, None)
    path.write_bytes(path.read_bytes().replace(b"Ada", b"Ida"))
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert (inspect(path, None).size, inspect(path, None).digest == before.digest) == (before.size, False)


async def test_a_dry_run_tells_what_an_import_then_does_and_stores_nothing(house: House, tmp_path: Path) -> None:
    await house.take(visit(id="e-0", treatment__id="visit-0", client__ref="c-0"))
    day = "2026-11-19T15:00:00Z"
    path = ndjson(
        tmp_path / "visits.ndjson",
        [
            visit(id="e-0", treatment__id="visit-0", client__ref="c-0"),
            visit(id="x-8", treatment__id="visit-0", client__ref="c-8"),
            visit(id="x-9", treatment__id="visit-90", client__ref="c-0", course__session=3, treatment__ended_at=day),
            *visits(20, first=1),
            *(
                visit(id=f"n-{number}", treatment__id=f"next-{number}", client__ref=f"c-{number}", course__session=3)
                for number in range(1, 11)
            ),
            b"{",
        ],
    )
    before, planned_before = await stored(house), house.intake.effects.planned
    now = house.clock()
    soon = [now, datetime(2026, 11, 21, 15, 10, tzinfo=UTC)]
    async with rehearsal(house.database, shipped().protocols, CLINIC, now, soon) as rehearsed:
        dry = await take_file(house, path, rows=7, takes=rehearsed)
        planned, past, due = rehearsed.effects.planned, rehearsed.effects.past, await rehearsed.due_soon()
    assert await stored(house) == before
    waiting = await due_by(house, soon)
    real = await take_file(house, path, rows=7)
    assert counts(dry.progress) == counts(real.progress) == (32, 1, 1)
    assert planned == house.intake.effects.planned - planned_before
    assert past == house.intake.effects.past
    assert due == [after - ahead for after, ahead in zip(await due_by(house, soon), waiting, strict=True)]
    assert due[1] > due[0]


async def due_by(house: House, moments: Sequence[datetime]) -> list[int]:
    rows = await house.rows(Reminder, core(Reminder).c.state == "scheduled")
    return [sum(row.due_at <= moment for row in rows) for moment in moments]


async def test_a_row_without_a_time_does_not_outdate_what_was_said_since(house: House, tmp_path: Path) -> None:
    path = tmp_path / "visits.csv"
    path.write_text(f"{HEADER},phone,consent_care\n{ROW.replace('c-1', 'c-17')},07400 123499,sms\n")
    written = datetime(2026, 11, 20, 12, 0, tzinfo=UTC).timestamp()
    os.utime(path, (written, written))
    await house.take(visit(client__consent={"care": []}, time="2026-11-20T14:00:00Z"))
    assert counts((await take_file(house, path)).progress) == (1, 0, 0)
    (client,) = await house.rows(Client)
    assert client.phone == "+447400123456"
    assert {row.granted for row in await house.rows(Consent)} == {False}


async def test_rows_of_a_table_go_the_same_way(house: House, tmp_path: Path) -> None:
    path = tmp_path / "visits.csv"
    rows = [f"visit-{number},microneedling,2026-11-20T15:00:00Z,c-{number}" for number in range(5)]
    path.write_text("\n".join([HEADER, *rows, "visit-9,x", ""]))
    assert counts((await take_file(house, path, rows=2)).progress) == (5, 0, 1)
    assert counts((await take_file(house, path, rows=2)).progress) == (0, 5, 1)
    assert [(reject["line"], reject["where"], reject["input"]) for reject in rejected(path)] == [(7, "", "visit-9,x")]
    assert len(await house.rows(Event)) == 5


async def test_a_corrected_row_is_a_correction(house: House, tmp_path: Path) -> None:
    path = tmp_path / "visits.csv"
    path.write_text(f"{HEADER},note\n{ROW},no retinol\n")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    await take_file(house, path)
    path.write_text(f"{HEADER},note\n{ROW},no retinol for 10 days\n")
    assert counts((await take_file(house, path)).progress) == (1, 0, 0)
    (treatment,) = await house.rows(Treatment)
    assert treatment.note == "no retinol for 10 days"


async def test_a_place_in_a_table_is_told_by_its_column(house: House, tmp_path: Path) -> None:
    path = tmp_path / "visits.csv"
    path.write_text(f"{HEADER},phone\n{ROW},999\nvisit-2,microneedling,today,c-2,\n")
    importer = await take_file(house, path)
    assert [reject["where"] for reject in rejected(path)] == ["ended_at"]
    assert [warning["where"] for warning in importer.notes.warnings()] == ["phone"]


class OutOfService:
    """Takes the first events, then the database is gone."""

    def __init__(self, house: House, serves: int) -> None:
        self.house, self.serves = house, serves

    async def answers(self, clinic: str, events: Sequence[TakenEvent]) -> list[Taken | AftercareError]:
        self.serves -= 1
        if self.serves < 0:
            return [Unavailable(Problem("database-unavailable", "", "gone")) for _ in events]
        return await self.house.intake.answers(clinic, events)


async def test_a_database_that_is_gone_stops_the_import_and_rejects_nothing(house: House, tmp_path: Path) -> None:
    path = ndjson(tmp_path / "visits.ndjson", visits(100))
    source = inspect(path, None)
    journal = Journal(house.database, CLINIC, source.digest)
    importer = importer_of(house, path, source=source, journal=journal, rows=10, takes=OutOfService(house, 3))
    with pytest.raises(Unavailable):
        await importer.run()
    assert counts(await journal.begin()) == (30, 0, 0)
    assert rejected(path) == []
    assert counts((await take_file(house, path)).progress) == (100, 0, 0)


async def test_no_more_is_on_its_way_than_the_pace_allows(house: House, tmp_path: Path) -> None:
    most = 0

    class Counting:
        waiting = 0

        async def answers(self, clinic: str, events: Sequence[TakenEvent]) -> list[Taken | AftercareError]:
            nonlocal most
            self.waiting += 1
            most = max(most, self.waiting)
            answers = await house.intake.answers(clinic, events)
            self.waiting -= 1
            return answers

    path = ndjson(tmp_path / "visits.ndjson", visits(100))
    await importer_of(house, path, takes=Counting(), rows=5).run()
    assert most == 4
