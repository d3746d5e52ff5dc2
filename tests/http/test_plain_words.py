"""What is refused is told in plain words: where it is, what would be taken, and of which kind the problem is."""

import re
from typing import Any

import orjson
import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from service.events.sentences import plain
from service.http.titles import BY_STATUS, title_of
from service.types import Medium
from tests.dispatch.acting import on_sqlite
from tests.http.serving import DOCS, Web
from tests.support.house import visit


@on_sqlite
async def test_no_route_takes_a_parameter_that_openapi_does_not_name(web: Web) -> None:
    key = await web.issue("events:write plans:read plans:write templates:write clients:write operator")
    paths = (await web.send("GET", "/openapi.json")).json["paths"]
    tried = 0
    for path, methods in paths.items():
        for method, operation in methods.items():
            address = re.sub(r"\{\w+\}", "x", path) + "?stat=failed"
            answer = await web.send(method.upper(), address, b"{}" if "requestBody" in operation else None, key=key)
            if answer.status in {401, 403}:  # of keys of another kind
                continue
            assert answer.is_problem(422, "unknown-parameter"), (method, path)
            (error,) = answer.json["errors"]
            names = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
            assert error["where"] == "query.stat"
            assert error["message"].endswith(f"taken are {', '.join(names)}" if names else "none is taken here")
            tried += 1
    assert tried > 30


@on_sqlite
async def test_a_misspelt_parameter_is_told_with_what_was_probably_meant(web: Web) -> None:
    key = await web.issue("plans:read")
    (error,) = (await web.send("GET", "/v1/reminders?limit=1&stat=failed&stat=sent", key=key)).json["errors"]
    assert 'nothing is called so (did you mean "state"?): taken are state, client, treatment' in error["message"]
    assert (await web.send("GET", "/v1/reminders?limit=1&state=failed&state=sent", key=key)).status == 200
    assert (await web.post(visit())).status == 201


@on_sqlite
async def test_what_is_not_the_clinics_own_system_may_add_parameters(web: Web) -> None:
    assert (await web.send("GET", "/healthz?probe=1")).status == 200
    for method, path in (("POST", "/callbacks/twilio/status/x"), ("GET", "/p/000000000000"), ("GET", "/console")):
        assert (await web.send(method, f"{path}?utm_source=sms", b"" if method == "POST" else None)).status != 422, path


@on_sqlite
async def test_a_field_that_is_wrong_says_what_to_write(web: Web) -> None:
    key = await web.issue("plans:read clients:write operator templates:write")
    cases: list[tuple[str, str, Any, str, str]] = [
        ("GET", "/v1/reminders?limit=lots", None, "query.limit", "write a whole number, like 3"),
        ("GET", "/v1/reminders?limit=1000", None, "query.limit", "write a number of at most 200"),
        ("GET", "/v1/reminders?due_from=2026-11-20T15:00", None, "query.due_from", "the time has no offset: write"),
        ("GET", "/v1/reminders?state=lost", None, "query.state.0", 'write "scheduled", "sending", '),
        ("PATCH", "/v1/clinic", {"nmae": "Glow"}, "nmae", 'nothing is called so (did you mean "name"?): taken are'),
        ("PATCH", "/v1/clinic", {"name": "x" * 200}, "name", "write at most 120 characters"),
        ("PATCH", "/v1/clinic", {"quiet_email": "yes"}, "quiet_email", "write true or false"),
        ("PATCH", "/v1/clinic", [], "body", "write this as a JSON object"),
        ("PATCH", "/v1/clinic", b"{", "body", "this is no JSON that can be read"),
        ("PUT", "/v1/staff/grace", {"name": 7}, "name", "write a text"),
    ]
    for method, path, value, where, message in cases:
        body = value if value is None or isinstance(value, bytes) else orjson.dumps(value)
        answer = await web.send(method, path, body, key=key)
        assert answer.status == 422, (path, value, answer.text)
        assert answer.is_problem(422, "invalid-field")
        (error,) = answer.json["errors"]
        assert (error["where"], error["message"][: len(message)]) == (where, message)


class _All(BaseModel):
    model_config = ConfigDict(extra="forbid")

    whole: int = Field(1, ge=1, lt=9)
    number: float = Field(1, gt=0, le=9)
    text: str = Field("x", min_length=1, max_length=3, pattern="^x")
    several: list[int] = Field([1], min_length=1, max_length=2)
    medium: Medium = Medium.SMS
    inner: dict[str, int] = {}
    yes: bool = True


WRONG: list[dict[str, Any]] = [
    {"whole": 0}, {"whole": 9}, {"whole": 1.5}, {"whole": "x"}, {"whole": []}, {"number": 0}, {"number": 10},
    {"number": "x"}, {"text": ""}, {"text": "xxxx"}, {"text": "y"}, {"text": 1}, {"several": []},
    {"several": [1, 2, 3]}, {"several": 1}, {"medium": "post"}, {"inner": 1}, {"yes": "perhaps"},
    {"yes": None}, {"more": 1},
]  # fmt: skip


@pytest.mark.parametrize("value", WRONG, ids=str)
def test_no_sentence_is_the_validators_own(value: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(_All).validate_python(value)
    (detail,) = refused.value.errors()
    said = plain(detail)
    assert said != detail["msg"]
    assert "OpenAPI" not in said or "pattern" in detail["type"]


def test_every_contradiction_has_a_title_of_its_own_kind() -> None:
    rows = re.findall(r"^\| 409 \| (.+?) \|", (DOCS / "api.md").read_text("utf-8"), re.MULTILINE)
    codes = [code for row in rows for code in re.findall(r"`([a-z-]+)`", row)]
    assert len(codes) > 20
    assert [code for code in codes if title_of(409, code) == BY_STATUS[409]] == []
