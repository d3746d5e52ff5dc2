"""/v1/reminders and what stands around them: read, acted on, a page at a time, and closed to strangers."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from service.clinics import add_clinic
from service.store.pauses import pause_clinic
from service.store.tables import Decision, Reminder, core
from tests.dispatch.acting import change, on_sqlite, the
from tests.http.serving import Answer, Web
from tests.support.house import CLINIC, clinic, visit

DAY_ONE = "day-1-sunscreen"
UNKNOWN = UUID(int=7)
ACTS: dict[str, Any] = {
    "cancel": None, "send-now": None, "retry": None, "move": {"to": "2026-11-21T15:00"}, "resolve": {"as": "sent"},
}  # fmt: skip


@pytest.fixture
async def web(web: Web) -> Web:
    """With a key that may act, and Ada's visit."""
    await web.house.take(visit())
    key = await web.issue("plans:read plans:write")
    return Web(web.house, web.port, key, web.client)


async def get(web: Web, path: str, **how: Any) -> Answer:
    return await web.send("GET", path, **how)


async def act(web: Web, name: str, identity: Any, body: Any = None, **how: Any) -> Answer:
    sent = orjson.dumps(body) if body is not None else None
    return await web.send("POST", f"/v1/reminders/{identity}/{name}", sent, **how)


async def test_reminders_are_listed_a_page_at_a_time_those_that_wait_for_a_person_first(web: Web) -> None:
    row = await the(web.house, DAY_ONE)
    table = core(Reminder)
    await change(web.house, Reminder, {"state": "needs_review", "reason": "no-words"}, table.c.id == row.id)
    everything = (await get(web, "/v1/reminders?limit=200")).json
    assert everything["next"] is None
    listed = everything["reminders"]
    assert (listed[0]["id"], listed[0]["reason"]["code"]) == (str(row.id), "no-words")
    assert [one["id"] for one in listed[1:]] == sorted((one["id"] for one in listed[1:]), reverse=True)
    paged: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await get(web, f"/v1/reminders?limit=2&cursor={cursor}")).json
        paged += page["reminders"]
        cursor = page["next"]
    assert paged == listed


@on_sqlite
async def test_lists_are_narrowed_down(web: Web) -> None:
    async def count(query: str) -> int:
        return len((await get(web, f"/v1/reminders?limit=200&{query}")).json["reminders"])

    everything = await count("")
    assert everything == await count("client=c-17") == await count("treatment=visit-8812")
    assert everything == await count("state=scheduled&state=sending")
    assert await count("client=c-18") == await count("state=delivered") == 0
    assert await count("due_from=2026-11-21T00:00:00Z&due_to=2026-11-22T00:00:00Z") == 1


@on_sqlite
async def test_one_reminder_tells_its_story_and_what_may_be_done(web: Web) -> None:
    row = await the(web.house, DAY_ONE)
    answer = await get(web, f"/v1/reminders/{row.id}")
    found = answer.json
    assert answer.headers["etag"] == f'"{found["version"]}"'
    assert (found["state"], found["due_at"], found["local_due"]) == (
        "scheduled", "2026-11-21T10:00:00Z", "2026-11-21T10:00",
    )  # fmt: skip
    assert found["acts"] == ["cancel", "move", "send-now"]
    assert found["story"]["told"][0]["text"].endswith("Event e-90211 from /pms/glow reported it.")
    assert (found["attempts"], found["decisions"]) == ([], [])


@on_sqlite
async def test_acts_answer_with_the_reminder_as_it_is_now(web: Web) -> None:
    row = await the(web.house, DAY_ONE)
    moved = await act(web, "move", row.id, {"to": "2026-11-21T15:30"})
    assert (moved.status, moved.json["due_at"]) == (200, "2026-11-21T15:30:00Z")
    again = await act(web, "move", row.id, {"to": "2026-11-21T15:30:00Z"})
    assert (again.status, again.headers["etag"]) == (200, moved.headers["etag"])
    assert (await act(web, "send-now", row.id)).json["due_at"] == "2026-11-20T15:10:00Z"
    cancelled = (await act(web, "cancel", row.id)).json
    assert (cancelled["state"], cancelled["by"], cancelled["acts"]) == ("cancelled", "person", ["retry"])
    assert (await act(web, "retry", row.id)).json["state"] == "scheduled"
    lines = await web.house.rows(Decision)
    assert {line.detail["who"] for line in lines} == {f"key:{web.key[:11]}"}
    assert len(lines) == 4


