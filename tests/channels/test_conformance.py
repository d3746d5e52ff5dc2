"""What every channel promises, whichever provider is behind it: one suite, run against each of them.

The provider is the sandbox, a real server with faults; its ledger says what was truly taken. A new channel joins by
being registered.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from service import clock
from service.channels.base import CallbackRequest, Channel, KeepsRecords
from service.channels.registry import _LIVE, ChannelConfig, Mode, open_channels
from service.errors import Forbidden
from service.types import (
    Accepted,
    Captured,
    Email,
    FailureClass,
    Medium,
    Outcome,
    Outgoing,
    Rejected,
    Retry,
    Sms,
    Unknown,
)
from tests.channels.people import CANARIES, outgoing
from tests.channels.provider import closed_port, deaf_port, provider, reset_before_reading
from tests.support.sandbox import Sandbox, running_sandbox

NOW = clock.now()

live = pytest.mark.parametrize("medium", list(_LIVE), ids=str)
every = pytest.mark.parametrize(("mode", "medium"), [(mode, medium) for mode in Mode for medium in Medium], ids=str)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running_sandbox(callbacks=False) as sandbox:
        yield sandbox


def configured(sandbox: Sandbox, mode: Mode = Mode.LIVE) -> ChannelConfig:
    return ChannelConfig(
        mode=mode,
        twilio_account_sid=sandbox.account_sid,
        twilio_auth_token=sandbox.auth_token,
        twilio_base_url=sandbox.url,
        sendgrid_api_key=sandbox.api_key,
        sendgrid_base_url=sandbox.url,
        sendgrid_webhook_key=sandbox.sendgrid_public_key,
        deadline=30.0,
    )


@asynccontextmanager
async def opened(config: ChannelConfig, medium: Medium) -> AsyncIterator[Channel]:
    channels = open_channels(config)
    try:
        yield channels.by_medium[medium]
    finally:
        await channels.close()


async def sent(config: ChannelConfig, medium: Medium, message: Outgoing | None = None) -> Outcome:
    async with opened(config, medium) as channel:
        return await channel.send(message or outgoing(medium))


def numbered(medium: Medium, number: int) -> Outgoing:
    callback = f"https://care.example.com/callbacks/twilio/status/token-{number}"
    return outgoing(medium, token=f"token-{number}", status_callback=callback)


def elsewhere(sandbox: Sandbox, url: str, deadline: float = 30.0) -> ChannelConfig:
    return replace(configured(sandbox), twilio_base_url=url, sendgrid_base_url=url, deadline=deadline)


@live
async def test_a_message_is_taken_once_and_named(sandbox: Sandbox, medium: Medium) -> None:
    message = outgoing(medium)
    outcome = await sent(configured(sandbox), medium, message)
    [line] = await sandbox.ledger()
    assert outcome == Accepted(line["id"])
    assert (line["outcome"], line["to"], line["attempt"]) == ("accepted", message.to, message.token)


@every
async def test_a_channel_either_keeps_records_of_all_it_sent_or_says_that_it_does_not(
    sandbox: Sandbox, mode: Mode, medium: Medium
) -> None:
    async with opened(configured(sandbox, mode), medium) as channel:
        assert isinstance(channel, KeepsRecords) == (channel.name == "twilio")


@live
@pytest.mark.parametrize(
    ("told", "after"),
    [("17", 17.0), ("99999", 3600.0), ("9" * 200, 3600.0), ("soon", None), ("-3", None), ("1.5", None)],
)
async def test_a_rate_limit_is_retried_when_the_provider_says(
    sandbox: Sandbox, medium: Medium, told: str, after: float | None
) -> None:
    await sandbox.set_faults({"fault": "429", "detail": told})
    outcome = await sent(configured(sandbox), medium)
    assert isinstance(outcome, Retry)
    assert (outcome.failure, outcome.after) == (FailureClass.NOT_PROCESSED, after)


@live
async def test_a_rate_limit_until_a_date_is_capped(sandbox: Sandbox, medium: Medium) -> None:
    await sandbox.set_faults({"fault": "429", "detail": "Fri, 31 Dec 9999 23:59:59 GMT"})
    outcome = await sent(configured(sandbox), medium)
    assert isinstance(outcome, Retry)
    assert outcome.after == 3600.0


@live
async def test_credentials_that_are_refused_blame_the_sender_not_the_message(sandbox: Sandbox, medium: Medium) -> None:
    refused = replace(configured(sandbox), twilio_auth_token="wrong", sendgrid_api_key="wrong")
    outcome = await sent(refused, medium)
    assert isinstance(outcome, Retry)
    assert outcome.failure is FailureClass.CREDENTIAL


@live
async def test_a_permanent_error_is_not_worth_another_try(sandbox: Sandbox, medium: Medium) -> None:
    await sandbox.set_faults("refused=1")
    outcome = await sent(configured(sandbox), medium)
    assert isinstance(outcome, Rejected)


@live
@pytest.mark.parametrize("status", ["500", "502", "503", "504"])
async def test_a_server_error_leaves_it_unknown(sandbox: Sandbox, medium: Medium, status: str) -> None:
    await sandbox.set_faults({"fault": "5xx", "detail": status})
    assert isinstance(await sent(configured(sandbox), medium), Unknown)
    assert len(await sandbox.ledger()) == 1


@live
@pytest.mark.parametrize("fault", ["reset", "reset-after", "html", "html-after", "truncated", "no-id", "no-id-after"])
async def test_a_broken_answer_leaves_it_unknown_and_is_not_sent_again(
    sandbox: Sandbox, medium: Medium, fault: str
) -> None:
    await sandbox.set_faults({"fault": fault})
    assert isinstance(await sent(configured(sandbox), medium), Unknown)
    [line] = await sandbox.ledger()
    assert line["outcome"] == ("accepted" if fault.endswith("-after") else "faulted")


@live
async def test_a_half_answer_after_acceptance_is_never_taken_for_a_refusal(sandbox: Sandbox, medium: Medium) -> None:
    """SendGrid's acceptance has no body to cut, so there the whole answer arrives."""
    await sandbox.set_faults("truncated-after=1")
    outcome = await sent(configured(sandbox), medium)
    [line] = await sandbox.ledger()
    assert outcome in (Unknown("answer-unreadable"), Unknown("answer-without-id"), Accepted(line["id"]))


