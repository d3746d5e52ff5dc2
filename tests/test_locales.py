"""Dates as they are written where a clinic is."""

import pytest

from service.locales import regional


@pytest.mark.parametrize(
    ("locale", "country", "expected"),
    [
        ("en", "IE", "en_IE"),
        ("en", "GB", "en_GB"),
        ("es", "MX", "es_MX"),
        ("en-US", "IE", "en_US"),
        ("zh-Hant", "HK", "zh_Hant"),
        ("pl", "IE", "pl"),
        ("en", "", "en"),
        ("en-abc", "GB", "en"),
        ("xx", "GB", "en"),
    ],
)
def test_a_language_is_read_as_where_its_clinic_is(locale: str, country: str, expected: str) -> None:
    assert regional(locale, country) == expected
