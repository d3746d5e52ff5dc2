"""What a clinic's system can read: clients, replies, receipts, refusals, statistics, previews, its own clinic."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from uuid_utils.compat import uuid7

from service.store.tables import Attempt, Client, Event, Refusal, Reminder, Reply, core
from tests.dispatch.acting import change, on_sqlite
from tests.http.serving import Answer, Web
from tests.support.house import CLINIC, NOON, House, clinic, said, visit

DAY_ONE = "day-1-sunscreen"


@pytest.fixture
async def web(web: Web) -> Web:
    key = await web.issue("events:write plans:read operator")
    return Web(web.house, web.port, key, web.client)


async def get(web: Web, path: str, **how: Any) -> Answer:
    return await web.send("GET", path, **how)


async def paged(web: Web, path: str, name: str) -> list[Any]:
    """All of a list, one at a time."""
    found: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await get(web, f"{path}{'&' if '?' in path else '?'}limit=1&cursor={cursor}")).json
        found += page[name]
        cursor = page["next"]
    return found


async def test_clients_without_a_visit_since_a_day_are_found(web: Web) -> None:
    ended = {"c-1": "2026-05-01T10:00:00Z", "c-2": "2026-11-01T10:00:00Z"}
    for ref, at in ended.items():
        await web.house.take(
            visit(id=ref, treatment__id=ref, client__ref=ref, treatment__ended_at=at, client__phone="+447400123401")
        )
    await web.house.take(said("client.updated", id="e-3", client={"ref": "c-3", "first_name": "Grace"}))
    assert [one["ref"] for one in await paged(web, "/v1/clients", "clients")] == ["c-1", "c-2", "c-3"]
    lapsed = await paged(web, "/v1/clients?no_visit_since=2026-08-01T00:00:00Z", "clients")
    assert [(one["ref"], one["last_visit_at"]) for one in lapsed] == [("c-1", ended["c-1"]), ("c-3", None)]
    await web.house.take(said("client.erased", id="e-4", client={"ref": "c-1"}))
    await web.house.take(said("treatment.voided", id="e-5", treatment={"id": "c-2"}))
    lapsed = await paged(web, "/v1/clients?no_visit_since=2026-08-01T00:00:00Z", "clients")
    assert [one["ref"] for one in lapsed] == ["c-2", "c-3"]


async def test_refused_events_can_be_looked_up_and_say_nothing_of_what_they_said(web: Web) -> None:
    web.house.clock.moment = NOON
    wrong = visit(client__time_zone="Mars/Base", client__first_name="Secretia", client__phone="+447400123466")
    for _ in range(2):
        assert (await web.post(wrong)).status == 422
    assert (await web.post([wrong, "nothing", visit(id="e-1")])).status == 207
    assert (await web.post(b"no json")).status == 422
    web.house.clock.advance(minutes=1)
    assert (await web.post(visit(id="e-1", client__first_name="Secretia"))).status == 409
    found = {(one["event"], one["problems"][0]["code"]): one for one in await paged(web, "/v1/refusals", "refusals")}
    assert set(found) == {("e-90211", "unknown-zone"), ("e-1", "event-conflict"), ("", "not-an-object"),
                          ("", "invalid-json")}  # fmt: skip
    zone = found["e-90211", "unknown-zone"]
    assert (zone["times"], zone["source"], zone["type"]) == (3, "/pms/glow", "treatment.completed")
    assert zone["problems"] == [{"code": "unknown-zone", "where": "data.client.time_zone"}]
    assert "Secretia" not in str(await web.house.rows(Refusal))
    assert (await web.post(visit())).status == 201
    mended = {one["event"] for one in await paged(web, "/v1/refusals", "refusals")}
    assert mended == {"e-1", ""}, "taken since: there is nothing left to mend"
    web.house.clock.advance(days=31)
    assert (await get(web, "/v1/refusals")).json["refusals"] == []


async def test_a_batch_of_refusals_is_written_in_few_statements(web: Web) -> None:
    web.house.clock.moment = NOON
    wrong = [visit(id=f"e-{number}", client__time_zone="Mars/Base") for number in range(12)]
    assert (await web.post(wrong[:8])).status == 207
    statements = statements_about("refusal", web.house)
    web.house.clock.advance(minutes=1)
    assert (await web.post([*wrong, wrong[0]])).status == 207
    assert len(statements) <= 3
    found = {row.event: (row.times, row.first_at, row.last_at) for row in await web.house.rows(Refusal)}
    later = NOON + timedelta(minutes=1)
    assert found == {f"e-{number}": (2, NOON, later) if number < 8 else (1, later, later) for number in range(12)}


def statements_about(table: str, house: House) -> list[str]:
    found: list[str] = []

    @sa.event.listens_for(house.database.engine.sync_engine, "before_cursor_execute")
    def _(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if table in statement:
            found.append(statement)

    return found


async def test_replies_and_receipts_are_listed_and_narrowed_down(web: Web) -> None:
    await web.house.take(visit())
    web.house.clock.moment = NOON + timedelta(hours=19)
    await web.house.dispatch()
    attempts = await web.house.rows(Attempt)
    assert await paged(web, "/v1/receipts", "receipts") == []
    await change(web.house, Attempt, {"receipt_at": NOON}, core(Attempt).c.clinic == CLINIC)
    (receipt,) = await paged(web, "/v1/receipts?since=2026-11-20T15:00:00Z&medium=sms", "receipts")
    assert (receipt["id"], receipt["client"], receipt["step"]) == (str(attempts[0].id), "c-17", DAY_ONE)
    assert (await get(web, "/v1/receipts?state=failed")).json["receipts"] == []
    row = {"clinic": CLINIC, "sender": "sms", "address": "+447400123456", "media": 0, "more": False, "client": "c-17",
           "reminder": None, "received_at": NOON}  # fmt: skip
    async with web.house.database.write() as connection:
        for number, kind in enumerate(("answer", "opt-out")):
            told = {"id": uuid7(), "provider_id": f"SM{number}", "text": f"text {number}", "kind": kind}
            await connection.execute(core(Reply).insert().values(**row, **told))
    assert [one["text"] for one in await paged(web, "/v1/replies?client=c-17", "replies")] == ["text 1", "text 0"]
    (stop,) = (await get(web, "/v1/replies?kind=opt-out")).json["replies"]
    assert stop["for_staff"] is False
    assert (await get(web, "/v1/replies?until=2026-11-20T15:10:00Z")).json["replies"] == []


async def test_statistics_count_by_day_step_and_channel_and_survive_erasure(web: Web) -> None:
    await web.house.take(visit())
    table = core(Reminder)
    for state in ("sending", "sent", "delivered"):
        await change(web.house, Reminder, {"state": state}, table.c.step == DAY_ONE)
    day_two = table.c.step == "day-2-sensitivity-check"
    await change(web.house, Reminder, {"state": "skipped", "reason": "no-consent"}, day_two)
    await change(web.house, Client, {"sms_stopped_at": NOON}, core(Client).c.ref == "c-17")
    asked = "/v1/statistics?from=2026-11-20&to=2026-11-22"
    found = (await get(web, asked)).json
    lines = {line["step"]: line for line in found["messages"]}
    assert set(lines) >= {DAY_ONE, "day-2-sensitivity-check"}
    one = lines[DAY_ONE]
    assert (one["day"], one["planned"], one["sent"], one["delivered"]) == ("2026-11-21", 1, 1, 1)
    assert lines["day-2-sensitivity-check"]["skipped"] == {"no-consent": 1}
    assert found["answers"] == [{"day": "2026-11-20", "replies": 0, "opt_outs": {"sms": 1, "email": 0}}]
    await web.house.take(said("client.erased", id="e-4", client={"ref": "c-17"}))
    after = {line["step"]: line for line in (await get(web, asked)).json["messages"]}
    assert after[DAY_ONE] == one
    assert {step: line["planned"] for step, line in after.items()} == dict.fromkeys(lines, 1)
    usual = (await get(web, "/v1/statistics")).json
    assert (usual["from"], usual["to"], usual["zone"]) == ("2026-10-22", "2026-11-20", "Europe/London")
    for period in ("from=2026-11-20&to=2026-11-19", "from=2026-01-01&to=2026-11-20", "to=0001-01-01", "from=9999-12-31",
                   "from=0001-01-01&to=0001-01-02"):  # fmt: skip
        assert (await get(web, f"/v1/statistics?{period}")).is_problem(422, "invalid-period"), period


@on_sqlite
async def test_a_preview_shows_the_words_and_stores_nothing(web: Web) -> None:
    async def preview(value: Any) -> Answer:
        return await web.send("POST", "/v1/preview", orjson.dumps(value))

    answer = await preview(visit())
    assert answer.status == 200, answer.text
    first = next(one for one in answer.json["messages"] if one["step"] == DAY_ONE)
    assert (first["send_at"], first["medium"]) == ("2026-11-21T10:00:00Z", "sms")
    assert "Ada" in first["sms"]["text"]
    assert await web.house.rows(Event) == await web.house.rows(Reminder) == []
    assert (await preview(visit(client__time_zone="Mars/Base"))).is_problem(422, "unknown-zone")
    assert (await preview(said("client.erased", client={"ref": "c-17"}))).is_problem(422, "not-previewable")
    await web.house.take(visit())
    assert (await preview(visit(client__first_name="Grace"))).is_problem(409, "event-conflict")


@on_sqlite
async def test_the_clinic_is_read_changed_and_paused(web: Web) -> None:
    async def send(method: str, path: str, body: bytes | None = None) -> Answer:
        return await web.send(method, f"/v1/clinic{path}", body)

    assert (await send("GET", "")).json["name"] == clinic().name
    assert (await send("PATCH", "", b'{"quiet_start": "21:00"}')).json["quiet_start"] == "21:00"
    assert (await send("PATCH", "", b'{"quiet_start": "late"}')).status == 422
    assert (await send("PATCH", "", b"{}")).is_problem(422, "nothing-to-set")
    assert (await send("POST", "/pause")).json["paused_at"] is not None
    assert (await send("POST", "/resume")).json["paused_at"] is None
