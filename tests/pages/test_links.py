"""Links: short, unguessable, the same for all pages, and good only with the secret that made them."""

import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.links import LENGTH, Link, Links, unlinked, veiled
from tests.pages.visiting import BASE, SECRETS


@pytest.fixture(scope="module")
def links() -> Links:
    return Links(BASE, SECRETS)


def test_a_link_is_short_and_says_nothing(links: Links) -> None:
    found = [links.new() for _ in range(200)]
    assert len({link.token for link in found}) == len({link.key for link in found}) == 200
    assert all(re.fullmatch(rf"https://care\.example/a/[0-9A-Za-z]{{{LENGTH}}}", link.page) for link in found)
    assert all(link.token not in repr(link) for link in found)


def test_the_three_pages_of_a_message_share_its_token(links: Links) -> None:
    link = links.new()
    assert [link.page, link.preferences, link.unsubscribe] == [f"{BASE}/{page}/{link.token}" for page in "apu"]


def test_a_house_without_an_address_makes_no_links() -> None:
    link = unlinked().new()
    assert (link.page, link.preferences, link.unsubscribe) == ("", "", "")
    assert link.key


@given(place=st.integers(0, LENGTH - 1), mark=st.characters(codec="utf-8"))
@settings(max_examples=100)
def test_every_changed_character_names_another_message_or_none(links: Links, place: int, mark: str) -> None:
    link = links.link("Tr4ceOfG1owX")
    changed = link.token[:place] + mark + link.token[place + 1 :]
    assert (link.key in links.keys(changed)) is (changed == link.token)


def test_every_byte_counts(links: Links) -> None:
    link = links.new()
    alphabet = string.ascii_letters + string.digits
    forged = {link.token[:n] + mark + link.token[n + 1 :] for n in range(LENGTH) for mark in alphabet} - {link.token}
    assert len(forged) == LENGTH * 61
    assert not any(link.key in links.keys(token) for token in forged)


@pytest.mark.parametrize(
    "token",
    ["", "short", "a" * 13, "aaaaaaaaaaa ", "aaaaaaaaaaa.", "aaaaaaaaaaaé", "١٢٣٤٥٦٧٨٩٠١٢", "../../../etc", "\0" * 12],
)
def test_what_is_no_token_is_not_even_looked_up(links: Links, token: str) -> None:
    assert links.keys(token) == []


def test_a_new_secret_signs_and_the_old_ones_still_verify() -> None:
    newer, older = SECRETS
    before, rotated, after = Links(BASE, [older]), Links(BASE, [newer, older]), Links(BASE, [newer])
    old, new = before.new(), rotated.new()
    assert old.key in rotated.keys(old.token)
    assert new.key in rotated.keys(new.token)
    assert new.key in after.keys(new.token)
    assert old.key not in after.keys(old.token)
    assert new.key not in before.keys(new.token)


def test_the_name_that_is_stored_does_not_open_the_page(links: Links) -> None:
    """Whoever reads attempts' names, in a provider's records or a copy of the database, can not make links of them."""
    link: Link = links.new()
    assert links.keys(link.key[:LENGTH]) != [link.key]
    assert link.token not in link.key


def test_staff_see_a_clients_link_but_cannot_go_where_it_leads() -> None:
    link = Links("https://care.example", ["a secret"]).new()
    pinned = {
        "client": {"first_name": "Ada"},
        "links": {"page": link.page, "booking": "https://glow.example/a/abcdefghijkl2"},
    }
    seen = veiled(pinned)
    assert seen["links"]["page"] == "https://care.example/a/************"
    assert (seen["client"], seen["links"]["booking"]) == (pinned["client"], pinned["links"]["booking"])
    assert link.token not in str(seen)
