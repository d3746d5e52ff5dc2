"""POST /v1/events, by a real server: who may, what is answered, and that every error is a problem of one form."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from service.store.keys import revoke_key
from service.store.session import Database
from service.store.tables import ApiKey, Client, Event, Reminder, core
from service.types import Json
from tests.http.serving import BATCH_LIMIT, BODY_LIMIT, Web, serving, serving_without_key
from tests.support.house import House, clinic, close_house, open_house
from tests.support.house import visit as visit_of

once = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)


def visit(**changes: Any) -> Json:
    """A visit of a year ago: the web process reads the host's clock, whatever that says."""
    return visit_of(**{"time": "2025-11-20T15:05:00Z", "treatment__ended_at": "2025-11-20T15:00:00Z"} | changes)


async def test_an_event_is_created_and_then_known_with_the_same_plan(web: Web) -> None:
    first, second = await web.post(visit()), await web.post(visit())
    assert (first.status, second.status) == (201, 200)
    assert first.headers["content-type"] == "application/json"
    assert first.json == second.json
    assert first.json["event"] == {"source": "/pms/glow", "id": "e-90211"}
    assert (first.json["result"], first.json["warnings"]) == ("planned", [])
    assert len(first.json["plan"]) == len(await web.house.rows(Reminder))


@once
async def test_a_bad_phone_is_named_in_the_answer_and_the_event_is_taken(web: Web) -> None:
    answer = await web.post(visit(client__phone="ask her"))
    assert answer.status == 201
    (warning,) = answer.json["warnings"]
    assert (warning["code"], warning["where"]) == ("not-a-number", "data.client.phone")


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "no-key"),
        ({"Authorization": "Basic YWRhOmFkYQ=="}, 401, "no-key"),
        ({"Authorization": "Bearer"}, 401, "no-key"),
        ({"Authorization": "Bearer ac_made_up"}, 401, "invalid-key"),
        ({"Authorization": "Bearer " + "x" * 5000}, 401, "invalid-key"),
        ({"Authorization": "Bearer \xff\xfe"}, 401, "invalid-key"),
    ],
)
async def test_without_a_valid_key_nothing_is_taken(
    refusing: Web, headers: Mapping[str, str], status: int, code: str
) -> None:
    answer = await refusing.post(visit(), key="", **headers)
    assert answer.is_problem(status, code)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert await refusing.house.rows(Event) == []


@once
async def test_a_key_may_do_what_its_scopes_say(web: Web) -> None:
    assert (await web.post(visit(), key=await web.issue("plans:read"))).is_problem(403, "missing-scope")
    assert (await web.post(visit(), key=await web.issue("plans:read events:write"))).status == 201


@once
async def test_a_revoked_or_expired_key_is_no_key(web: Web) -> None:
    revoked, expired = await web.issue(), await web.issue()
    async with web.house.database.write() as connection:
        assert await revoke_key(connection, "glow", revoked.split("_")[1], web.house.clock())
        await connection.execute(
            core(ApiKey).update().where(core(ApiKey).c.prefix == expired.split("_")[1])
            .values(expires_at=web.house.clock())
        )  # fmt: skip
    for key in (revoked, expired):
        assert (await web.post(visit(), key=key)).is_problem(401, "invalid-key")


async def test_a_key_speaks_for_its_own_clinic_only(migrated_url: str) -> None:
    house = await open_house(migrated_url, clinic(), clinic(id="bright"))
    async with serving(house) as web:
        ours = await web.post(visit())
        theirs = await web.post(visit(client__first_name="Grace"), key=await web.issue(clinic="bright"))
        assert (ours.status, theirs.status) == (201, 201)
        assert not {line["id"] for line in ours.json["plan"]} & {line["id"] for line in theirs.json["plan"]}
    assert {(row.clinic, row.first_name) for row in await house.rows(Client)} == {("glow", "Ada"), ("bright", "Grace")}
    await close_house(house)