@on_sqlite
async def test_forbidden_acts_say_why_and_what_would_help(web: Web) -> None:
    row = await the(web.house, DAY_ONE)
    quiet = await act(web, "move", row.id, {"to": "2026-11-21T22:00"})
    assert quiet.is_problem(409, "in-quiet-hours")
    assert "2026-11-22 09:00 Europe/London" in quiet.json["detail"]
    assert (await act(web, "resolve", row.id, {"as": "sent"})).is_problem(409, "nothing-in-doubt")
    assert (await act(web, "move", row.id, {"to": "2026-11-30T12:00:00Z"})).is_problem(409, "after-expiry")
    await change(web.house, Reminder, {"state": "sending"}, core(Reminder).c.id == row.id)
    assert (await act(web, "cancel", row.id)).is_problem(409, "reminder-in-flight")


@on_sqlite
async def test_an_act_may_name_what_it_has_seen(web: Web) -> None:
    row = await the(web.house, DAY_ONE)
    seen = (await get(web, f"/v1/reminders/{row.id}")).headers["etag"]
    web.house.clock.moment += timedelta(minutes=1)
    assert (await act(web, "move", row.id, {"to": "2026-11-21T15:30"}, **{"If-Match": seen})).status == 200
    assert (await act(web, "cancel", row.id, **{"If-Match": seen})).is_problem(412, "reminder-changed")


UNREADABLE: list[tuple[str, Any, str]] = [
    ("move", {}, "to"),
    ("move", {"to": 17}, "to"),
    ("move", {"to": "soon"}, "to"),
    ("move", {"to": "2026-11-21T15:30", "by": "us"}, "by"),
    ("move", ["to"], "body"),
    ("resolve", {"as": "perhaps"}, "as"),
    ("resolve", {"verdict": "sent"}, "as"),
]


@on_sqlite
async def test_bodies_that_cannot_be_taken_are_told_by_their_place(web: Web) -> None:
    row = await the(web.house, DAY_ONE)
    for name, body, where in UNREADABLE:
        answer = await act(web, name, row.id, body)
        assert answer.is_problem(422, "invalid-field"), body
        assert answer.json["errors"][0]["where"] == where, body


@on_sqlite
async def test_odd_requests_are_refused_and_break_nothing(web: Web) -> None:
    row = await the(web.house, DAY_ONE)
    assert (await get(web, "/v1/reminders?cursor=zzz")).is_problem(422, "bad-cursor")
    assert (await get(web, "/v1/treatments?cursor=nowhere")).is_problem(422, "bad-cursor")
    assert (await get(web, "/v1/reminders?limit=0")).is_problem(422, "invalid-field")
    assert (await get(web, "/v1/reminders?client=%00")).is_problem(422, "nul-character")
    assert (await get(web, "/v1/reminders?due_from=0.5")).is_problem(422, "invalid-field")
    assert (await get(web, "/v1/clients/%00")).is_problem(404, "not-found")
    large = await web.send("POST", f"/v1/reminders/{row.id}/move", b" " * 20_000)
    assert large.is_problem(413, "body-too-large")
    for year in ("0001", "9999"):
        answer = await act(web, "move", row.id, {"to": f"{year}-12-31T23:59:59+14:00"})
        assert answer.status in {409, 422}


@on_sqlite
async def test_treatments_their_plans_and_clients_are_read(web: Web) -> None:
    listed = (await get(web, "/v1/treatments")).json
    assert [one["id"] for one in listed["treatments"]] == ["visit-8812"]
    assert (await get(web, "/v1/treatments?state=unmapped")).json["treatments"] == []
    found = (await get(web, "/v1/treatments/visit-8812")).json
    assert found["events"][0]["id"] == "e-90211"
    assert DAY_ONE in [line["step"] for line in found["plan"]]
    ada = (await get(web, "/v1/clients/c-17")).json
    assert ada["sms"]["address"] == "+447400123456"
    assert ada["sms"]["suppressed_at"] is None
    assert {(one["purpose"], one["medium"]) for one in ada["consents"]} >= {("care", "sms"), ("rebook", "email")}


