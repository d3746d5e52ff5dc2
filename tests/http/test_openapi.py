"""What OpenAPI says of every route: bodies with examples that fit, and errors in the one form."""

from typing import Any

import jsonschema_rs

from tests.dispatch.acting import on_sqlite
from tests.http.serving import Web

pytestmark = on_sqlite


async def operations(web: Web) -> dict[str, Any]:
    document = (await web.send("GET", "/openapi.json")).json
    assert document["openapi"].startswith("3.1")
    return {
        f"{method} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


async def test_every_body_has_examples_that_fit_its_schema(web: Web) -> None:
    tried = 0
    for name, operation in (await operations(web)).items():
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert content["examples"], name
            for example in content["examples"].values():
                jsonschema_rs.validate(content["schema"], example["value"])
                tried += 1
    assert tried > 20


async def test_every_route_names_its_key_its_errors_and_what_it_is_for(web: Web) -> None:
    for name, operation in (await operations(web)).items():
        assert operation["summary"], name
        assert operation["security"] == [{"key": []}], name
        assert {"401", "403", "422", "429", "503"} <= set(operation["responses"]), name
        for status, answer in operation["responses"].items():
            if status >= "400":
                assert set(answer["content"]) == {"application/problem+json"}, (name, status)


async def test_every_answer_says_what_is_in_it(web: Web) -> None:
    for name, operation in (await operations(web)).items():
        for status, answer in operation["responses"].items():
            if status in {"200", "201", "202"}:
                schema = answer["content"]["application/json"]["schema"]
                assert set(schema) & {"$ref", "properties", "anyOf", "oneOf"}, (name, status, schema)


async def test_bounds_are_said_in_the_words_of_json_schema(web: Web) -> None:
    text = (await web.send("GET", "/openapi.json")).text
    assert '"maximum":9007199254740992' in text
    assert not [word for word in ("ge", "le", "max_length", "min_length") if f'"{word}":' in text]


async def test_an_idempotency_key_is_offered_by_every_post_that_is_no_event(web: Web) -> None:
    offering = {
        name
        for name, operation in (await operations(web)).items()
        if "Idempotency-Key" in {one["name"] for one in operation.get("parameters", [])}
    }
    posts = {name for name in await operations(web) if name.startswith("post ")}
    assert offering == posts - {"post /v1/events"}
