"""Phone numbers and email addresses as clinics write them: usable, or kept with the reason why not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.intake.addresses import SENTENCES, email_address, phone_address


@pytest.mark.parametrize(
    ("given", "country", "value", "problem"),
    [
        ("+447400123456", "GB", "+447400123456", ""),
        ("07400 123456", "GB", "+447400123456", ""),
        ("0044 (7400) 123-456", "GB", "+447400123456", ""),
        ("+44 7400 123456 ext. 7", "GB", "+447400123456", ""),
        ("٠٧٤٠٠١٢٣٤٥٦", "GB", "+447400123456", ""),
        ("(212) 555-0123", "US", "+12125550123", ""),
        ("612 34 56 78", "ES", "+34612345678", ""),
        ("07400 12345", "GB", None, "invalid-number"),
        ("+999 123", "GB", None, "not-a-number"),
        ("ask at the desk", "GB", None, "not-a-number"),
        ("999", "GB", None, "invalid-number"),
        ("020 7946 0018", "GB", None, "landline"),
        ("0909 879 1234", "GB", None, "premium-number"),
        ("0800 123 4567", "GB", None, "not-textable"),
        ("", "GB", None, "not-a-number"),
    ],
)
def test_a_phone_number_is_made_usable_or_its_fault_is_named(
    given: str, country: str, value: str | None, problem: str
) -> None:
    found = phone_address(given, country)
    assert (found.value, found.problem) == (value, problem)
    assert not problem or problem in SENTENCES


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("ada@example.com", "ada@example.com"),
        ("Ada@EXAMPLE.com", "ada@example.com"),
        ("ada+clinic@example.com", "ada+clinic@example.com"),
        ("ada", None),
        ("ada@", None),
        ("ada@localhost", None),
        ("ada lovelace@example.com", None),
        ("ada@example.com, grace@example.com", None),
        ("Ada <ada@example.com>", None),
        ("ada@example.com\r\nBcc: grace@example.com", None),
    ],
)
def test_an_email_address_is_made_usable_or_refused(given: str, value: str | None) -> None:
    found = email_address(given)
    assert (found.value, found.problem) == (value, "" if value else "invalid-email")


@given(st.text(max_size=60) | st.from_regex(r"[0-9+() .-]{1,20}|[^@\s]{1,9}@[^@\s]{1,9}", fullmatch=True))
def test_whatever_stands_in_an_address_it_is_an_answer_and_never_a_crash(text: str) -> None:
    phone, email = phone_address(text, "GB"), email_address(text)
    assert bool(phone.value) is not bool(phone.problem)
    assert bool(email.value) is not bool(email.problem)
    assert phone.value is None or phone.value.removeprefix("+").isdecimal()
