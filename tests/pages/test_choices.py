"""What a form changes, as a table: looking agrees to nothing, only what was shown can be chosen."""

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from service.clinics import house_of
from service.errors import BadInput
from service.pages.choices import Preferences, changes_of, choices_from, may_pause, preferences_of, stop_everything
from service.types import Medium, Purpose
from tests.pages.visiting import KINDS, glow

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
HOUSE = house_of(glow(), NOW)
ALL = ["care-sms", "care-email", "rebook-email"]
"""What Ada gets when her clinic assumes care and she agreed to nudges by email."""


def ada(**changes: Any) -> Any:
    columns = {
        "ref": "c-17", "phone": "+447400123456", "email": "ada@example.com", "time_zone": "Europe/London",
        "locale": "en-GB", "locale_chosen": "", "paused_until": None, "sms_stopped_at": None, "email_stopped_at": None,
    }  # fmt: skip
    return SimpleNamespace(**columns | changes)


LETTER, TEXT = ("email", "ada@example.com"), ("sms", "+447400123456")


def now(
    recipients: list[Any] | None = None,
    consents: dict[Any, bool] | None = None,
    came_by: tuple[str, str] = LETTER,
    **client: Any,
) -> Preferences:
    said = {("rebook", "email"): True} if consents is None else consents
    return preferences_of(ada(**client), recipients or [], said, HOUSE, NOW, came_by)


def suppressed(medium: str, reason: str = "unsubscribed") -> Any:
    return SimpleNamespace(medium=medium, suppressed_at=NOW, suppressed_reason=reason)


def form(*on: str, shown: list[str] = KINDS, language: str = "en", pause: str = "") -> dict[str, list[str]]:
    return {"on": list(on), "shown": shown, "language": [language], "pause": [pause]}


def names(kinds: Any) -> list[str]:
    return sorted(f"{purpose}-{medium}" for purpose, medium in kinds)


@pytest.mark.parametrize(
    ("state", "on"),
    [
        (now(), ALL),
        (now(consents={}), ["care-sms", "care-email"]),
        (now(consents={("care", "sms"): False, ("review", "sms"): True}), ["care-email", "review-sms"]),
        (now(sms_stopped_at=NOW), ["care-email", "rebook-email"]),
        (now([suppressed("email")]), ["care-sms"]),
        (now(phone=None), ["care-email", "rebook-email"]),
        (now([suppressed("sms", "stopped-on-page")]), ["care-email", "rebook-email"]),
    ],
    ids=["assumed care", "nothing said", "said", "texts stopped", "email suppressed", "no phone", "silenced"],
)
def test_a_switch_is_on_where_the_clinic_may_send(state: Preferences, on: list[str]) -> None:
    assert names(state.on) == sorted(on)


@pytest.mark.parametrize(
    ("state", "sent", "changed"),
    [
        (now(), form(*ALL), {}),
        (now(), form("care-sms", "care-email"), {"rebook-email": False}),
        (now(), form(*ALL, "review-email"), {"review-email": True}),
        (now(), form(), {"care-sms": False, "care-email": False, "rebook-email": False}),
        (now(), form(shown=["rebook-email"]), {"rebook-email": False}),
        (now(), form("review-sms", shown=["rebook-email"]), {"rebook-email": False}),
        (now(sms_stopped_at=NOW), form(*ALL, "rebook-sms"), {}),
        (now(phone=None), form("care-sms", "care-email", "rebook-email"), {}),
    ],
    ids=[
        "as it was", "one off", "one on", "all off", "only what was shown", "not what was hidden",
        "texts are the phone's", "no phone, no text",
    ],
)  # fmt: skip
def test_only_what_differs_is_said(state: Preferences, sent: dict[str, list[str]], changed: dict[str, bool]) -> None:
    found = changes_of(state, choices_from(sent))
    assert {f"{purpose}-{medium}": granted for (purpose, medium), granted in found.consents.items()} == changed
    assert (found.client, found.lifted, found.wakes) == ({}, (), False)


def test_asking_for_email_again_lifts_its_stop_and_gives_only_what_was_asked_for() -> None:
    stopped = now([suppressed("email")], email_stopped_at=NOW)
    found = changes_of(stopped, choices_from(form("care-sms", "rebook-email")))
    assert [way.medium for way in found.lifted] == [Medium.EMAIL]
    assert found.client == {"email_stopped_at": None}
    asked = {Purpose.CARE: False, Purpose.REBOOK: True, Purpose.REVIEW: False}
    assert found.consents == {(purpose, Medium.EMAIL): granted for purpose, granted in asked.items()}
    assert changes_of(stopped, choices_from(form("care-sms"))).lifted == ()


