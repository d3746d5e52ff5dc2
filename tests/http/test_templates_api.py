"""/v1/templates, as a clinic's own system would use it."""

from typing import Any

import orjson
import pytest

from tests.dispatch.acting import day_one_due, on_sqlite
from tests.http.serving import Answer, Web

pytestmark = on_sqlite
ONE = "/v1/templates/microneedling/day-1-sunscreen/sms/en"
OURS = "{{ clinic.name }}: sunscreen from today, please. Call {{ location.urgent_phone }}"


@pytest.fixture
async def author(web: Web) -> "Author":
    return Author(web, await web.issue("templates:write"))


class Author:
    """Somebody with a key for words."""

    def __init__(self, web: Web, key: str) -> None:
        self.web, self.key = web, key

    async def asks(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        given = None if body is None else orjson.dumps(body)
        return await self.web.send(method, path, given, key=self.key, **headers)

    async def saves(self, source: str, known: str = '"0"', **more: Any) -> Answer:
        return await self.asks("PUT", ONE, {"source": source, **more}, **{"If-Match": known})


async def test_words_go_from_a_draft_over_a_preview_to_what_is_sent(author: Author) -> None:
    await day_one_due(author.web.house)
    before = await author.asks("GET", ONE)
    assert (before.status, before.headers["etag"], before.json["origin"]) == (200, '"0"', "shipped")
    saved = await author.saves(OURS, author="Grace", note="shorter")
    assert (saved.status, saved.headers["etag"], saved.json["warnings"]) == (201, '"1"', [])
    unseen = await author.asks("POST", ONE + "/publish", {"number": 1}, **{"If-Match": '"1"'})
    assert unseen.is_problem(409, "not-previewed")
    seen = await author.asks("POST", ONE + "/preview", {"number": 1})
    assert [(one["sample"], one["origin"]) for one in seen.json["previews"]][:2] == [
        ("ordinary", "draft"),
        ("long name", "draft"),
    ]
    assert (await author.asks("GET", ONE)).json["touches"] == 1
    published = await author.asks("POST", ONE + "/publish", {"number": 1}, **{"If-Match": saved.headers["etag"]})
    assert (published.status, published.headers["etag"], published.json["touches"]) == (200, '"2"', 1)
    after = (await author.asks("GET", ONE)).json
    assert (after["source"], after["origin"], after["number"], after["draft"]) == (OURS, "clinic", 2, None)
    assert [(row["kind"], row["author"], row["note"]) for row in after["history"]][1] == ("draft", "Grace", "shorter")
    changed = (await author.asks("GET", ONE + "/diff?to=2")).json["diff"]
    assert f"+{OURS}" in changed.splitlines()
    back = await author.asks("POST", ONE + "/restore", {"number": 0}, **{"If-Match": '"2"'})
    assert (back.status, (await author.asks("GET", ONE)).json["origin"]) == (200, "shipped")


async def test_who_was_quicker_is_shown(author: Author) -> None:
    await author.saves(OURS, author="Grace")
    late = await author.saves(OURS + "!", author="Ada")
    assert late.is_problem(412, "stale-version")
    assert late.headers["etag"] == '"1"'
    assert (late.json["newer"]["author"], late.json["newer"]["source"]) == ("Grace", OURS)
    assert (await author.saves(OURS + "!", late.headers["etag"])).status == 201


async def test_an_unknown_field_is_answered_with_its_place_and_what_was_meant(author: Author) -> None:
    refused = await author.saves("{{ clinic.name }}:\nHi {{ client.firstname }}")
    assert refused.is_problem(422, "template-unknown-field")
    (error,) = refused.json["errors"]
    assert error["where"] == "microneedling/day-1-sunscreen/en/sms.txt:2:7"
    assert error["message"] == "there is no field client.firstname; did you mean client.first_name?"


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        ({"source": OURS}, {}, 428, "no-if-match"),
        ({"source": OURS}, {"If-Match": "now"}, 428, "no-if-match"),
        ({"source": OURS}, {"If-Match": '"7"'}, 409, "no-version-yet"),
        ({"words": OURS}, {"If-Match": '"0"'}, 422, "invalid-field"),
        ({"source": OURS, "accept": ["a\x00"]}, {"If-Match": '"0"'}, 422, "nul-character"),
        ({"source": "a" * 70_000}, {"If-Match": '"0"'}, 413, "body-too-large"),
    ],
)
async def test_a_save_that_cannot_be_taken_says_why(
    author: Author, body: Any, headers: dict[str, str], status: int, code: str
) -> None:
    assert (await author.asks("PUT", ONE, body, **headers)).is_problem(status, code)


