"""/v1/staff, test messages and the confirmation of protocols, as an operator's system would use them."""

import re
from typing import Any

import orjson
import pytest

from service.channels.outbox import Outbox
from service.staff import Post, PostRules
from service.store.tables import StaffMessage
from service.types import Medium
from tests.dispatch.acting import on_sqlite
from tests.http.serving import Answer, Web

pytestmark = on_sqlite
GRACE = "/v1/staff/grace"
TEST = "/v1/templates/microneedling/day-1-sunscreen/sms/en/test"


@pytest.fixture
async def key(web: Web) -> str:
    return await web.issue("operator templates:write")


async def asks(web: Web, key: str, method: str, path: str, body: Any = None) -> Answer:
    return await web.send(method, path, None if body is None else orjson.dumps(body), key=key)


async def test_a_member_is_added_confirms_a_number_and_is_sent_a_test(web: Web, key: str) -> None:
    added = await asks(web, key, "PUT", GRACE, {"name": "Grace", "role": "editor", "phone": "07400 123411"})
    assert added.json["addresses"] == {"sms": {"address": "+447400123411", "confirmed_at": None}}
    assert (await asks(web, key, "POST", TEST, {"to": "grace"})).is_problem(409, "not-confirmed")
    post = Post(web.house.database, {medium: Outbox(medium) for medium in Medium}, PostRules())
    await post.send_due()
    (message,) = await web.house.rows(StaffMessage)
    code = re.findall(r"\d{6}", message.text)[0]
    assert (await asks(web, key, "POST", GRACE + "/confirm", {"code": "1"})).is_problem(422, "wrong-code")
    assert (await asks(web, key, "POST", GRACE + "/confirm", {"code": code})).json == {"confirmed": ["sms"]}
    sent = await asks(web, key, "POST", TEST, {"to": "grace"})
    assert (sent.status, sent.json["address"]) == (202, "...411")
    assert sent.json["text"].startswith("TEST: Glow Clinic: ")
    await post.send_due()
    assert {row.state for row in await web.house.rows(StaffMessage)} == {"captured"}
    for _ in range(9):
        await asks(web, key, "POST", TEST, {"to": "grace"})
    enough = await asks(web, key, "POST", TEST, {"to": "grace"})
    assert enough.is_problem(429, "too-many-tests")
    assert enough.headers["retry-after"] == "3600"
    assert [one["id"] for one in (await asks(web, key, "GET", "/v1/staff")).json["staff"]] == ["grace", "owner"]
    assert (await asks(web, key, "DELETE", GRACE)).status == 204
    assert (await asks(web, key, "DELETE", "/v1/staff/owner")).is_problem(409, "last-owner")


async def test_a_protocol_is_confirmed_in_a_language_by_name(web: Web, key: str) -> None:
    path = "/v1/protocols/microneedling/reviews/es"
    assert (await asks(web, key, "PUT", path, {"clinician": "Dr Lee", "reader": " "})).is_problem(422, "missing-names")
    done = await asks(web, key, "PUT", path, {"clinician": "Dr Lee", "reader": "Marie"})
    assert [(one["locale"], one["clinician"]) for one in done.json["confirmed"]][-1] == ("es", "Dr Lee")
    wordless = path.replace("/es", "/zz")
    refused = await asks(web, key, "PUT", wordless, {"clinician": "Dr Lee", "reader": "Marie"})
    assert refused.is_problem(422, "unknown-language")
    listed = (await asks(web, key, "GET", "/v1/protocols")).json["protocols"]
    assert (len(listed), listed[0]["waiting"]) == (10, [])
    for locale in ("e", "e*s"):
        strange = await asks(web, key, "PUT", path.replace("/es", f"/{locale}"), {"clinician": "a", "reader": "b"})
        assert strange.is_problem(422, "invalid-locale")
    unknown = await asks(web, key, "PUT", "/v1/protocols/x/reviews/en", {"clinician": "a", "reader": "b"})
    assert unknown.is_problem(404, "unknown-template")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/staff"), ("PUT", GRACE), ("DELETE", GRACE), ("POST", GRACE + "/code"), ("POST", GRACE + "/confirm"),
     ("PUT", "/v1/protocols/microneedling/reviews/en")],
)  # fmt: skip
async def test_a_key_for_words_reaches_neither_staff_nor_confirmations(web: Web, method: str, path: str) -> None:
    answer = await asks(
        web, await web.issue("templates:write"), method, path, {} if method in {"PUT", "POST"} else None
    )
    assert answer.is_problem(403, "missing-scope")
