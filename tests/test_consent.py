"""Whether a client may be written to: the whole table, and what outranks what."""

from itertools import product

import pytest

from service import reasons
from service.consent import SENTENCES, Reach, obstacle, other_media
from service.types import Medium, Purpose

FREE = {"has_sender": True, "address": "ada", "unusable": False, "suppressed": False, "stopped": False, "granted": True}


@pytest.mark.parametrize(
    ("purpose", "granted", "care_assumed", "found"),
    [
        (Purpose.CARE, True, False, None),
        (Purpose.CARE, None, True, None),
        (Purpose.CARE, None, False, "no-consent"),
        (Purpose.CARE, False, True, "no-consent"),
        (Purpose.REBOOK, None, True, "no-consent"),
        (Purpose.REBOOK, False, True, "no-consent"),
        (Purpose.REBOOK, True, False, None),
        (Purpose.REVIEW, None, True, "no-consent"),
        (Purpose.REVIEW, True, False, None),
    ],
)
def test_consent_is_by_purpose_and_only_care_may_be_assumed(
    purpose: Purpose, granted: bool | None, care_assumed: bool, found: str | None
) -> None:
    assert obstacle(Reach(**FREE | {"granted": granted}), purpose, care_assumed=care_assumed) == found  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("hindrance", "found"),
    [
        ({"address": None}, "no-address"),
        ({"has_sender": False}, "no-sender"),
        ({"suppressed": True}, "suppressed"),
        ({"stopped": True}, "stopped"),
        ({"unusable": True}, "address-unusable"),
        ({"suppressed": True, "granted": False}, "suppressed"),
        ({"suppressed": True, "stopped": True, "unusable": True}, "suppressed"),
        ({"stopped": True, "unusable": True, "granted": None}, "stopped"),
        ({"address": None, "suppressed": True}, "no-address"),
    ],
)
def test_each_obstacle_stands_whatever_was_agreed_to(hindrance: dict[str, object], found: str) -> None:
    for purpose in Purpose:
        assert obstacle(Reach(**FREE | hindrance), purpose, care_assumed=True) == found  # type: ignore[arg-type]


def test_no_consent_lifts_a_suppression_and_nothing_is_sent_but_where_nothing_stands_in_the_way() -> None:
    for has_sender, unusable, suppressed, stopped, granted, address, purpose in product(
        [True, False], [True, False], [True, False], [True, False], [True, False, None], ["ada", None], Purpose
    ):
        reach = Reach(has_sender, address, unusable, suppressed, stopped, granted)
        found = obstacle(reach, purpose, care_assumed=True)
        hindered = address is None or not has_sender or suppressed or stopped or unusable
        agreed = granted is True or (granted is None and purpose is Purpose.CARE)
        assert (found is None) == (not hindered and agreed)
        assert found is None or found in SENTENCES


def test_every_obstacle_has_its_sentence_for_people() -> None:
    assert SENTENCES.keys() <= reasons.SENTENCES.keys()


@pytest.mark.parametrize(
    ("media", "medium", "later"),
    [
        ("sms,email", Medium.SMS, [Medium.EMAIL]),
        ("sms,email", Medium.EMAIL, []),
        ("email,sms", Medium.EMAIL, [Medium.SMS]),
        ("email", Medium.EMAIL, []),
        ("email", Medium.SMS, []),
    ],
)
def test_the_media_after_one_are_those_a_step_prefers_less(media: str, medium: Medium, later: list[Medium]) -> None:
    assert other_media(media, medium) == later