async def test_a_first_version_may_say_that_there_is_none(author: Author) -> None:
    assert (await author.asks("PUT", ONE, {"source": OURS}, **{"If-None-Match": "*"})).status == 201


async def test_the_list_shows_all_messages_and_what_is_held(author: Author) -> None:
    step = "/v1/templates/microneedling/day-1-sunscreen/hold"
    assert (await author.asks("PUT", step, {"medium": "sms", "note": "wrong number"})).status == 201
    listed = (await author.asks("GET", "/v1/templates?protocol=microneedling")).json
    held = {(one["step"], one["medium"], one["locale"]) for one in listed["templates"] if one["held"]}
    assert held == {("day-1-sunscreen", "sms", "en"), ("day-1-sunscreen", "sms", "es")}
    assert [(one["medium"], one["locale"], one["note"]) for one in listed["holds"]] == [("sms", "", "wrong number")]
    assert len(listed["templates"]) == 26
    assert (await author.asks("DELETE", step + "?medium=sms")).status == 204
    assert (await author.asks("DELETE", step + "?medium=sms")).is_problem(404, "not-held")


async def test_recipients_of_a_version_are_listed_page_by_page(author: Author) -> None:
    house = author.web.house
    for number in (1, 2, 3):
        await day_one_due(house, id=f"e-{number}", treatment__id=f"v-{number}", client__ref=f"c-{number}")
    await house.dispatch()
    version = (await author.asks("GET", ONE)).json["version"]
    path = f"{ONE}/recipients?version={version}&limit=2"
    unnamed = (await author.asks("GET", path)).json["recipients"]
    assert [sorted(one) for one in unnamed] == [["at", "attempt", "reminder", "state"]] * 2
    reader = Author(author.web, await author.web.issue("templates:write plans:read"))
    first = (await reader.asks("GET", path)).json
    rest = (await reader.asks("GET", f"{path}&before={first['before']}")).json
    clients = [one["client"] for one in (*first["recipients"], *rest["recipients"])]
    assert (sorted(clients), rest["before"]) == (["c-1", "c-2", "c-3"], None)


async def test_a_preview_of_words_that_cannot_be_read_says_so_and_shows_no_others(author: Author) -> None:
    await author.saves(OURS)
    shown = (await author.asks("POST", ONE + "/preview", {"source": "{{ client.firstname }}"})).json["previews"]
    assert {(one["origin"], "sms" in one, one["problems"][0]["code"]) for one in shown} == {
        ("draft", False, "template-unknown-field")
    }
    page = await author.asks("POST", ONE + "/preview", {"source": "{{ client.firstname }}"}, accept="text/html")
    assert "did you mean client.first_name?" in page.text
    letter = {"source": "{{ client.firstname }}"}
    spanish = ONE.replace("/en", "/es") + "/preview"
    origins = {one["locale"]: one["origin"] for one in (await author.asks("POST", spanish, letter)).json["previews"]}
    assert (origins["es"], origins["ar"]) == ("draft", "shipped-default")


async def test_a_preview_is_a_page_too(author: Author) -> None:
    page = await author.asks("POST", ONE.replace("sms", "email") + "/preview", {}, accept="text/html")
    assert page.status == 200
    assert "script" not in page.headers["content-security-policy"]
    assert page.text.count('<iframe sandbox=""') == 5


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/templates", None),
        ("GET", ONE, None),
        ("PUT", ONE, {"source": OURS}),
        ("POST", ONE + "/publish", {"number": 1}),
        ("PUT", "/v1/templates/microneedling/day-1-sunscreen/hold", {}),
    ],
)
async def test_only_a_key_for_words_may_touch_them(web: Web, method: str, path: str, body: Any) -> None:
    answer = await web.send(method, path, None if body is None else orjson.dumps(body))
    assert answer.is_problem(403, "missing-scope")
