"""What an operator types: a clinic, a key, and events from files, with sentences and exit codes to build on."""

import json
import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from service import clock
from service.clinics import NewSender, add_clinic
from service.store.session import Database
from service.types import Medium
from tests.acceptance.live import AT_ONCE, visit
from tests.conftest import new_migrated_file
from tests.support import house, terminal
from tests.support.processes import Ended, Processes

SENDERS = (NewSender(Medium.SMS, "+15005550006", 1000), NewSender(Medium.EMAIL, "care@glow.example", 1000))


class Desk:
    """A terminal in a folder with a database. What is typed runs in this process, unless a test asks for real ones."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._database = {"DATABASE_URL": "sqlite:///aftercare.db"}
        self.folder = processes.folder

    async def types(self, *words: str, given: Any = None) -> Ended:
        """`aftercare WORDS`; `given` is on standard input, as JSON."""
        told = b"" if given is None else orjson.dumps(given)
        return await terminal.types(*words, folder=self.folder, settings=self._database, given=told)

    async def starts(self, *words: str, given: Any = None) -> Ended:
        """The same as a process of its own."""
        file = None if given is None else self.file("given.json", given)
        return await self._processes.command(*words, given=file, settings=self._database)

    def file(self, name: str, value: Any) -> Path:
        path = self.folder / name
        path.write_bytes(orjson.dumps(value))
        return path


@pytest.fixture
async def desk(processes: Processes, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The database is there, without a clinic."""
    await new_migrated_file(processes.folder / "aftercare.db", tmp_path_factory.getbasetemp())
    return Desk(processes)


@pytest.fixture
async def open_desk(desk: Desk) -> Desk:
    """The clinic is there too."""
    database = Database(f"sqlite+aiosqlite:///{desk.folder}/aftercare.db")
    async with database.write() as connection:
        await add_clinic(connection, house.clinic(senders=SENDERS), clock.now())
    await database.close()
    return desk


async def test_a_clinic_is_added_once_listed_and_given_keys(desk: Desk) -> None:
    words = ("clinic", "add", "glow", "--name", "Glow Clinic", "--zone", "Europe/London", "--country", "GB",
             "--phone", "+44 20 7946 0018")  # fmt: skip
    added = await desk.starts(*words)
    assert (added.code, added.out.splitlines()) == (0, [
        "Added glow. Next: `aftercare key add --clinic glow`.",
        "Its clients are asked nothing until `aftercare clinic set --clinic glow --alert-email ADDRESS`.",
    ])  # fmt: skip
    again = await desk.starts(*words)
    assert (again.code, again.err) == (5, "aftercare: ID: there is a clinic glow already [clinic-exists]\n")
    listed = await desk.types("clinic", "list", "--json")
    (clinic,) = json.loads(listed.out)
    assert clinic.pop("created_at").endswith("+00:00")
    assert (listed.code, clinic) == (0, {
        "id": "glow", "name": "Glow Clinic", "time_zone": "Europe/London", "locale": "en", "country": "GB",
        "paused_at": None, "live": False,
    })  # fmt: skip
    key = await desk.types("key", "add", "--clinic", "glow")
    assert key.code == 0
    assert re.fullmatch(r"ac_[0-9a-f]{8}_\S{43}\n", key.out)
    nobody = await desk.types("key", "add", "--clinic", "dusk")
    assert nobody.code == 4
    assert nobody.err.startswith("aftercare: --clinic: there is no clinic dusk")


async def test_a_clinic_that_cannot_be_told_of_answers_is_named_until_it_has_an_alert_address(open_desk: Desk) -> None:
    about = "glow has no alert address, so its clients are asked nothing"
    assert about not in (await open_desk.types("check")).out
    wrong = await open_desk.types("clinic", "set", "--clinic", "glow", "--alert-email", "nobody")
    assert (wrong.code, "aftercare: --alert-email: " in wrong.err) == (2, True)
    taken = await open_desk.types("clinic", "set", "--clinic", "glow", "--alert-email", "")
    assert (taken.code, about in (await open_desk.types("check")).out) == (0, True)