@pytest.mark.parametrize(
    ("stopped", "came_by", "lifted"),
    [
        (suppressed("email"), LETTER, ["email"]),
        (suppressed("email"), TEXT, []),
        (suppressed("email"), ("email", "a.lovelace@example.com"), []),
        (suppressed("email", "stopped-on-page"), LETTER, ["email"]),
        (suppressed("email", "stopped-on-page"), TEXT, []),
        (suppressed("sms", "stopped-on-page"), TEXT, ["sms"]),
        (suppressed("sms", "stopped-on-page"), LETTER, []),
        (suppressed("sms", "stop"), TEXT, []),
        (suppressed("sms", "stop"), LETTER, []),
    ],
)
def test_a_stop_is_taken_back_by_whoever_reads_what_comes_to_that_address(
    stopped: Any, came_by: tuple[str, str], lifted: list[str]
) -> None:
    found = changes_of(now([stopped], came_by=came_by), choices_from(form(*KINDS)))
    assert [way.medium for way in found.lifted] == lifted
    given = {medium for (_, medium), granted in found.consents.items() if granted}
    assert stopped.medium in given or not lifted
    assert lifted or stopped.medium not in given


def test_stopping_everything_covers_what_is_not_shown() -> None:
    assert names(stop_everything().consents) == sorted(KINDS)
    assert not any(stop_everything().consents.values())


@pytest.mark.parametrize(
    ("client", "language", "changed"),
    [
        ({}, "es", {"locale_chosen": "es"}),
        ({}, "en", {}),
        ({"locale": "es-MX"}, "es", {}),
        ({"locale_chosen": "es"}, "en", {"locale_chosen": "en"}),
        ({"locale": "fr"}, "fr", {}),
        ({}, "", {}),
    ],
    ids=["another", "the same", "of the same kind", "chosen before", "one the pages lack", "none"],
)
def test_a_language_is_kept_where_it_is_another(client: Any, language: str, changed: dict[str, str]) -> None:
    assert changes_of(now(**client), choices_from(form(*ALL, language=language))).client == changed


@pytest.mark.parametrize(
    ("day", "may"),
    [
        ("", True),
        ("2026-11-21", False),
        ("2026-11-22", True),
        ("2027-11-22", True),
        ("2027-11-23", False),
        ("2020-01-01", False),
    ],
)
def test_a_pause_begins_tomorrow_at_the_earliest_and_lasts_a_year_at_most(day: str, may: bool) -> None:
    assert may_pause(choices_from(form(pause=day)), now()) is may


@pytest.mark.parametrize(
    ("until", "day", "client", "wakes"),
    [
        (None, "2026-12-24", {"paused_until": datetime(2026, 12, 24, tzinfo=UTC)}, False),
        (None, "2027-07-01", {"paused_until": datetime(2027, 6, 30, 23, tzinfo=UTC)}, False),
        (datetime(2026, 12, 24, tzinfo=UTC), "2026-12-24", {}, False),
        (datetime(2026, 12, 24, tzinfo=UTC), "", {"paused_until": None}, True),
        (datetime(2026, 12, 24, tzinfo=UTC), "2026-12-01", {"paused_until": datetime(2026, 12, 1, tzinfo=UTC)}, True),
        (datetime(2026, 11, 1, tzinfo=UTC), "", {}, False),
    ],
    ids=["begun", "in summer", "kept", "ended", "shortened", "long over"],
)
def test_a_pause_lasts_to_the_beginning_of_a_local_day(
    until: datetime | None, day: str, client: dict[str, Any], wakes: bool
) -> None:
    found = changes_of(now(paused_until=until), choices_from(form(*ALL, pause=day)))
    assert (found.client, found.wakes) == (client, wakes)


def test_the_day_is_the_client_s_own() -> None:
    late = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
    there = preferences_of(ada(time_zone="Asia/Tokyo"), [], {}, HOUSE, late, LETTER)
    assert (there.today, there.earliest) == (date(2026, 11, 22), date(2026, 11, 23))


@pytest.mark.parametrize("broken", [{"on": ["care"]}, {"shown": ["care-fax"]}, {"pause": ["soon"]}, {"on": ["x-sms"]}])
def test_what_the_page_can_not_have_sent_is_refused(broken: dict[str, list[str]]) -> None:
    with pytest.raises(BadInput, match="unreadable-form"):
        choices_from(form() | broken)


def test_a_language_that_was_not_offered_is_refused() -> None:
    with pytest.raises(BadInput, match="unreadable-form"):
        changes_of(now(), choices_from(form(language="tlh")))