@live
@pytest.mark.parametrize("fault", ["hang", "hang-after"])
async def test_an_answer_that_never_comes_leaves_it_unknown(sandbox: Sandbox, medium: Medium, fault: str) -> None:
    await sandbox.set_faults({"fault": fault})
    assert await sent(elsewhere(sandbox, sandbox.url, deadline=0.6), medium) == Unknown("answer-timed-out")


@live
@pytest.mark.parametrize("nobody", [closed_port, deaf_port], ids=["refused", "never opens"])
async def test_no_connection_is_surely_not_sent(sandbox: Sandbox, medium: Medium, nobody: Callable[[], object]) -> None:
    with nobody() as url:  # type: ignore[attr-defined]
        outcome = await sent(elsewhere(sandbox, url, deadline=0.6), medium)
    assert isinstance(outcome, Retry)
    assert outcome.failure is FailureClass.NOT_PROCESSED


@live
async def test_no_host_and_no_trust_are_surely_not_sent(sandbox: Sandbox, medium: Medium) -> None:
    assert await sent(elsewhere(sandbox, "http://nowhere.invalid"), medium) == Retry(
        FailureClass.NOT_PROCESSED, "dns-failed"
    )
    async with provider(reset_before_reading) as server:
        assert await sent(elsewhere(sandbox, server.url.replace("http", "https")), medium) == Retry(
            FailureClass.NOT_PROCESSED, "connect-failed"
        )


