"""/v1/clinics: a platform sets clinics up over HTTP alone, by keys that read nothing of them."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from service.http.keeping import Keeping
from service.http.limits import RateLimit
from service.replanning import Replanning
from service.store.keys import PLATFORM
from service.store.tables import (
    ApiKey,
    Audit,
    Clinic,
    KeptAnswer,
    Location,
    PlatformAnswer,
    PlatformKey,
    Reminder,
    Sender,
    core,
)
from tests.dispatch.acting import TEN, many_due, on_sqlite, the
from tests.http.platform_cases import AURORA
from tests.http.serving import Answer, Web, serving
from tests.support.house import House, shipped, visit

pytestmark = on_sqlite

sender, reminder = core(Sender), core(Reminder)


@pytest.fixture
async def platform(web: Web) -> Web:
    return Web(web.house, web.port, await web.issue(clinic=PLATFORM), web.client)


async def ask(web: Web, method: str, path: str, body: Any = None, **how: Any) -> Answer:
    given = None if body is None else orjson.dumps(body)
    return await web.send(method, "/v1/clinics" + path, given, **how)


async def done(web: Web, method: str, path: str, body: Any = None, **how: Any) -> Any:
    answer = await ask(web, method, path, body, **how)
    assert answer.status in {200, 201}, answer.text
    return answer.json


async def test_a_clinic_is_set_up_and_goes_live_over_http_alone(platform: Web) -> None:
    whole = AURORA | {"alert_email": "desk@aurora.example", "locations": [{"id": "quay", "name": "The Quay"}],
                      "quiet_email": True, "forget_after_months": 84}  # fmt: skip
    made = await ask(platform, "POST", "", whole)
    assert (made.status, made.headers["location"]) == (201, "/v1/clinics/aurora")
    assert (made.json["quiet_email"], made.json["forget_after_months"]) == (True, 84)
    assert made.json["locations"][0] | {"id": "quay", "name": "The Quay"} == made.json["locations"][0]
    (line,) = [one for one in (await done(platform, "GET", ""))["clinics"] if one["id"] == "aurora"]
    assert (line["mode"], line["paused_at"]) == ("outbox", None)
    await done(platform, "PUT", "/aurora/service-codes/MN-60", {"protocol": "microneedling"})
    await done(platform, "PUT", "/aurora/senders/email", {"address": "care@aurora.example"})
    key = (await done(platform, "POST", "/aurora/keys", {"scopes": ["events:write", "plans:read", "operator"]}))["key"]
    review = orjson.dumps({"clinician": "Dr Lee", "reader": "Grace"})
    assert (await platform.send("PUT", "/v1/protocols/microneedling/reviews/en", review, key=key)).status == 200
    event = visit(treatment__protocol="MN-60", client__phone="+353851234567", client__time_zone="Europe/Dublin")
    assert (await platform.post(event, key=key)).json["result"] == "planned"
    platform.house.clock.moment = TEN
    (intent,) = (await platform.house.dispatch()).intents
    assert (intent.clinic, intent.kept_for) == ("aurora", "")
    lines = [(line.act, line.who[:8]) for line in await platform.house.rows(Audit, core(Audit).c.clinic == "aurora")]
    acts = ["clinic-added", "code-mapped", "sender-changed", "key-issued"]
    assert lines[:4] == [(act, "key:acp_") for act in acts]
    assert [one["id"] for one in (await done(platform, "GET", "?mode=live"))["clinics"]] == ["aurora", "glow"]


async def test_clinics_are_listed_a_page_at_a_time_and_by_what_they_are(platform: Web) -> None:
    for name, number in (("aurora", "+447400123477"), ("bright", "+447400123478")):
        await done(platform, "POST", "", AURORA | {"id": name, "sms_from": number})
    await done(platform, "POST", "/bright/pause")
    first = await done(platform, "GET", "?limit=2")
    assert ([one["id"] for one in first["clinics"]], first["next"]) == (["aurora", "bright"], "bright")
    last = await done(platform, "GET", f"?limit=2&cursor={first['next']}")
    assert ([one["id"] for one in last["clinics"]], last["next"]) == (["glow"], None)
    for query, expected in (("?paused=true", ["bright"]), ("?paused=false", ["aurora", "glow"]),
                            ("?mode=outbox", ["aurora", "bright"]), ("?mode=live&paused=true", [])):  # fmt: skip
        assert [one["id"] for one in (await done(platform, "GET", query))["clinics"]] == expected, query


REFUSED: list[tuple[dict[str, Any], int, str, str]] = [
    ({"id": "glow"}, 409, "clinic-exists", "id"),
    ({"sms_from": "+447400123400"}, 409, "sender-taken", "sms_from"),
    ({"id": "Aurora"}, 422, "invalid-clinic", "id"),
    ({"time_zone": "Europe/Dublyn"}, 422, "unknown-zone", "time_zone"),
    ({"sms_from": "+44"}, 422, "invalid-number", "sms_from"),
    ({"caps": {"care": {"most": 0, "days": 1}}}, 422, "invalid-field", "caps.care.most"),
    ({"locations": [{"id": "a", "name": "A"}, {"id": "a", "name": "B"}]}, 422, "given-twice", "locations.1.id"),
]


async def test_what_cannot_be_added_is_refused_and_leaves_nothing(platform: Web) -> None:
    for changes, status, code, where in REFUSED:
        answer = await ask(platform, "POST", "", AURORA | changes)
        assert answer.is_problem(status, code), answer.text
        assert answer.json["errors"][0]["where"] == where
    assert len(await platform.house.rows(Clinic)) == 1


def told(answer: Any) -> dict[str, tuple[str, str]]:
    assert answer.status == 422, answer.text
    return {one["where"]: (one["code"], one["message"]) for one in answer.json["errors"]}


async def test_all_that_is_wrong_with_a_clinic_is_told_at_once_by_what_was_written(platform: Web) -> None:
    body = {
        "id": "Aurora", "country": "Ireland", "time_zone": "Europe/Dublyn", "quiet_start": "8pm", "quiet_email": "no",
        "sms_from": "+44", "email_from": "care", "brand": {"color": "teal", "logo": "http://a"}, "urgent": "999",
        "caps": {"care": {"most": 0, "days": 1}, "fun": {"most": 1, "days": 1}},
        "locations": [{"id": "a", "name": " "}, {"name": 5, "phone": "x"}, {"id": "a", "name": "B"}, 7],
    }  # fmt: skip
    found = told(await ask(platform, "POST", "", body))
    assert {where: code for where, (code, _) in found.items()} == {
        "id": "invalid-clinic", "name": "invalid-field", "country": "invalid-field", "phone": "invalid-field",
        "time_zone": "unknown-zone", "quiet_start": "invalid-field", "quiet_email": "invalid-field",
        "sms_from": "invalid-number", "email_from": "invalid-email", "brand.color": "invalid-field",
        "brand.logo": "invalid-address", "urgent": "invalid-field", "caps.care.most": "invalid-field",
        "caps.fun": "invalid-field", "locations.1.id": "invalid-field", "locations.1.name": "invalid-field",
        "locations.3": "invalid-field",
    }  # fmt: skip
    assert found["country"][1] == "write the country as two capital letters, like GB"
    assert found["phone"][1] == "this is required: messages name a number to call: give the clinic's"
    assert found["quiet_start"][1] == "write an hour of the day like 20:00"
    assert found["brand.color"][1] == 'write "colour" or "logo"'
    body["locations"] = [{"id": "a", "name": " "}, {"name": 5, "phone": "x"}, {"id": "a", "name": "B"}]
    places = [where for where in told(await ask(platform, "POST", "", body)) if where.startswith("locations")]
    assert sorted(places) == ["locations.0.name", "locations.1.id", "locations.1.name", "locations.1.phone",
                              "locations.2.id"]  # fmt: skip


async def test_a_body_that_is_nested_too_deep_is_refused_as_a_whole(platform: Web) -> None:
    body = b'{"id": "aurora", "locations": ' + b"[" * 300 + b"]" * 300 + b"}"
    answer = await platform.send("POST", "/v1/clinics", body)
    assert answer.status == 422, answer.text


@pytest.mark.parametrize(
    ("method", "path", "body", "codes"),
    [
        ("PATCH", "/glow", {"name": 5, "country": "GBR", "phone": "x", "caps": {"care": {"most": 99, "days": 1}}},
         {"name": "invalid-field", "country": "invalid-field", "phone": "invalid-number",
          "caps.care.most": "invalid-field"}),
        ("PATCH", "/glow", {"phone": "020 7946 0018 0019", "quiet_email": 1},
         {"phone": "invalid-number", "quiet_email": "invalid-field"}),
        ("PUT", "/glow/locations/soho", {"phone": "x", "zone": "Europe/London", "time_zone": "nowhere"},
         {"phone": "invalid-number", "zone": "invalid-field", "time_zone": "unknown-zone"}),
        ("PUT", "/glow/locations/%20a", {"phone": "x"},
         {"location": "invalid-location", "name": "empty-field", "phone": "invalid-number"}),
        ("PUT", "/glow/senders/sms", {"address": "+", "messaging_service": "MG1"},
         {"address": "invalid-number", "messaging_service": "invalid-number"}),
        ("PUT", "/glow/senders/email", {"address": "care"}, {"address": "invalid-email"}),
    ],
)  # fmt: skip
async def test_so_is_what_is_wrong_with_a_change(
    platform: Web, method: str, path: str, body: dict[str, Any], codes: dict[str, str]
) -> None:
    found = told(await ask(platform, method, path, body))
    assert {where: code for where, (code, _) in found.items()} == codes


async def test_a_clinic_is_changed_only_as_it_was_seen(platform: Web) -> None:
    seen = (await ask(platform, "GET", "/glow")).headers["etag"]
    caps = {"caps": {"care": {"most": 1, "days": 2}, "review": {"most": 1, "days": 30}}}
    changed = await ask(platform, "PATCH", "/glow", caps, **{"If-Match": seen})
    assert (changed.status, changed.json["caps"]) == (200, caps["caps"])
    assert changed.headers["etag"] != seen
    stale = await ask(platform, "PATCH", "/glow", {"name": "Glow"}, **{"If-Match": seen})
    assert stale.is_problem(412, "clinic-changed")
    again = await done(platform, "PATCH", "/glow", {"caps": {"care": None}}, **{"If-Match": changed.headers["etag"]})
    assert again["caps"] == {"review": {"most": 1, "days": 30}}
    assert (await ask(platform, "PATCH", "/glow", {})).is_problem(422, "nothing-to-set")
    lines = [(line.act, line.about, line.who[:8]) for line in await platform.house.rows(Audit)]
    assert lines == [("clinic-changed", "caps", "key:acp_")] * 2


async def test_a_clinic_that_is_added_again_is_found_in_the_same_place(platform: Web) -> None:
    first, again = [await ask(platform, "POST", "", AURORA, **{"Idempotency-Key": "one"}) for _ in range(2)]
    assert (again.status, again.headers["idempotency-replayed"]) == (201, "true")
    assert again.headers["location"] == first.headers["location"] == "/v1/clinics/aurora"


async def test_a_key_is_shown_once_even_where_the_request_is_repeated(platform: Web) -> None:
    body, headers = {"scopes": ["plans:read"], "lasts_days": 90}, {"Idempotency-Key": "one"}
    first = await done(platform, "POST", "/glow/keys", body, **headers)
    again = await ask(platform, "POST", "/glow/keys", body, **headers)
    assert (again.json, again.headers["idempotency-replayed"]) == (first | {"key": None}, "true")
    assert first["key"] not in str(await platform.house.rows(PlatformAnswer))
    assert await platform.house.rows(KeptAnswer) == []
    assert (await ask(platform, "POST", "/glow/pause", **headers)).is_problem(409, "idempotency-key-reused")
    assert (await platform.send("GET", "/v1/clinic", key=first["key"])).status == 200
    new = await done(platform, "POST", f"/glow/keys/{first['prefix']}/rotate", {"grace_hours": 0})
    assert (new["scopes"], new["expires_at"] is None) == (["plans:read"], False)
    assert (await ask(platform, "DELETE", f"/glow/keys/{new['prefix']}")).status == 204
    for path, method in ((f"/glow/keys/{new['prefix']}/rotate", "POST"), ("/glow/keys/00000000", "DELETE")):
        assert (await ask(platform, method, path)).is_problem(404, "unknown-key")
    assert (await ask(platform, "POST", "/glow/keys", {"scopes": ["platform"]})).is_problem(422, "unknown-scope")
    listed = (await done(platform, "GET", "/glow/keys"))["keys"]
    assert {one["prefix"] for one in listed} == {row.prefix for row in await platform.house.rows(ApiKey)}
    assert not [one for one in listed if "key" in one or "digest" in one]
    platform.house.clock.advance(hours=25)
    await Keeping(platform.house.database).run()
    assert await platform.house.rows(PlatformAnswer) == []
    assert [line.act for line in await platform.house.rows(Audit)] == ["key-issued", "key-issued", "key-ended",
                                                                       "key-ended"]  # fmt: skip


async def test_a_sender_is_set_up_capped_held_back_and_let_go_on(platform: Web) -> None:
    line = await done(platform, "PUT", "/glow/senders/sms", {"daily_cap": 500, "rate": 2.5})
    assert (line["daily_cap"], line["rate"], line["address"]) == (500, 2.5, "+447400123400")
    assert (await done(platform, "PUT", "/glow/senders/sms", {"daily_cap": None}))["daily_cap"] is None
    held = await done(platform, "POST", "/glow/senders/sms/pause")
    assert held["paused"]["reason"]["code"] == "paused-by-hand"
    assert (await ask(platform, "POST", "/glow/senders/sms/pause")).is_problem(409, "sender-paused")
    assert (await done(platform, "POST", "/glow/senders/sms/resume"))["paused"] is None
    await done(platform, "POST", "/glow/pause")
    assert (await ask(platform, "POST", "/glow/senders/sms/resume")).is_problem(409, "clinic-paused")
    acts = [line.act for line in await platform.house.rows(Audit)]
    assert acts == [*["sender-changed"] * 2, "sender-paused", "sender-resumed", "clinic-paused"]
    assert (await ask(platform, "PUT", "/glow/senders/sms", {})).is_problem(422, "nothing-to-set")
    for body, code in (({"address": "+4"}, "invalid-number"), ({"rate": 0}, "invalid-field")):
        assert (await ask(platform, "PUT", "/glow/senders/sms", body)).is_problem(422, code)
    assert (await ask(platform, "PUT", "/glow/senders/email", {"address": "care"})).is_problem(422, "invalid-email")


async def test_what_was_planned_without_a_sender_follows_once_there_is_one(platform: Web) -> None:
    async with platform.house.database.write() as connection:
        await connection.execute(sender.delete().where(sender.c.id == "sms"))
    assert (await ask(platform, "POST", "/glow/senders/sms/pause")).is_problem(404, "unknown-sender")
    await platform.house.take(visit(client__email=None))
    assert (await the(platform.house)).sender is None
    await done(platform, "POST", "/glow/pause")
    made = await done(platform, "PUT", "/glow/senders/sms", {"address": "+447400123499"})
    assert made["paused"]["reason"]["code"] == "clinic-paused"
    (row, lane) = await the(platform.house), await the_lane(platform)
    assert (row.sender, lane.next_due_at) == ("sms", row.due_at)
    async with platform.house.database.write() as connection:  # as a plan does that knew of no sender and is saved late
        await connection.execute(reminder.update().values(sender=None))
    await Replanning(platform.house.database, shipped().protocols).run()
    assert (await the(platform.house)).sender == "sms"
    await done(platform, "POST", "/glow/resume")
    platform.house.clock.moment = row.due_at
    assert len((await platform.house.dispatch()).intents) == 1


async def test_a_sender_whose_day_is_full_goes_on_at_once_where_its_cap_is_raised(platform: Web) -> None:
    house = platform.house
    await done(platform, "PUT", "/glow/senders/sms", {"daily_cap": 2})
    await many_due(house, 3)
    assert len((await house.dispatch()).intents) == 2
    reader, late = await platform.issue("plans:read"), (await waiting(house)).id
    story = await platform.send("GET", f"/v1/reminders/{late}", key=reader)
    assert "the clinic has sent as much as it may in a day (2 segments of text)" in story.json["story"]["now"]
    expected = (TEN + timedelta(hours=24)).isoformat().replace("+00:00", "Z")
    for listed in (await done(platform, "GET", "/glow/senders"),
                   (await platform.send("GET", "/v1/clinic/senders", key=reader)).json):  # fmt: skip
        assert {one["id"]: one["full_until"] for one in listed["senders"]} == {"sms": expected, "email": None}
    await done(platform, "PUT", "/glow/senders/sms", {"daily_cap": None})
    assert len((await house.dispatch()).intents) == 1


async def waiting(house: House) -> Any:
    reminder = core(Reminder)
    (row,) = await house.rows(Reminder, reminder.c.state == "scheduled", reminder.c.step == "day-1-sunscreen")
    return row


async def the_lane(web: Web) -> Any:
    (lane,) = await web.house.rows(Sender, sender.c.id == "sms")
    return lane


async def test_locations_come_change_and_go(platform: Web) -> None:
    path = "/glow/locations/room%202%2Fblue"
    made = await done(platform, "PUT", path, {"name": "Blue room", "time_zone": "Europe/Paris"})
    assert (made["id"], made["time_zone"], made["phone"]) == ("room 2/blue", "Europe/Paris", "")
    assert (await done(platform, "PUT", path, {"phone": "+44 20 7946 0018"}))["name"] == "Blue room"
    assert (await ask(platform, "PUT", path, {"time_zone": "Europe/Paree"})).is_problem(422, "unknown-zone")
    assert (await ask(platform, "PUT", "/glow/locations/new", {"phone": "111 22"})).is_problem(422, "empty-field")
    assert (await ask(platform, "PUT", path, {"urgent_phone": "12"})).is_problem(422, "invalid-number")
    assert (await ask(platform, "PATCH", "/glow", {"phone": "abc"})).is_problem(422, "invalid-number")
    assert (await done(platform, "PATCH", "/glow", {"phone": "(020) 7946 0018"}))["phone"] == "(020) 7946 0018"
    assert (await ask(platform, "PUT", f"/glow/locations/{'x' * 101}", {"name": "X"})).is_problem(
        422, "invalid-location"
    )
    assert [one["id"] for one in (await done(platform, "GET", "/glow/locations"))["locations"]] == [
        "room 2/blue",
        "soho",
    ]
    assert (await ask(platform, "DELETE", path)).status == 204
    assert (await ask(platform, "DELETE", path)).is_problem(404, "unknown-location")
    assert [row.id for row in await platform.house.rows(Location)] == ["soho"]
    acts = [(line.act, line.about) for line in await platform.house.rows(Audit)]
    assert acts == [*[("location-changed", "room 2/blue")] * 2, ("clinic-changed", "phone"),
                    ("location-removed", "room 2/blue")]  # fmt: skip


async def test_a_code_that_gets_a_meaning_plans_what_waited_for_it(platform: Web) -> None:
    await platform.house.take(visit(treatment__protocol="MN-60"))
    assert (await done(platform, "GET", "/glow/service-codes"))["codes"] == [
        {"code": "MN-60", "protocol": None, "waiting": 1}
    ]
    mapped = await done(platform, "PUT", "/glow/service-codes/MN-60", {"protocol": "microneedling"})
    assert (mapped["treatments"], mapped["reminders"]["planned"] > 5) == (1, True)
    assert mapped["reminders"]["due_within_24_hours"] == 2
    assert len(await platform.house.rows(Reminder)) > 5
    assert [(line.act, line.about) for line in await platform.house.rows(Audit)] == [("code-mapped", "MN-60")]
    path = "/glow/service-codes/MN-30"
    assert (await ask(platform, "PUT", path, {"protocol": "needling"})).is_problem(422, "unknown-protocol")
    taken = await ask(platform, "PUT", "/glow/service-codes/microneedling", {"protocol": "microneedling"})
    assert taken.is_problem(422, "protocol-name")
    assert (await ask(platform, "PUT", f"/glow/service-codes/{'x' * 201}", {"protocol": "x"})).is_problem(
        422, "too-long"
    )


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("+44 7400 123456", "+447400123456"),
        ("+44 (0)7400-123456", "+447400123456"),
        ("07400 123456", "+447400123456"),
        ("60123", "60123"),
        ("GLOW 2000", "GLOW 2000"),
    ],
)
async def test_a_number_to_send_from_may_be_written_as_people_write_it(
    platform: Web, written: str, stored: str
) -> None:
    changed = await done(platform, "PUT", "/glow/senders/sms", {"address": written})
    assert (changed["address"], (await the_lane(platform)).address) == (stored, stored)
    other = AURORA | {"country": "GB", "sms_from": written}
    assert (await ask(platform, "POST", "", other)).is_problem(409, "sender-taken")


async def test_a_key_of_the_wrong_kind_is_told_which_kind_it_takes(platform: Web) -> None:
    clinics = await platform.issue("plans:read")
    for path, key, told in (
        ("/v1/clients", platform.key, "this is a platform key, which opens /v1/clinics alone: make a clinic's key"),
        ("/v1/clinics", clinics, "this takes a platform key: `aftercare key add --platform` makes one"),
        ("/v1/staff", clinics, "this key lacks the scope operator"),
    ):
        answer = await platform.send("GET", path, key=key)
        assert answer.is_problem(403, "missing-scope")
        assert answer.json["detail"] == told


async def test_a_key_of_the_platform_is_noted_in_use_and_kept_as_a_digest(platform: Web) -> None:
    await ask(platform, "GET", "")
    (row,) = await platform.house.rows(PlatformKey)
    assert row.last_used_at == platform.house.clock()
    assert platform.key not in str(row)


async def test_a_key_of_the_platform_asks_only_so_often(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.clock.monotonic", lambda: 100.0)
    async with serving(house, RateLimit(rate=1, burst=2)) as web:
        key = await web.issue(clinic=PLATFORM)
        answers = [await web.send("GET", "/v1/clinics/nowhere", key=key) for _ in range(3)]
        assert [answer.json["code"] for answer in answers] == ["unknown-clinic", "unknown-clinic", "rate-limited"]
        assert answers[-1].headers["retry-after"] == "1"
        assert (await web.send("GET", "/v1/clinic")).is_problem(403, "missing-scope"), "others are counted apart"
