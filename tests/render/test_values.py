"""From facts about a visit to the values that templates read."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from service.render import (
    FIELDS,
    SAMPLES,
    ClientFacts,
    ClinicFacts,
    CourseFacts,
    LinkFacts,
    LocationFacts,
    TreatmentFacts,
    values_for,
)

CLINIC = ClinicFacts("Glow", "020 7946 0000", address="1 Dean Street")
VISIT = TreatmentFacts("Micro-needling", date(2026, 11, 20))


def values(first_name: str = "Ada", clinic: ClinicFacts = CLINIC, locale: str = "en", **facts: Any) -> Any:
    return values_for(ClientFacts(first_name), clinic, VISIT, locale=locale, **facts)


@pytest.mark.parametrize(
    ("locale", "country", "day", "reader"),
    [
        ("en", "GB", "20 November", "en-GB"),
        ("en", "US", "November 20", "en-US"),
        ("en-US", "GB", "November 20", "en-US"),
        ("es", "MX", "20 de noviembre", "es-MX"),
        ("pl", "IE", "20 listopada", "pl"),
    ],
)
def test_a_date_whose_reader_names_no_country_is_written_as_in_the_clinics(
    locale: str, country: str, day: str, reader: str
) -> None:
    found = values(clinic=replace(CLINIC, country=country), locale=locale)
    assert (found["treatment"]["date"], found["reader"]["locale"]) == (day, reader)


@pytest.mark.parametrize(
    ("locale", "day"),
    [
        ("en", "November 20"),
        ("en-GB", "20 November"),
        ("en_AU", "20 November"),
        ("es", "20 de noviembre"),
        ("es-MX", "20 de noviembre"),
        ("fr-XX", "20 novembre"),
        ("zh-Hant-TW", "11月20日"),
        ("tlh", "November 20"),
        ("no locale!", "November 20"),
        ("", "November 20"),
    ],
)
def test_a_date_is_written_as_its_readers_write_it(locale: str, day: str) -> None:
    assert values(locale=locale)["treatment"]["date"] == day


def test_what_is_absent_has_no_key() -> None:
    assert values("") == {
        "client": {},
        "clinic": {
            "name": "Glow",
            "phone": "020 7946 0000",
            "urgent_phone": "020 7946 0000",
            "address": "1 Dean Street",
        },
        "location": {
            "name": "Glow",
            "phone": "020 7946 0000",
            "urgent_phone": "020 7946 0000",
            "address": "1 Dean Street",
        },
        "treatment": {"title": "Micro-needling", "date": "November 20"},
        "course": {},
        "provider": {},
        "links": {},
        "brand": {},
        "reader": {"locale": "en"},
    }


@pytest.mark.parametrize(
    ("clinic_urgent", "place", "urgent"),
    [
        ("", LocationFacts(), "020 7946 0000"),
        ("020 7946 0999", LocationFacts(), "020 7946 0999"),
        ("020 7946 0999", LocationFacts("Soho", "020 7946 0123"), "020 7946 0999"),
        ("", LocationFacts("Soho", "020 7946 0123"), "020 7946 0123"),
        ("020 7946 0999", LocationFacts("Soho", "020 7946 0123", "020 7946 0911"), "020 7946 0911"),
    ],
)
def test_an_urgent_call_reaches_the_nearest_number_there_is(
    clinic_urgent: str, place: LocationFacts, urgent: str
) -> None:
    clinic = ClinicFacts("Glow", "020 7946 0000", clinic_urgent)
    assert values(clinic=clinic, location=place)["location"]["urgent_phone"] == urgent


@pytest.mark.parametrize(
    "name",
    [
        "http://evil.example",
        "evil.example",
        "Ada 0900 123",
        "<b>",
        "a@b",
        "\u200b",
        " ",
        "evil\u3002example",
        "evil\uff0ecom",
        "a\uff20b",
        "Ring 09 00 12 34",
        "0-8-0",
    ],
)
def test_a_first_name_that_is_none_is_left_out(name: str) -> None:
    assert "first_name" not in values(name)["client"]


@pytest.mark.parametrize("name", ["Ada", "Mary Jane", "J.R.", "Zoë", "O’Neill", "Ada 2", "عبد الرحمن", "Ngọc-Ánh"])
def test_a_first_name_is_kept_as_it_is_written(name: str) -> None:
    assert values(name)["client"]["first_name"] == name


def test_only_web_addresses_become_links() -> None:
    made = values(links=LinkFacts("https://glow.example", "javascript:alert(1)", "glow.example"))
    assert made["links"] == {"booking": "https://glow.example"}


def test_a_course_tells_its_session_and_window() -> None:
    made = values(course=CourseFacts(2, 4, date(2026, 12, 18), date(2027, 1, 1)), locale="en-GB")
    assert made["course"] == {"session": 2, "of": 4, "next_from": "18 December", "next_to": "1 January"}


def test_the_sample_clients_know_every_field_and_lack_every_optional_one() -> None:
    full, bare = SAMPLES[0].values("en"), SAMPLES[2].values("en")
    paths = {path: path.split(".") for path in FIELDS}
    assert {path for path, (group, name) in paths.items() if name in full[group]} == set(FIELDS)
    lacking = {path for path, (group, name) in paths.items() if name not in bare[group]}
    assert lacking == {path for path, field in FIELDS.items() if field.optional}
