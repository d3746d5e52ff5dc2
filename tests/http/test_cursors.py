"""Cursors, times and ids of requests are read from strangers: whatever they send is understood or refused."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from service import logs
from service.desk import mark_of
from service.errors import BadInput
from service.http.envelope import request_id
from service.http.listings import id_of, refusal_mark
from service.http.manners import Instant
from tests.dispatch.acting import on_sqlite
from tests.http.serving import Web

READERS: list[Callable[[str], Any]] = [mark_of, id_of, refusal_mark]
INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)


@given(text=st.text() | st.from_regex(r"[ro][0-9a-f]{32}|[0-9T:.+-]{10,40},[0-9a-f]{64}", fullmatch=True))
@example("0001-01-01T00:00:00+23:59," + "0" * 64)
@example("r" + "٣" * 32)
@settings(max_examples=50)
def test_a_cursor_is_a_place_or_none_of_ours(text: str) -> None:
    for read in READERS:
        try:
            read(text)
        except BadInput as error:
            assert error.code == "bad-cursor"  # noqa: PT017 - most are no cursors, and some are


@given(moment=st.datetimes(timezones=st.timezones() | st.builds(timedelta, hours=st.integers(-23, 23)).map(timezone)))
@example(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))))
@example(datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-14))))
@settings(max_examples=50)
def test_a_time_is_taken_in_utc_or_refused(moment: datetime) -> None:
    with suppress(ValidationError):
        found = INSTANT.validate_python(moment.isoformat())
        assert found.tzinfo is UTC


@given(given_=st.binary(max_size=80))
@settings(max_examples=50)
def test_a_requests_id_can_always_be_sent_and_logged(given_: bytes) -> None:
    found = request_id(given_)
    assert found.isascii()
    assert found.isprintable()
    assert logs.shows("request", found)


@on_sqlite
@pytest.mark.parametrize(
    "query",
    ["reminders?due_from=0001-01-01T00:00:00%2B14:00", "replies?since=9999-12-31T23:59:59-14:00",
     "clients?no_visit_since=0001-01-01T00:00:00%2B14:00", "refusals?cursor=0001-01-01T00:00:00%2B14:00,x"],
)  # fmt: skip
async def test_the_ends_of_the_calendar_are_refused(web: Web, query: str) -> None:
    answer = await web.send("GET", f"/v1/{query}", key=await web.issue("plans:read"))
    assert answer.status == 422