async def test_other_content_under_the_same_key_is_a_conflict(web: Web) -> None:
    await web.post(visit())
    answer = await web.post(visit(client__first_name="Grace"))
    assert answer.is_problem(409, "event-conflict")
    assert "Grace" not in answer.text


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("body", "code", "where"),
    [
        (b"", "invalid-json", "body"),
        (b"not json", "invalid-json", "body"),
        (b"\xff", "invalid-utf8", "body"),
        (b'{"id": 1, "id": 2}', "duplicate-key", "body"),
        (b'{"id": "\\u0000"}', "nul-character", "body"),
        (b'{"id": "\\ud800"}', "lone-surrogate", "body"),
        (b"[" * 50_000, "too-deep", "body"),
        (b'"an event"', "not-an-object", "body"),
        (b"null", "not-an-object", "body"),
        (orjson.dumps(visit(treatment__ended_at="2025-11-20T15:00:00")), "naive-time", "data.treatment.ended_at"),
        (orjson.dumps(visit(client__time_zone="Mars/Base")), "unknown-zone", "data.client.time_zone"),
        (orjson.dumps(visit(time="9999-12-31T23:59:59-01:00")), "time-out-of-range", "time"),
        (orjson.dumps(visit(treatment__ended_at="9999-01-01T00:00:00Z")), "time-in-future", "data.treatment.ended_at"),
        (orjson.dumps(visit(id="")), "empty-field", "id"),
        (orjson.dumps(visit(type="treatment.imagined")), "unknown-event-type", "type"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_bad_input_is_a_problem_with_a_stable_code_and_nothing_is_stored(
    refusing: Web, body: bytes, code: str, where: str
) -> None:
    answer = await refusing.post(body)
    assert answer.is_problem(422, code)
    assert answer.json["errors"][0]["where"] == where
    assert await refusing.house.rows(Event) == []


async def test_a_batch_has_one_result_an_item_in_order_and_a_bad_item_stops_no_other(web: Web) -> None:
    await web.post(visit(id="known", treatment__id="known"))
    answer = await web.post([
        visit(id="e-1", treatment__id="t-1"),
        visit(id="e-2", treatment__id="t-2", client__time_zone="Mars/Base"),
        "not an event",
        visit(id="known", treatment__id="known"),
        visit(id="known", treatment__id="known", client__first_name="Grace"),
        visit(id="e-3", treatment__id="t-3", client__ref="c-3"),
    ])  # fmt: skip
    assert answer.status == 207
    results = answer.json["results"]
    assert [result["status"] for result in results] == [201, 422, 422, 200, 409, 201]
    assert [error["where"] for error in results[1]["errors"]] == ["[1].data.client.time_zone"]
    assert results[2]["errors"][0]["where"] == "[2]"
    assert {row.id for row in await web.house.rows(Event)} == {"known", "e-1", "e-3"}


@once
async def test_an_empty_batch_is_answered_with_nothing(web: Web) -> None:
    assert (await web.post([])).json == {"results": []}


@once
async def test_a_batch_of_too_many_is_refused_as_a_whole(web: Web) -> None:
    fitting = [{"id": str(number)} for number in range(BATCH_LIMIT)]
    assert (await web.post(fitting)).status == 207
    assert (await web.post([*fitting, {}])).is_problem(413, "batch-too-large")


@once
async def test_a_body_at_the_limit_is_read_and_one_byte_more_is_refused(web: Web) -> None:
    assert (await web.post(b" " * BODY_LIMIT)).is_problem(422, "invalid-json")
    assert (await web.post(b" " * (BODY_LIMIT + 1))).is_problem(413, "body-too-large")


async def _raw(web: Web, head: str, body: bytes) -> bytes:
    """Send exactly this, then read the answer's first line without ever sending more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", web.port)
    lines = ["POST /v1/events HTTP/1.1", "Host: aftercare", f"Authorization: Bearer {web.key}", head, "", ""]
    writer.write("\r\n".join(lines).encode() + body)
    await writer.drain()
    async with asyncio.timeout(20):
        status = await reader.readline()
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return status


@once
async def test_five_megabytes_are_refused_before_they_are_sent(web: Web) -> None:
    assert b" 413 " in await _raw(web, "Content-Length: 5000000", b"")


@once
async def test_a_body_of_unknown_length_is_read_no_further_than_the_limit(web: Web) -> None:
    part = b"%x\r\n" % (BODY_LIMIT + 1) + b" " * (BODY_LIMIT + 1) + b"\r\n"
    assert b" 413 " in await _raw(web, "Transfer-Encoding: chunked", part)


@once
async def test_a_caller_who_hangs_up_in_the_middle_is_no_error_of_ours(
    web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", web.port)
    writer.write(f"POST /v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {web.key}\r\n".encode())
    writer.write(b'Content-Length: 1000\r\n\r\n{"id":')
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await web.post(visit())).status == 201
    assert "request failed" not in "".join(capsys.readouterr())


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/events", 405, "method-not-allowed"),
        ("DELETE", "/v1/events", 405, "method-not-allowed"),
        ("GET", "/v1/nothing", 404, "not-found"),
        ("POST", "/v2/events", 404, "not-found"),
        ("GET", "/%00", 404, "not-found"),
        ("POST", "/callbacks/nobody/status/token", 404, "not-found"),
    ],
)
async def test_wrong_addresses_and_methods_are_problems_too(
    refusing: Web, method: str, path: str, status: int, code: str
) -> None:
    assert (await refusing.send(method, path)).is_problem(status, code)


@once
async def test_openapi_describes_the_api(web: Web) -> None:
    described = (await web.send("GET", "/openapi.json", key="")).json
    assert described["openapi"].startswith("3.1")
    assert "/v1/events" in described["paths"]
    assert all(path.startswith("/v1/") for path in described["paths"])


@once
async def test_many_callers_at_once_each_get_their_answer(web: Web) -> None:
    events = [visit(id=f"e-{n}", treatment__id=f"t-{n}", client__ref=f"c-{n % 7}") for n in range(40)]
    answers = await asyncio.gather(*(web.post(event) for event in events + events))
    assert sorted(answer.status for answer in answers) == [200] * 40 + [201] * 40


@once
async def test_while_the_database_is_away_callers_are_asked_to_come_back(house: House, unused_tcp_port: int) -> None:
    away = Database(f"postgresql+asyncpg://nobody@127.0.0.1:{unused_tcp_port}/nothing")
    house.database, ours = away, house.database
    async with serving_without_key(house) as web:
        answer = await web.post(visit(), key="ac_some_key")
        assert answer.is_problem(503, "database-unavailable")
        assert (await web.send("GET", "/healthz")).status == 200
        assert (await web.send("GET", "/readyz")).json["problems"] == ["database-refuses-writes"]
    house.database = ours
    await away.close()


@once
async def test_an_event_far_ahead_by_the_hosts_clock_is_refused(web: Web) -> None:
    ahead = (datetime.now(UTC) + timedelta(days=2)).isoformat()  # noqa: TID251 - the host's clock is meant
    assert (await web.post(visit(time=ahead))).is_problem(422, "time-in-future")
