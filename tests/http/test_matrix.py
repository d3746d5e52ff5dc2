"""Every route by every kind of caller: nobody, strangers, keys that may not, and another clinic that names our things.

The routes come from OpenAPI, and a route without a case here fails. What is another clinic's answers byte for byte as
what does not exist, and nothing that another clinic asks changes a row of ours.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlmodel import SQLModel

from service.clinics import add_clinic
from service.locations import put_location
from service.store.keys import ALL_SCOPES, PLATFORM, issue_key, prefix_of
from tests.dispatch.acting import on_sqlite, the
from tests.http.platform_cases import PLATFORM_CASES, Case
from tests.http.serving import Answer, Web
from tests.support.house import CLINIC, NOON, clinic, visit

pytestmark = on_sqlite

OURS: dict[str, Any] = {"treatment": "visit-8812", "client": "c-17", "staff": "grace", "protocol": "microneedling",
        "step": "day-1-sunscreen", "medium": "sms", "locale": "en", "number": 1,
        "clinic": "glow", "location": "annexe", "code": "MN-60"}  # fmt: skip
ABSENT: dict[str, Any] = {
    "reminder": UUID(int=7),
    "treatment": "visit-0",
    "client": "c-0",
    "staff": "nobody",
    "number": 999_999,
    "location": "nowhere",
    "prefix": "00000000",
}
WORDS = "{{ clinic.name }}: our very own words. Call {{ location.urgent_phone }}"
MARKS = ("c-17", "visit-8812", "Ada", "447400123456", "our very own words", "grace", "ac_")
"""What would give our clinic's things away."""


def words(method: str, path: str) -> tuple[str, str]:
    return method, "/v1/templates/{protocol}/{step}/{medium}/{locale}" + path


GRACE = visit(id="e-2", treatment__id="visit-2", client__ref="c-2", client__first_name="Grace")
EDITS = {"If-Match": '"1"'}
READER = Case("plans:read")
CASES: dict[tuple[str, str], Case] = {
    ("POST", "/v1/events"): Case("events:write", body=GRACE, status=201),
    ("POST", "/v1/preview"): Case("plans:read", body=GRACE),
    ("GET", "/v1/reminders"): Case("plans:read", query="?client=c-17"),
    ("GET", "/v1/treatments"): Case("plans:read", query="?client=c-17"),
    ("GET", "/v1/clients"): READER,
    ("GET", "/v1/replies"): Case("plans:read", query="?client=c-17"),
    ("GET", "/v1/receipts"): READER,
    ("GET", "/v1/refusals"): READER,
    ("GET", "/v1/statistics"): READER,
    ("GET", "/v1/clinic"): READER,
    ("GET", "/v1/clinic/senders"): READER,
    ("PATCH", "/v1/clinic"): Case("operator", body={"urgent_phone": "+442079460000"}),
    ("POST", "/v1/clinic/pause"): Case("operator"),
    ("POST", "/v1/clinic/resume"): Case("operator"),
    ("GET", "/v1/reminders/{reminder}"): Case("plans:read", ("reminder",)),
    ("POST", "/v1/reminders/{reminder}/move"): Case("plans:write", ("reminder",), body={"to": "2026-11-21T15:00"}),
    ("POST", "/v1/reminders/{reminder}/send-now"): Case("plans:write", ("reminder",)),
    ("POST", "/v1/reminders/{reminder}/cancel"): Case("plans:write", ("reminder",)),
    ("POST", "/v1/reminders/{reminder}/retry"): Case("plans:write", ("reminder",)),
    ("POST", "/v1/reminders/{reminder}/resolve"): Case("plans:write", ("reminder",), body={"as": "sent"}, status=409),
    ("GET", "/v1/treatments/{treatment}"): Case("plans:read", ("treatment",)),
    ("GET", "/v1/clients/{client}"): Case("plans:read", ("client",)),
    ("GET", "/v1/audit"): Case("clients:write", query="?client=c-17"),
    ("GET", "/v1/staff"): Case("operator"),
    ("POST", "/v1/staff/{staff}/code"): Case("operator", ("staff",), body={"medium": "sms"}, status=404),
    ("POST", "/v1/staff/{staff}/confirm"): Case("operator", ("staff",), body={"code": "000000"}, status=422),
    ("GET", "/v1/protocols"): Case("templates:write"),
    ("PUT", "/v1/protocols/{protocol}/reviews/{locale}"): Case("operator", body={"clinician": "G", "reader": "H"}),
    ("GET", "/v1/templates"): Case("templates:write"),
    words("GET", ""): Case("templates:write"),
    words("GET", "/versions/{number}"): Case("templates:write", ("number",)),
    words("GET", "/diff"): Case("templates:write", ("number",), query="?to={number}"),
    words("GET", "/recipients"): Case("templates:write", query="?version=microneedling/day-1-sunscreen/en/sms"),
    words("PUT", ""): Case("templates:write", body={"source": WORDS}, headers=EDITS, status=201),
    words("POST", "/preview"): Case("templates:write", ("number",), body={"number": "{number}"}),
    words("POST", "/publish"): Case("templates:write", ("number",), body={"number": "{number}"}, headers=EDITS,
                                    status=412),
    words("POST", "/restore"): Case("templates:write", ("number",), body={"number": "{number}"}, headers=EDITS,
                                    status=409),
    words("POST", "/test"): Case("templates:write", ("staff",), body={"to": "{staff}"}, status=409),
    ("PUT", "/v1/templates/{protocol}/{step}/hold"): Case("templates:write", body={"note": "wait"}, status=201),
    ("DELETE", "/v1/templates/{protocol}/{step}/hold"): Case("templates:write", status=204),
    ("GET", "/v1/clients/{client}/export"): Case("clients:write", ("client",)),
    ("DELETE", "/v1/clients/{client}"): Case("clients:write", ("client",)),
    ("DELETE", "/v1/staff/{staff}"): Case("operator", ("staff",), status=204),
    ("PUT", "/v1/staff/{staff}"): Case("operator", body={"name": "Grace"}),
}  # fmt: skip
"""In an order in which each can be done after the ones before it."""


