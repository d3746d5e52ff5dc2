"""Every fault by a real socket, and in every case a ledger that tells the truth."""

import asyncio
import json
from typing import Any

import pytest
import uvloop

from service.sandbox import FaultRuleError, parse_rules
from service.sandbox.faults import Faults
from service.sandbox.lines import Provider
from service.sandbox.rules import Fault, On
from tests.sandbox.talk import ADA, GRACE, Heard, ask, line_to, look_up, mail, text
from tests.support.sandbox import Sandbox, running_sandbox

SENDS = {"twilio": text, "sendgrid": mail}


@pytest.fixture(params=["twilio", "sendgrid"])
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def is_garbage(answer: Heard) -> bool:
    """A success that a careful client must not take for one."""
    try:
        return answer.status < 300 and "sid" not in json.loads(answer.body or b"{}")
    except ValueError:
        return answer.status < 300


@pytest.mark.parametrize("after", [False, True], ids=["before acceptance", "after acceptance"])
@pytest.mark.parametrize("fault", ["5xx", "html", "truncated", "no-id", "garbage"])
async def test_an_answer_is_broken_and_the_ledger_knows_whether_it_was_earned(
    sandbox: Sandbox, provider: str, fault: str, after: bool
) -> None:
    name = f"{fault}-after" if after else fault
    await sandbox.set_faults(f"{name}=1")
    answer = await ask(sandbox, SENDS[provider](sandbox))
    (line,) = await sandbox.ledger()
    assert answer.status == 503 if fault == "5xx" else is_garbage(answer)
    assert "x-message-id" not in answer.headers
    assert (line["fault"], line["outcome"]) == (name, "accepted" if after else "faulted")
    assert (line["told"], bool(line["id"])) == (str(answer.status), after)


@pytest.mark.parametrize("after", [False, True], ids=["before acceptance", "after acceptance"])
async def test_a_connection_is_reset_without_a_word(sandbox: Sandbox, provider: str, after: bool) -> None:
    await sandbox.set_faults("reset-after=1" if after else "reset=1")
    with pytest.raises(ConnectionResetError):
        await ask(sandbox, SENDS[provider](sandbox))
    (line,) = await sandbox.ledger()
    assert (line["outcome"], line["told"]) == ("accepted" if after else "faulted", "reset")


def test_a_reset_is_a_reset_on_uvloop_too() -> None:
    async def scenario() -> None:
        async with running_sandbox(faults="reset=1") as sandbox:
            with pytest.raises(ConnectionResetError):
                await ask(sandbox, text(sandbox))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario())


@pytest.mark.parametrize("after", [False, True], ids=["before acceptance", "after acceptance"])
async def test_a_hanging_request_is_never_answered_but_others_are(sandbox: Sandbox, provider: str, after: bool) -> None:
    await sandbox.set_faults({"fault": "hang-after" if after else "hang", "count": 1})
    async with line_to(sandbox) as line:
        line.writer.write(SENDS[provider](sandbox) * 2)
        while not await sandbox.ledger():
            pass
        answered = await ask(sandbox, SENDS[provider](sandbox))
        first, second = await sandbox.ledger()
        assert not line.reader.at_eof()
    assert (first["outcome"], first["told"]) == ("accepted" if after else "faulted", "silence")
    assert (answered.status < 300, second["outcome"]) == (True, "accepted")


async def test_a_hanging_connection_is_dropped_when_patience_ends() -> None:
    async with running_sandbox(hang_for=0.01, faults="hang=1") as sandbox:
        with pytest.raises(ConnectionResetError):
            await ask(sandbox, text(sandbox))


@pytest.mark.parametrize("after", [None, "99999", "Wed, 21 Oct 2099 07:28:00 GMT", "soon"])
async def test_too_many_requests_carry_the_retry_after_that_was_asked_for(
    sandbox: Sandbox, provider: str, after: str | None
) -> None:
    await sandbox.set_faults({"fault": "429", "detail": after})
    answer = await ask(sandbox, SENDS[provider](sandbox))
    (line,) = await sandbox.ledger()
    assert (answer.status, answer.headers["retry-after"]) == (429, after or "1")
    assert (line["outcome"], line["told"]) == ("faulted", "429")
    assert provider == "sendgrid" or answer.json["code"] == 20429