@on_sqlite
async def test_treatments_are_paged(web: Web) -> None:
    for number in range(3):
        await web.house.take(visit(id=f"e-{number}", treatment__id=f"v/{number}", client__ref=f"c-{number}"))
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await get(web, f"/v1/treatments?limit=2&cursor={cursor}")).json
        seen += [one["id"] for one in page["treatments"]]
        cursor = page["next"]
    assert seen == ["visit-8812", "v/2", "v/1", "v/0"]
    assert (await get(web, "/v1/treatments/v/1")).json["client"] == "c-1"


@on_sqlite
async def test_senders_say_why_they_are_paused(web: Web) -> None:
    async with web.house.database.write() as connection:
        await pause_clinic(connection, CLINIC, web.house.clock())
    found = (await get(web, "/v1/clinic/senders")).json
    assert found["clinic_paused_at"] == "2026-11-20T15:10:00Z"
    assert {one["paused"]["reason"]["code"] for one in found["senders"]} == {"clinic-paused"}


async def of_dusk(web: Web) -> str:
    """A key of another clinic, which may do all that keys may."""
    async with web.house.database.write() as connection:
        await add_clinic(connection, clinic(id="dusk"), web.house.clock())
    return await web.issue("plans:read plans:write clients:write", "dusk")


@on_sqlite
async def test_another_clinics_things_answer_like_those_that_do_not_exist(web: Web) -> None:
    """Every route of the document that names a thing, by a foreign key: an unknown id and a real one read the same."""
    row, key = await the(web.house, DAY_ONE), await of_dusk(web)
    known = {"/v1/reminders/": (row.id, UNKNOWN), "/v1/treatments/": ("visit-8812", "visit-0"),
             "/v1/clients/": ("c-17", "c-0")}  # fmt: skip
    document = (await get(web, "/openapi.json")).json
    tried = 0
    for path, methods in document["paths"].items():
        prefix = next((prefix for prefix in known if path.startswith(prefix)), None)
        for method in methods if prefix else ():
            real, none = (path.replace("{id}", str(one)).replace("{ref}", str(one)) for one in known[prefix or ""])
            body = orjson.dumps(ACTS.get(path.rpartition("/")[2]))
            answers = [await web.send(method.upper(), one, body, key=key) for one in (real, none)]
            assert answers[0].status == answers[1].status == 404, path
            assert answers[0].text == answers[1].text, path
            tried += 1
    assert tried == 10
    assert (await the(web.house, DAY_ONE)).state == "scheduled"


@on_sqlite
async def test_lists_hold_the_own_clinics_things_alone(web: Web) -> None:
    key = await of_dusk(web)
    assert (await get(web, "/v1/reminders", key=key)).json["reminders"] == []
    assert (await get(web, "/v1/treatments", key=key)).json["treatments"] == []
    assert (await get(web, "/v1/reminders?client=c-17", key=key)).json["reminders"] == []
    assert (await get(web, "/v1/treatments?cursor=visit-8812", key=key)).is_problem(422, "bad-cursor")
    assert (await get(web, "/v1/clinic/senders", key=key)).json["clinic"] == "dusk"


@on_sqlite
async def test_keys_need_the_scope(web: Web) -> None:
    row = await the(web.house, DAY_ONE)
    reading, writing = await web.issue("plans:read"), await web.issue("plans:write")
    for name, body in ACTS.items():
        assert (await act(web, name, row.id, body, key=reading)).is_problem(403, "missing-scope")
        assert (await act(web, name, row.id, body, key="")).is_problem(401, "no-key")
    for path in ("reminders", f"reminders/{row.id}", "treatments", "treatments/v", "clients/c-17", "clinic/senders"):
        assert (await get(web, f"/v1/{path}", key=writing)).is_problem(403, "missing-scope")
        assert (await get(web, f"/v1/{path}", key="")).is_problem(401, "no-key")


@on_sqlite
async def test_the_document_is_whole(web: Web) -> None:
    """No reference leads nowhere, every route says that it needs a key, and events are shown."""
    text = (await get(web, "/openapi.json")).text
    document = orjson.loads(text)
    assert document["openapi"].startswith("3.1")
    assert "#/$defs/" not in text
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            if not path.startswith("/v1/templates"):
                assert operation["security"] == [{"key": []}], (method, path)
    events = document["paths"]["/v1/events"]["post"]["requestBody"]["content"]["application/json"]
    assert {"treatment.completed", "client.erased", "batch"} <= set(events["examples"])
