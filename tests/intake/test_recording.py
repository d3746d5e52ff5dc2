"""An event is recorded once and planned; whatever is wrong with one, the others of its group go on."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.clinics import NewPlace
from service.errors import AftercareError, Conflict, NotFound, Unavailable
from service.intake.answer import Standing, Taken
from service.store.tables import Client, Consent, Event, Reminder, Sender, Treatment, core
from service.types import Json
from tests.dispatch.acting import on_sqlite
from tests.support.house import CLINIC, NOON, House, clinic, open_house, read, visit

STEPS = ["same-day-aftercare", "day-1-sunscreen", "day-2-sensitivity-check", "day-6-actives", "next-session",
         "day-30-results-check", "next-session", "maintenance-due", "maintenance-due", "maintenance-due"]  # fmt: skip


async def answers(house: House, *values: Json, clinic: str = CLINIC) -> list[Taken | AftercareError]:
    return await house.intake.answers(clinic, [read(value, house.clock()) for value in values])


def codes(results: list[Taken | AftercareError]) -> list[str]:
    return [one.code if isinstance(one, AftercareError) else one.standing.value for one in results]


def lines(taken: Taken) -> dict[str, tuple[str, str]]:
    return {f"{line.step}/{line.occurrence}": (line.state, line.reason) for line in taken.plan}


async def test_an_event_is_created_once_and_answered_with_the_same_plan_ever_after(house: House) -> None:
    (first,) = await house.take(visit())
    assert (first.created, first.standing, first.treatment) == (True, Standing.PLANNED, "visit-8812")
    assert [line.step for line in first.plan] == STEPS
    house.clock.advance(hours=3)
    (second,) = await house.take(visit())
    assert not second.created
    assert second.as_json() == first.as_json()


async def test_the_answer_shows_each_line_with_its_time_in_utc_and_its_zone(house: House) -> None:
    (taken,) = await house.take(visit())
    line = taken.as_json()["plan"][1]
    assert line.pop("id")
    assert line == {
        "step": "day-1-sunscreen",
        "occurrence": 0,
        "purpose": "care",
        "medium": "sms",
        "state": "scheduled",
        "reason": None,
        "due_at": "2026-11-21T10:00:00Z",
        "expires_at": "2026-11-22T06:00:00Z",
        "zone": "Europe/London",
    }


async def test_other_content_under_the_same_key_is_a_conflict_and_changes_nothing(house: House) -> None:
    await house.take(visit())
    before = await house.rows(Reminder)
    with pytest.raises(Conflict) as conflict:
        await house.take(visit(treatment__note="changed", client__first_name="Grace"))
    assert conflict.value.code == "event-conflict"
    assert await house.rows(Reminder) == before
    (client,) = await house.rows(Client)
    assert client.first_name == "Ada"


async def test_one_bad_event_stops_no_other_of_its_group(house: House) -> None:
    await house.take(visit())
    results = await answers(
        house,
        visit(treatment__note="changed"),
        visit(id="e-2", treatment__id="visit-2", client__ref="c-2"),
        visit(id="e-3", client__ref="c-3"),
        visit(id="e-4", treatment__id="visit-4", client__ref="c-4", treatment__protocol="led-therapy"),
        visit(),
    )
    assert codes(results) == ["event-conflict", "planned", "outdated", "unmapped", "planned"]
    assert {row.ref for row in await house.rows(Client)} == {"c-17", "c-2", "c-3", "c-4"}
    assert len(await house.rows(Event)) == 4


async def test_an_event_that_the_database_refuses_stops_no_other_of_its_group(house: House) -> None:
    """Strict parsing keeps such events out; here one comes past it."""
    poison = read(visit(id="e-2", treatment__id="visit-2", client__ref="c-2"))
    object.__setattr__(poison.data.client, "first_name", "\ud800")
    good = [read(visit(id=f"e-{n}", treatment__id=f"visit-{n}", client__ref=f"c-{n}")) for n in (3, 4)]
    results = await house.intake.answers(CLINIC, [good[0], poison, good[1]])
    assert codes(results) == ["planned", "database-unavailable", "planned"]
    assert {row.id for row in await house.rows(Event)} == {"e-3", "e-4"}


async def test_the_same_event_twice_in_one_group_is_taken_once(house: House) -> None:
    first, second, third = await answers(house, visit(), visit(), visit(treatment__note="other"))
    assert isinstance(first, Taken)
    assert isinstance(second, Taken)
    assert (first.created, second.created) == (True, False)
    assert first.plan == second.plan
    assert codes([third]) == ["event-conflict"]


async def test_two_sessions_of_one_client_in_one_group_see_each_other(house: House) -> None:
    earlier = visit(id="e-1", treatment__id="visit-1", treatment__ended_at="2026-10-20T14:00:00Z", course__session=1)
    later = visit()
    await house.take(earlier, later)
    (again,) = await house.take(earlier)
    plan = lines(again)
    assert plan["day-30-results-check/0"] == ("cancelled", "newer-session")
    assert plan["next-session/1"] == ("cancelled", "newer-session")
    (newer,) = await house.take(later)
    assert lines(newer)["next-session/0"] == ("scheduled", "")


async def test_an_unknown_protocol_is_stored_as_unmapped_and_plans_nothing(house: House) -> None:
    (taken,) = await house.take(visit(treatment__protocol="led-therapy"))
    assert (taken.standing, taken.plan) == (Standing.UNMAPPED, ())
    (row,) = await house.rows(Treatment)
    assert (row.protocol, row.state) == ("led-therapy", "unmapped")
    (again,) = await house.take(visit(treatment__protocol="led-therapy"))
    assert (again.created, again.standing) == (False, Standing.UNMAPPED)


async def test_an_event_three_years_old_is_stored_with_every_step_skipped_as_past(house: House) -> None:
    old = visit(time="2023-11-20T15:05:00Z", treatment__ended_at="2023-11-20T15:00:00Z")
    (taken,) = await house.take(old)
    assert {(line.state, line.reason) for line in taken.plan} == {("skipped", "past")}
    assert (await house.dispatch()).intents == []
    assert house.intake.effects.past == len(taken.plan)


async def test_a_step_past_its_time_but_not_its_expiry_is_due_at_once(house: House) -> None:
    house.clock.moment = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
    (taken,) = await house.take(visit())
    assert lines(taken)["same-day-aftercare/0"] == ("skipped", "past")
    started = await house.dispatch()
    assert [intent.outgoing.to for intent in started.intents] == ["+447400123456"]


@on_sqlite
@pytest.mark.parametrize(
    ("phone", "problem"),
    [("07400 12345", "invalid-number"), ("ask her", "not-a-number"), ("020 7946 0018", "landline")],
)
async def test_a_bad_phone_is_stored_and_named_and_email_takes_its_place(
    house: House, phone: str, problem: str
) -> None:
    (taken,) = await house.take(visit(client__phone=phone))
    assert [(warning.code, warning.where) for warning in taken.warnings] == [(problem, "data.client.phone")]
    (client,) = await house.rows(Client)
    assert (client.phone, client.phone_given, client.phone_problem) == (None, phone, problem)
    assert {line.medium for line in taken.plan} == {"email"}
    (again,) = await house.take(visit(client__phone=phone))
    assert again.warnings == taken.warnings


async def test_a_bad_email_is_stored_and_named(house: House) -> None:
    (taken,) = await house.take(visit(client__email="ada at example"))
    assert [(warning.code, warning.where) for warning in taken.warnings] == [("invalid-email", "data.client.email")]
    (client,) = await house.rows(Client)
    assert (client.email, client.email_given) == (None, "ada at example")


@on_sqlite
@pytest.mark.parametrize(
    ("changes", "warned"),
    [
        ({"treatment__location": "soho"}, None),
        ({"treatment__location": ""}, None),
        ({"treatment__location": "Soho"}, ("unknown-location", "data.treatment.location", '(did you mean "soho"?)')),
        ({"treatment__location": "nowhere"}, ("unknown-location", "data.treatment.location", "; there are soho: ")),
        ({"client__phone": "+353851234567"}, ("country-not-allowed", "data.client.phone", "GB only")),
        ({"client__phone": "+18765551234"}, ("country-not-allowed", "data.client.phone", "sms_countries names JM")),
    ],
)
async def test_what_will_surprise_the_clinic_later_is_warned_of_at_once_and_again(
    house: House, changes: dict[str, str], warned: tuple[str, str, str] | None
) -> None:
    for created in (True, False):
        (taken,) = await house.take(visit(**changes))
        assert (taken.created, taken.standing) == (created, Standing.PLANNED)
        assert [(one.code, one.where) for one in taken.warnings] == ([warned[:2]] if warned else [])
        assert warned is None or warned[2] in taken.warnings[0].message


async def test_a_client_without_any_address_is_planned_and_skipped_when_due(house: House) -> None:
    event = visit(client__consent={})
    del event["data"]["client"]["phone"], event["data"]["client"]["email"]
    await house.take(event)
    house.clock.moment = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
    starts = [await house.dispatch() for _ in range(3)]
    assert [(start.intents, start.settled) for start in starts] == [([], 2), ([], 1), ([], 0)]
    settled = {row.step: (row.state, row.reason) for row in await house.rows(Reminder) if row.by == "worker"}
    assert settled == {
        "same-day-aftercare": ("expired", "expired"),
        "day-1-sunscreen": ("skipped", "no-address"),
    }


@on_sqlite
@pytest.mark.parametrize(
    ("client_zone", "location", "zone", "due"),
    [
        ("Asia/Tokyo", "ny", "Asia/Tokyo", datetime(2026, 11, 22, 1, tzinfo=UTC)),
        (None, "ny", "America/New_York", datetime(2026, 11, 21, 15, tzinfo=UTC)),
        (None, "soho", "Europe/London", datetime(2026, 11, 21, 10, tzinfo=UTC)),
        (None, "elsewhere", "Europe/London", datetime(2026, 11, 21, 10, tzinfo=UTC)),
    ],
)
async def test_the_zone_is_the_clients_else_the_locations_else_the_clinics(
    migrated_url: str, client_zone: str | None, location: str, zone: str, due: datetime
) -> None:
    places = (NewPlace("soho", "Glow Soho"), NewPlace("ny", "Glow New York", "America/New_York"))
    house = await open_house(migrated_url, clinic(places=places))
    (taken,) = await house.take(visit(client__time_zone=client_zone, treatment__location=location))
    (line,) = [line for line in taken.plan if line.step == "day-1-sunscreen"]
    assert (line.zone, line.due_at) == (zone, due)
    await house.intake.stop()
    await house.database.close()


async def test_a_client_who_moves_takes_all_coming_reminders_along(house: House) -> None:
    await house.take(visit())
    moved = visit(id="e-2", treatment__id="visit-2", treatment__protocol="hydrafacial", client__time_zone="Asia/Tokyo",
                  time="2026-11-20T15:06:00Z")  # fmt: skip
    await house.take(moved)
    (again,) = await house.take(visit())
    (line,) = [line for line in again.plan if line.step == "day-1-sunscreen"]
    assert (line.zone, line.due_at) == ("Asia/Tokyo", datetime(2026, 11, 22, 1, tzinfo=UTC))
    (sender,) = await house.rows(Sender, core(Sender).c.id == "sms")
    assert sender.next_due_at <= line.due_at


async def test_another_clinic_may_use_the_same_ids_and_never_sees_them(migrated_url: str) -> None:
    house = await open_house(migrated_url, clinic(), clinic(id="bright", name="Bright"))
    (ours,) = await house.take(visit())
    (theirs,) = await house.take(visit(client__first_name="Grace", treatment__note="theirs"), clinic="bright")
    assert ours.created
    assert theirs.created
    assert not {line.id for line in ours.plan} & {line.id for line in theirs.plan}
    assert {(row.clinic, row.first_name) for row in await house.rows(Client)} == {("bright", "Grace"), ("glow", "Ada")}
    await house.intake.stop()
    await house.database.close()


async def test_a_clinic_that_does_not_exist_is_named(house: House) -> None:
    with pytest.raises(NotFound) as missing:
        await house.take(visit(), clinic="nowhere")
    assert missing.value.code == "unknown-clinic"


async def test_a_version_may_be_as_large_as_a_time_in_milliseconds(house: House) -> None:
    (taken,) = await house.take(visit(treatment__version=1_763_650_800_000))
    assert taken.created
    (row,) = await house.rows(Treatment)
    assert row.version == 1_763_650_800_000


@pytest.mark.parametrize("depth", [150, 240, 249])
async def test_an_event_of_any_depth_that_is_taken_can_be_stored(house: House, depth: int) -> None:
    event = visit()
    inner: Any = "deep"
    for _ in range(depth):
        inner = [inner]
    event["extension"] = inner
    (taken,) = await house.take(event)
    assert taken.created
    (row,) = await house.rows(Event)
    assert row.body == event


async def test_what_the_client_agreed_to_is_kept_and_the_newest_word_wins(house: House) -> None:
    await house.take(visit())
    no_sms = visit(id="e-2", treatment__id="visit-2", time="2026-11-20T15:06:00Z", client__consent={"care": ["email"]})
    await house.take(no_sms)
    older = visit(id="e-0", treatment__id="visit-0", time="2026-11-20T15:04:00Z", client__consent={"care": ["sms"]})
    await house.take(older)
    granted = {(row.purpose, row.medium): (row.granted, row.source) for row in await house.rows(Consent)}
    assert granted == {
        ("care", "sms"): (False, "event /pms/glow e-2"),
        ("care", "email"): (True, "event /pms/glow e-2"),
        ("rebook", "sms"): (False, "event /pms/glow e-90211"),
        ("rebook", "email"): (True, "event /pms/glow e-90211"),
    }


async def test_an_older_event_does_not_change_what_a_newer_one_said_of_the_client(house: House) -> None:
    await house.take(visit())
    older = visit(id="e-0", treatment__id="visit-0", time="2026-11-19T15:04:00Z", client__first_name="Augusta",
                  client__phone="+447400123999", client__time_zone="Asia/Tokyo")  # fmt: skip
    await house.take(older)
    (client,) = await house.rows(Client)
    assert (client.first_name, client.phone, client.time_zone) == ("Ada", "+447400123456", "Europe/London")


async def test_what_a_newer_event_left_out_an_older_one_may_still_tell(house: House) -> None:
    short = visit(time="2026-11-20T15:06:00Z")
    short["data"]["client"] = {"ref": "c-17", "first_name": "Ada"}
    await house.take(short)
    await house.take(visit(id="e-0", treatment__id="visit-0"))
    (client,) = await house.rows(Client)
    assert (client.phone, client.email, client.time_zone) == ("+447400123456", "ada@example.com", "Europe/London")
    assert client.as_of == datetime(2026, 11, 20, 15, 6, tzinfo=UTC)


async def test_a_newer_event_replaces_what_it_gives_and_keeps_what_it_leaves_out(house: House) -> None:
    await house.take(visit())
    newer = visit(id="e-2", treatment__id="visit-2", time="2026-11-20T15:06:00Z")
    newer["data"]["client"] = {"ref": "c-17", "phone": "+447400123999"}
    await house.take(newer)
    (client,) = await house.rows(Client)
    assert (client.first_name, client.phone, client.email) == ("Ada", "+447400123999", "ada@example.com")


async def test_intake_tells_the_worker_of_the_earliest_due_time(house: House) -> None:
    told: list[datetime] = []
    house.intake._due = told.append
    await house.take(visit())
    assert told == [datetime(2026, 11, 20, 17, 0, tzinfo=UTC)]
    await house.take(visit(id="e-2", treatment__id="visit-2", treatment__protocol="led-therapy"))
    assert len(told) == 1


async def test_stopping_commits_what_is_queued_and_takes_nothing_more(house: House) -> None:
    taking = asyncio.create_task(house.take(visit()))
    await asyncio.sleep(0)
    await house.intake.stop()
    assert (await taking)[0].created
    with pytest.raises(Unavailable) as stopping:
        await house.take(visit(id="e-2"))
    assert stopping.value.code == "stopping"


async def test_a_caller_who_goes_away_leaves_the_event_stored_and_the_door_open(house: House) -> None:
    taking = asyncio.create_task(house.take(visit()))
    await asyncio.sleep(0)
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    (again,) = await house.take(visit())
    assert not again.created


async def test_a_group_larger_than_the_limit_is_committed_in_several(house: House) -> None:
    house.intake._limit = 3
    events = [visit(id=f"e-{n}", treatment__id=f"visit-{n}", client__ref=f"c-{n % 4}") for n in range(10)]
    assert all(taken.created for taken in await house.take(*events))
    assert len(await house.rows(Event, core(Event).c.received_at == NOON)) == 10


async def test_time_reported_and_time_treated_are_two_things(house: House) -> None:
    late = visit(time=(NOON + timedelta(hours=1)).isoformat(), treatment__ended_at="2026-11-18T15:00:00Z")
    (taken,) = await house.take(late)
    assert lines(taken)["day-1-sunscreen/0"] == ("skipped", "past")
    assert lines(taken)["day-2-sensitivity-check/0"] == ("scheduled", "")