async def test_an_event_from_a_file_is_recorded_once_and_its_plan_printed(open_desk: Desk) -> None:
    desk = open_desk
    file = desk.file("visit.json", visit(1, clock.now()))
    first = await desk.types("event", str(file), "--clinic", "glow")
    assert first.code == 0
    recorded, at_once, *_ = first.out.splitlines()
    assert recorded == "Recorded: treatment visit-1, planned."
    assert re.fullmatch(
        r"  \w{3} \d\d \w{3} \d{4} \d\d:\d\d Europe/London  sms    same-day-gentle-cleanser  scheduled", at_once
    )
    again = await desk.starts("event", "-", "--clinic", "glow", given=orjson.Fragment(file.read_bytes()))
    assert again.code == 0
    assert again.out.splitlines() == ["Known already: treatment visit-1, planned.", *first.out.splitlines()[1:]]


async def test_one_bad_event_of_a_batch_is_told_by_its_place_and_the_others_go_in(open_desk: Desk) -> None:
    now = clock.now()
    bad = visit(2, now)
    del bad["data"]["client"]["ref"]
    ended = await open_desk.types("event", "-", "--clinic", "glow", given=[visit(1, now), bad, visit(3, now)])
    assert ended.code == 2
    assert [line for line in ended.out.splitlines() if line[0] != " "] == [
        "Recorded: treatment visit-1, planned.",
        "Recorded: treatment visit-3, planned.",
    ]
    assert ended.err == "aftercare: [1].data.client.ref: this field is required [missing-field]\n"


async def test_a_file_that_cannot_be_read_is_told(desk: Desk) -> None:
    ended = await desk.types("event", "nowhere.json", "--clinic", "glow")
    assert (ended.code, ended.err) == (2, "aftercare: nowhere.json: no such file or directory [unreadable-file]\n")


async def test_a_reminder_is_found_told_of_and_called_off(open_desk: Desk) -> None:
    desk = open_desk
    await desk.types("event", "-", "--clinic", "glow", given=visit(1, clock.now()))
    listed = json.loads((await desk.types("reminder", "list", "--clinic", "glow", "--client", "c-1", "--json")).out)
    (reminder,) = [one["id"] for one in listed["reminders"] if one["step"] == AT_ONCE]
    told = await desk.types("reminder", "show", reminder, "--clinic", "glow")
    assert told.code == 0
    first, planned, step, *_, now, may = told.out.splitlines()
    assert first == f"{AT_ONCE} for c-1: scheduled. Times are those of Europe/London."
    assert planned.endswith("Event e-1 from /pms/glow reported it.")
    assert f"Its protocol has the step {AT_ONCE}: by SMS, else by email" in step
    assert now.startswith("  Now: It has been due since ")
    assert may.startswith("  You may: cancel, ")
    cancelled = await desk.types("reminder", "cancel", reminder, "--clinic", "glow")
    assert "Someone at the command line called it off." in cancelled.out
    assert cancelled.out.splitlines()[-2:] == ["  Now: It was called off.", "  You may: retry."]
    refused = await desk.types("reminder", "resolve", reminder, "--clinic", "glow", "--as", "sent")
    assert (refused.code, "[nothing-in-doubt]" in refused.err) == (5, True)
    assert (await desk.types("reminder", "show", reminder, "--clinic", "dusk")).code == 4


async def test_a_clinic_is_changed_paused_and_resumed(open_desk: Desk) -> None:
    desk = open_desk
    changed = await desk.types("clinic", "set", "--clinic", "glow", "--quiet-start", "21:00", "--name", "Glow Soho")
    assert (changed.code, changed.out) == (0, "Changed name, quiet_start of glow.\n")
    wrong = await desk.types("clinic", "set", "--clinic", "glow", "--zone", "Europe/Lodnon", "--quiet-end", "9")
    assert (wrong.code, wrong.err.count("[")) == (2, 2)
    assert (await desk.types("clinic", "pause", "--clinic", "glow")).out == "Paused glow.\n"
    shown = json.loads((await desk.types("clinic", "show", "--clinic", "glow", "--json")).out)
    assert (shown["name"], shown["quiet_start"], shown["time_zone"]) == ("Glow Soho", "21:00", "Europe/London")
    assert {sender["paused_reason"] for sender in shown["senders"]} == {"clinic-paused"}
    assert (await desk.types("clinic", "resume", "--clinic", "glow")).out == "Resumed glow.\n"
