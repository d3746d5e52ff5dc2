"""What providers' errors mean: the tables beside the channels, their fallback, and how long to wait."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.channels.answers import ErrorTable, load_table, seconds_to_wait
from service.errors import ConfigError
from service.types import FailureClass, OptedOut, Outcome, Rejected, Retry, Unknown

TABLES = Path(__file__).parents[2] / "service" / "channels"
TWILIO = load_table(TABLES / "twilio_sms.toml")
SENDGRID = load_table(TABLES / "sendgrid_email.toml")
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (429, "20429", Retry(FailureClass.NOT_PROCESSED, "20429")),
        (400, "21611", Retry(FailureClass.SENDER_SATURATED, "21611")),
        (400, "30001", Retry(FailureClass.SENDER_SATURATED, "30001")),
        (400, "30022", Retry(FailureClass.SENDER_SATURATED, "30022")),
        (429, "63038", Retry(FailureClass.ACCOUNT_CAP, "63038")),
        (400, "30003", Retry(FailureClass.HANDSET_FOR_NOW, "30003")),
        (400, "30008", Retry(FailureClass.HANDSET_FOR_NOW, "30008")),
        (400, "30005", Rejected(FailureClass.HANDSET_GONE, "30005")),
        (400, "21211", Rejected(FailureClass.NOT_TEXTABLE, "21211")),
        (400, "21614", Rejected(FailureClass.NOT_TEXTABLE, "21614")),
        (400, "21635", Rejected(FailureClass.NOT_TEXTABLE, "21635")),
        (400, "30006", Rejected(FailureClass.NOT_TEXTABLE, "30006")),
        (400, "21610", OptedOut("21610")),
        (400, "21408", Rejected(FailureClass.ROUTE, "21408")),
        (400, "21612", Rejected(FailureClass.ROUTE, "21612")),
        (400, "30007", Rejected(FailureClass.CONTENT, "30007")),
        (400, "21617", Rejected(FailureClass.CONTENT, "21617")),
        (400, "30034", Retry(FailureClass.CREDENTIAL, "30034")),
        (400, "30002", Retry(FailureClass.CREDENTIAL, "30002")),
        (401, "20003", Retry(FailureClass.CREDENTIAL, "20003")),
        (500, "20500", Unknown("20500")),
    ],
)
def test_a_known_twilio_code_has_its_class(status: int, code: str, outcome: Outcome) -> None:
    assert TWILIO.outcome(status, code) == outcome


@pytest.mark.parametrize("table", [TWILIO, SENDGRID], ids=["twilio", "sendgrid"])
@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (429, Retry(FailureClass.NOT_PROCESSED, "429")),
        (401, Retry(FailureClass.CREDENTIAL, "401")),
        (403, Retry(FailureClass.CREDENTIAL, "403")),
        (404, Retry(FailureClass.CREDENTIAL, "404")),
        (400, Rejected(FailureClass.MALFORMED, "400")),
        (413, Rejected(FailureClass.MALFORMED, "413")),
        (422, Rejected(FailureClass.MALFORMED, "422")),
        (408, Unknown("408")),
        (307, Unknown("307")),
        (500, Unknown("500")),
        (503, Unknown("503")),
        (599, Unknown("599")),
    ],
)
def test_an_unknown_code_follows_its_http_status(table: ErrorTable, status: int, outcome: Outcome) -> None:
    assert table.outcome(status) == outcome


def test_an_unknown_code_keeps_its_number() -> None:
    assert TWILIO.outcome(400, "29999") == Rejected(FailureClass.MALFORMED, "29999")


@pytest.mark.parametrize("code", ["21610", "21614", "20003", "20429"])
@pytest.mark.parametrize("status", [200, 302, 500, 503])
def test_only_a_4xx_says_that_nothing_was_sent(status: int, code: str) -> None:
    assert TWILIO.outcome(status, code) == Unknown(code)


@pytest.mark.parametrize(
    ("event", "failure"),
    [
        ("deferred", FailureClass.EMAIL_LATER),
        ("bounce", FailureClass.EMAIL_DEAD),
        ("dropped: bounced address", FailureClass.EMAIL_DEAD),
        ("bounce: blocked", FailureClass.EMAIL_BLOCKED),
        ("spamreport", FailureClass.EMAIL_REFUSED),
        ("unsubscribe", FailureClass.EMAIL_REFUSED),
        ("delivered", None),
        (None, None),
    ],
)
def test_a_sendgrid_event_has_its_class(event: str | None, failure: FailureClass | None) -> None:
    assert SENDGRID.failure(event) is failure


def test_every_class_of_failure_is_in_a_table() -> None:
    listed = {*TWILIO.codes.values(), *TWILIO.statuses.values(), *SENDGRID.codes.values(), *SENDGRID.statuses.values()}
    assert listed == {*FailureClass, None}


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("[codes]\nopted_uot = [21610]", "'opted_uot' is no class"),
        ("[codes]\nroute = [21408]\ncontent = [21408]", "21408 is listed twice"),
    ],
)
def test_a_wrong_table_is_refused_with_its_place(tmp_path: Path, table: str, says: str) -> None:
    path = tmp_path / "carrier_pigeon.toml"
    path.write_text(table)
    with pytest.raises(ConfigError, match=says) as caught:
        load_table(path)
    assert (caught.value.code, caught.value.problems[0].where) == ("bad-error-table", "carrier_pigeon.toml: codes")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("99999", 3600.0),
        ("9" * 5000, 3600.0),
        ("Fri, 20 Nov 2026 12:01:30 GMT", 90.0),
        ("Fri, 20 Nov 2026 11:00:00 GMT", 0.0),
        ("Fri, 20 Nov 2026 12:01:30 -0000", 90.0),
        ("Friday, 20-Nov-26 12:01:30 GMT", 90.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600.0),
        ("soon", None),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("1e9", None),
        ("٣", None),
        ("²", None),
        ("Fri, 99 Nov 2026 12:01:30 GMT", None),
    ],
)
def test_retry_after_is_read_capped_or_ignored(header: str, seconds: float | None) -> None:
    assert seconds_to_wait(header, NOW, cap=3600.0) == seconds


@given(st.text(max_size=60))
def test_no_retry_after_raises_or_passes_the_cap(header: str) -> None:
    seconds = seconds_to_wait(header, NOW, cap=3600.0)
    assert seconds is None or 0.0 <= seconds <= 3600.0