def route_of(method: str, path: str) -> tuple[str, str]:
    """The route with what it names by its own name."""
    for within, name in (("/v1/reminders/", "reminder"), ("/v1/treatments/", "treatment"), ("/staff/", "staff")):
        if within in path:
            path = path.replace("{id}", f"{{{name}}}")
    return method.upper(), path.replace("{ref}", "{client}")


async def routes(web: Web) -> set[tuple[str, str]]:
    document = (await web.send("GET", "/openapi.json")).json
    return {route_of(method, path) for path, methods in document["paths"].items() for method in methods}


@dataclass
class Caller:
    web: Web
    key: str

    async def asks(self, route: tuple[str, str], case: Case, things: dict[str, Any]) -> Answer:
        method, path = route
        text = {name: quote(str(value), safe="") for name, value in things.items()}
        body = None if case.body is None else orjson.dumps(filled(case.body, things))
        return await self.web.send(method, (path + case.query).format(**text), body, key=self.key, **case.headers)


def filled(value: Any, things: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: filled(one, things) for name, one in value.items()}
    if isinstance(value, str) and value.startswith("{") and value.endswith("}"):
        return things.get(value[1:-1], value)
    return value


async def scene(web: Web) -> tuple[dict[str, Any], dict[str, Any]]:
    """Our clinic with one of everything, and another without: our things, and the same names of nothing."""
    async with web.house.database.write() as connection:
        await add_clinic(connection, clinic(id="dusk"), NOON)
    await web.house.take(visit())
    us = Caller(web, await web.issue(" ".join(ALL_SCOPES)))
    ours = OURS | {"reminder": (await the(web.house, "day-1-sunscreen")).id, "prefix": prefix_of(us.key)}
    async with web.house.database.write() as connection:
        await put_location(connection, CLINIC, "annexe", {"name": "Annexe"}, "command", NOON)
    await us.asks(("PUT", "/v1/staff/{staff}"), Case("operator", body={"name": "Grace", "role": "editor"}), ours)
    await us.asks(
        words("PUT", ""), Case("templates:write", body={"source": WORDS}, headers={"If-None-Match": "*"}), ours
    )
    return ours, ours | ABSENT


async def rows_of_ours(web: Web) -> dict[str, Any]:
    async with web.house.database.read() as connection:
        return {
            name: sorted(map(str, (await connection.execute(sa.select(*told(table)).where(table.c.clinic == CLINIC)))))
            for name, table in SQLModel.metadata.tables.items()
            if "clinic" in table.c
        }


def told(table: sa.Table) -> list[sa.Column[Any]]:
    """All that is known but when a key was used."""
    return [column for column in table.columns if column.name != "last_used_at"]


async def test_every_route_has_its_case(web: Web) -> None:
    assert set(CASES) | set(PLATFORM_CASES) == await routes(web)