async def test_credentials_can_be_refused_in_the_middle_of_a_run(sandbox: Sandbox, provider: str) -> None:
    await sandbox.set_faults({"fault": "401", "count": 1})
    answers = [await ask(sandbox, SENDS[provider](sandbox)) for _ in range(2)]
    assert [answer.status for answer in answers] == [401, 201 if provider == "twilio" else 202]
    assert provider == "sendgrid" or answers[0].json["code"] == 20003


@pytest.mark.parametrize(("detail", "status"), [("21614", 400), ("63038", 429), ("20003", 401), ("99123", 400)])
async def test_any_refusal_of_twilio_can_be_asked_for(sandbox: Sandbox, detail: str, status: int) -> None:
    await sandbox.set_faults(f"refused=1:{detail}")
    answer = await ask(sandbox, text(sandbox))
    (line,) = await sandbox.ledger()
    assert (answer.status, answer.json["code"], line["code"]) == (status, int(detail), detail)


async def test_a_refusal_of_sendgrid_is_a_status(sandbox: Sandbox) -> None:
    await sandbox.set_faults("refused=1:403")
    answer = await ask(sandbox, mail(sandbox))
    assert (answer.status, len(answer.json["errors"])) == (403, 1)


async def test_latency_delays_the_answer_but_not_the_acceptance(sandbox: Sandbox, provider: str) -> None:
    await sandbox.set_faults("latency=30s")
    async with line_to(sandbox) as line:
        line.writer.write(SENDS[provider](sandbox))
        while not (lines := await sandbox.ledger()):
            pass
        assert lines[0]["outcome"] == "accepted"
    while len(lines) == 1:
        lines = await sandbox.ledger()
    assert (lines[1]["outcome"], lines[1]["of"], lines[1]["provider"]) == ("unanswered", 1, provider)
    assert (await sandbox.stats())["unanswered"] == 1


async def test_latency_passes(sandbox: Sandbox, provider: str) -> None:
    await sandbox.set_faults("latency=1-2ms")
    assert (await ask(sandbox, SENDS[provider](sandbox))).status < 300
    assert len(await sandbox.ledger()) == 1


async def test_latency_and_another_fault_may_meet_one_request(sandbox: Sandbox) -> None:
    await sandbox.set_faults("latency=1ms,reset-after=1")
    with pytest.raises(ConnectionResetError):
        await ask(sandbox, text(sandbox))
    assert [line["outcome"] for line in await sandbox.ledger()] == ["accepted"]


async def test_look_ups_have_faults_of_their_own(sandbox: Sandbox) -> None:
    await sandbox.set_faults("lookup:5xx=1:500")
    created = await ask(sandbox, text(sandbox))
    listed = await ask(sandbox, look_up(sandbox, "Messages.json"))
    fetched = await ask(sandbox, look_up(sandbox, f"Messages/{created.json['sid']}.json"))
    _, *lines = await sandbox.ledger()
    assert (created.status, listed.status, fetched.status) == (201, 500, 500)
    assert [(line["what"], line["outcome"], line["told"]) for line in lines] == [
        ("list", "faulted", "500"),
        ("fetch", "faulted", "500"),
    ]
    assert (await sandbox.stats())["lookups"] == 2


async def test_a_rule_keeps_to_its_recipient_its_provider_and_its_count(sandbox: Sandbox) -> None:
    await sandbox.set_faults({"fault": "5xx", "provider": "twilio", "to": ADA, "count": 2})
    requests = [text(sandbox), text(sandbox, To=GRACE), mail(sandbox), text(sandbox), text(sandbox)]
    assert [(await ask(sandbox, raw)).status for raw in requests] == [503, 201, 202, 503, 201]
    assert await sandbox.faults() == []


async def test_a_newer_rule_goes_before_an_older_one(sandbox: Sandbox) -> None:
    await sandbox.set_faults("5xx=1", {"fault": "429", "count": 1})
    assert [(await ask(sandbox, text(sandbox))).status for _ in range(2)] == [429, 503]