@live
async def test_a_wrong_base_address_keeps_the_message_due(sandbox: Sandbox, medium: Medium) -> None:
    outcome = await sent(elsewhere(sandbox, f"{sandbox.url}/elsewhere"), medium)
    assert isinstance(outcome, Retry)
    assert outcome.failure is FailureClass.CREDENTIAL


@live
async def test_a_text_that_is_no_unicode_is_refused_before_sending(sandbox: Sandbox, medium: Medium) -> None:
    broken = Sms("Ada \ud800", 1, "UCS-2") if medium is Medium.SMS else Email("Ada \ud800", "", "", "")
    outcome = await sent(configured(sandbox), medium, outgoing(medium, message=broken))
    assert outcome == Rejected(FailureClass.MALFORMED, "request-not-built")
    assert await sandbox.ledger() == []


@live
async def test_a_message_of_another_medium_is_a_mistake_and_is_not_sent(sandbox: Sandbox, medium: Medium) -> None:
    other = next(each for each in Medium if each is not medium)
    with pytest.raises(TypeError):
        await sent(configured(sandbox), medium, outgoing(medium, message=outgoing(other).message))
    assert await sandbox.ledger() == []


@every
async def test_past_its_start_nothing_is_sent(sandbox: Sandbox, mode: Mode, medium: Medium) -> None:
    late = outgoing(medium, start_before=clock.monotonic() - 0.001)
    outcome = await sent(configured(sandbox, mode), medium, late)
    assert outcome == Retry(FailureClass.NOT_PROCESSED, "send-deadline-passed")
    assert await sandbox.ledger() == []


@every
async def test_a_callback_without_a_signature_is_refused(sandbox: Sandbox, mode: Mode, medium: Medium) -> None:
    forged = CallbackRequest("https://care.example.com/callbacks/x", {}, b"[]")
    async with opened(configured(sandbox, mode), medium) as channel:
        with pytest.raises(Forbidden) as caught:
            channel.status_of(forged, NOW)
    assert caught.value.code == "bad-signature"


@every
async def test_a_channel_says_who_it_is(sandbox: Sandbox, mode: Mode, medium: Medium) -> None:
    async with opened(configured(sandbox, mode), medium) as channel:
        assert channel.medium is medium
        assert channel.name


async def test_the_outbox_captures_and_nothing_leaves(sandbox: Sandbox) -> None:
    for medium in Medium:
        assert await sent(configured(sandbox, Mode.OUTBOX), medium) == Captured()
    assert await sandbox.ledger() == []


@live
@pytest.mark.parametrize("fault", ["none", "429", "401", "refused", "5xx", "reset", "html", "truncated", "no-id"])
async def test_nothing_personal_is_told_or_logged(
    sandbox: Sandbox, medium: Medium, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    if fault != "none":
        await sandbox.set_faults({"fault": fault})
    outcome = await sent(configured(sandbox), medium)
    for canary in CANARIES:
        assert canary not in repr(outcome)
        assert canary not in caplog.text


@live
async def test_many_sends_at_once_keep_to_themselves(sandbox: Sandbox, medium: Medium) -> None:
    """Each send knows its own start and its own answer, though they share one client."""
    await sandbox.set_faults({"fault": "429", "probability": 0.5, "detail": "5"})
    async with opened(configured(sandbox), medium) as channel:
        messages = [numbered(medium, number) for number in range(60)]
        outcomes = await asyncio.gather(*(channel.send(message) for message in messages))
    ledger = {line["attempt"]: line for line in await sandbox.ledger()}
    for number, outcome in enumerate(outcomes):
        match outcome:
            case Accepted(provider_id):
                assert ledger[f"token-{number}"]["id"] == provider_id
            case Retry(_, _, after):
                assert ledger[f"token-{number}"]["outcome"] == "faulted"
                assert after == 5.0
            case _:
                pytest.fail(f"unexpected {outcome}")