async def test_nobody_strangers_and_keys_that_may_not_are_refused_alike_whatever_they_name(web: Web) -> None:
    ours, absent = await scene(web)
    async with web.house.database.write() as connection:
        ended = NOON - timedelta(days=1)
        expired = await issue_key(connection, CLINIC, ended, scopes=" ".join(ALL_SCOPES), expires_at=NOON)
        over = await issue_key(connection, PLATFORM, ended, expires_at=NOON)
    lacking = {one: await web.issue(" ".join(scope for scope in ALL_SCOPES if scope != one)) for one in ALL_SCOPES}
    other = {True: await web.issue(clinic=PLATFORM), False: await web.issue(" ".join(ALL_SCOPES))}
    lacking["platform"] = other[False]
    before, tried = await rows_of_ours(web), 0
    for route, case in (CASES | PLATFORM_CASES).items():
        for key, status, code in (("", 401, "no-key"), ("ac_made_up", 401, "invalid-key"),
                                  ("acp_made_up", 401, "invalid-key"), (expired, 401, "invalid-key"),
                                  (over, 401, "invalid-key"), (other[route in CASES], 403, "missing-scope"),
                                  (lacking[case.scope], 403, "missing-scope")):  # fmt: skip
            answer = await Caller(web, key).asks(route, case, ours)
            assert answer.is_problem(status, code), (route, answer.text)
            tried += 1
        assert answer.text == (await Caller(web, key).asks(route, case, absent)).text, route
    assert await rows_of_ours(web) == before
    assert tried == 7 * len(CASES | PLATFORM_CASES)


async def test_what_is_another_clinics_answers_as_what_does_not_exist(web: Web) -> None:
    ours, absent = await scene(web)
    them = Caller(web, await web.issue(" ".join(ALL_SCOPES), "dusk"))
    before = await rows_of_ours(web)
    for route, case in CASES.items():
        foreign = await them.asks(route, case, ours)
        if case.names:
            missing = await them.asks(route, case, absent)
            assert (foreign.status, anonymous(foreign)) == (missing.status, anonymous(missing)), route
            assert foreign.status in {404, 412}, (route, foreign.text)
        elif route not in TELL_BACK:
            assert not [mark for mark in MARKS if mark in foreign.text], (route, foreign.text)
        assert await rows_of_ours(web) == before, route


def anonymous(answer: Answer) -> str:
    """What was said, but for what was asked for: an error may name its place."""
    return answer.text.replace(str(ABSENT["number"]), str(OURS["number"])).replace(OURS["staff"], ABSENT["staff"])


TELL_BACK = {("POST", "/v1/events"), ("POST", "/v1/preview"), ("PUT", "/v1/staff/{staff}"), words("PUT", "")}
"""They say what the caller has just said."""


async def test_who_may_is_answered(web: Web) -> None:
    ours, _ = await scene(web)
    keys = {scope: await web.issue(scope) for scope in ALL_SCOPES}
    for route, case in CASES.items():
        answer = await Caller(web, keys[case.scope]).asks(route, case, ours)
        assert answer.status == case.status, (route, answer.status, answer.text[:300])


async def test_the_platform_finds_under_a_clinic_what_is_that_clinics_alone(web: Web) -> None:
    """Another clinic's things answer there as what does not exist, and a clinic that there is not has nothing."""
    ours, absent = await scene(web)
    platform = Caller(web, await web.issue(clinic=PLATFORM))
    before = await rows_of_ours(web)
    for route, case in PLATFORM_CASES.items():
        if "{clinic}" not in route[1]:
            continue
        nowhere = await platform.asks(route, case, ours | {"clinic": "nowhere"})
        assert nowhere.is_problem(404, "unknown-clinic"), (route, nowhere.text)
        if case.names:
            foreign = await platform.asks(route, case, ours | {"clinic": "dusk"})
            missing = await platform.asks(route, case, absent | {"clinic": "dusk"})
            assert foreign.status == missing.status == 404, (route, foreign.text)
            for name in case.names:
                assert foreign.text.replace(str(ours[name]), str(absent[name])) == missing.text, route
        assert await rows_of_ours(web) == before, route


async def test_the_platform_is_answered(web: Web) -> None:
    ours, _ = await scene(web)
    platform = Caller(web, await web.issue(clinic=PLATFORM))
    for route, case in PLATFORM_CASES.items():
        answer = await platform.asks(route, case, ours)
        assert answer.status == case.status, (route, answer.status, answer.text[:300])
        assert not [mark for mark in ("Ada", "447400123456", "c-17", "visit-8812") if mark in answer.text], route