async def test_rules_from_the_start_hold_and_come_back_with_a_reset() -> None:
    async with running_sandbox(faults="5xx=1") as sandbox:
        assert (await ask(sandbox, text(sandbox))).status == 503
        await sandbox.clear_faults()
        assert (await ask(sandbox, text(sandbox))).status == 201
        await sandbox.reset()
        assert (await ask(sandbox, text(sandbox))).status == 503


def struck(seed: int, spec: str, times: int = 400) -> list[str | None]:
    faults = Faults(parse_rules(spec), seed)
    return [faults.strike(Provider.TWILIO, On.SEND, ADA).name for _ in range(times)]


def test_the_same_seed_strikes_the_same_requests() -> None:
    spec = "reset-after=0.1,5xx=0.1,garbage-after=0.2,latency=1-9ms"
    assert struck(7, spec) == struck(7, spec)
    assert struck(7, spec) != struck(8, spec)


def test_a_probability_is_about_how_often_it_strikes() -> None:
    assert 20 < sum(name is not None for name in struck(1, "reset=0.1")) < 70


def test_a_rule_string_tells_fault_scope_probability_and_detail() -> None:
    rules = parse_rules(
        "reset-after=0.02, latency=5-50ms, 429=0.01:99999, twilio:undelivered=0.1:30005, lookup:5xx=1, latency=0.1:30s"
    )
    told = [(rule.name, rule.provider, rule.on, rule.probability, rule.detail) for rule in rules]
    assert told == [
        ("reset-after", None, On.SEND, 0.02, None),
        ("latency", None, On.SEND, 1.0, "5-50ms"),
        ("429", None, On.SEND, 0.01, "99999"),
        ("undelivered", Provider.TWILIO, On.SEND, 0.1, "30005"),
        ("5xx", None, On.LOOKUP, 1.0, None),
        ("latency", None, On.SEND, 0.1, "30s"),
    ]


def test_a_fate_belongs_to_the_provider_that_knows_it() -> None:
    faults = Faults(parse_rules("bounce=1"))
    assert faults.fate(Provider.TWILIO, ADA).end is None
    assert faults.fate(Provider.SENDGRID, ADA).end is Fault.BOUNCE


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("reset", "write fault=probability"),
        ("explode=1", "'explode' is none of"),
        ("mail:reset=1", "'mail' is none of sendgrid, twilio"),
        ("reset=often", "no probability"),
        ("reset=0", "above 0 and at most 1"),
        ("reset=1.5", "above 0 and at most 1"),
        ("reset=nan", "above 0 and at most 1"),
        ("429-after=1", "429-after: only"),
        ("undelivered-after=1", "undelivered-after: only"),
        ("latency=fast", "no span of time"),
        ("latency=50", "no span of time"),
        ("5xx=1:404", "cannot use the detail"),
        ("reset=1:7", "cannot use the detail"),
        ("refused=1:abc", "cannot use the detail"),
    ],
)
def test_a_rule_that_cannot_be_read_says_what_is_accepted(spec: str, says: str) -> None:
    with pytest.raises(FaultRuleError, match=says):
        parse_rules(spec)


async def test_a_sandbox_does_not_start_with_a_rule_it_cannot_read() -> None:
    with pytest.raises(FaultRuleError):
        async with running_sandbox(faults="explode=1"):
            pass


@pytest.mark.parametrize(
    "fields",
    [
        {"fault": "reset", "count": 0},
        {"fault": "reset", "count": "2"},
        {"fault": "reset", "count": True},
        {"fault": "reset", "chance": 1},
        {"fault": "429", "detail": "1\r\nX-Evil: 1"},
        {"probability": 1},
        [1],
        "reset=1",
    ],
)
async def test_a_rule_that_the_control_api_cannot_read_changes_nothing(sandbox: Sandbox, fields: Any) -> None:
    body = json.dumps(fields).encode()
    head = f"POST /sandbox/faults HTTP/1.1\r\nHost: sandbox\r\nContent-Length: {len(body)}\r\n\r\n"
    answer = await ask(sandbox, head.encode() + body)
    assert (answer.status, list(answer.json)) == (400, ["error"])
    assert await sandbox.faults() == []
