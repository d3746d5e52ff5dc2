"""The ledger: complete, in order, on disk before the answer, and easy to ask."""

import asyncio
import hashlib
import json
from pathlib import Path

import pytest

from service import clock
from service.sandbox import SandboxConfig, serve
from tests.sandbox.talk import ADA, CLINIC, GRACE, SERVICE, ask, line_to, mail, text
from tests.support.sandbox import Sandbox, running_sandbox


async def test_a_line_tells_all_about_a_message(sandbox: Sandbox) -> None:
    answer = await ask(sandbox, text(sandbox, From="", MessagingServiceSid=SERVICE))
    (line,) = await sandbox.ledger()
    assert line.pop("at").endswith("Z")
    assert line == {
        "n": 1,
        "provider": "twilio",
        "what": "send",
        "outcome": "accepted",
        "id": answer.json["sid"],
        "to": ADA,
        "from": SERVICE,
        "fault": None,
        "told": "201",
        "code": None,
        "attempt": None,
        "subject": "",
        "body": "Sunscreen today, please.",
        "body_hash": hashlib.sha256(b"Sunscreen today, please.").hexdigest(),
    }


async def test_lines_can_be_read_from_where_one_stopped(sandbox: Sandbox) -> None:
    for number in range(3):
        await ask(sandbox, text(sandbox, Body=f"number {number}"))
    assert [line["body"] for line in await sandbox.ledger(after=1)] == ["number 1", "number 2"]
    assert await sandbox.ledger(after=3) == await sandbox.ledger(after=9) == []


async def test_the_file_has_every_line_before_its_answer_goes_out(tmp_path: Path) -> None:
    path = tmp_path / "ledger.ndjson"
    async with running_sandbox(ledger=path, faults="reset-after=1") as sandbox:
        with pytest.raises(ConnectionResetError):
            await ask(sandbox, text(sandbox))
        assert [json.loads(line)["told"] for line in path.read_text().splitlines()] == ["reset"]
        assert [json.loads(line) for line in path.read_text().splitlines()] == await sandbox.ledger()


async def test_the_file_is_appended_to_and_never_rewritten(tmp_path: Path) -> None:
    path = tmp_path / "ledger.ndjson"
    for _ in range(2):
        async with running_sandbox(ledger=path) as sandbox:
            await ask(sandbox, text(sandbox))
            await sandbox.reset()
            await ask(sandbox, mail(sandbox))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["n"], line["what"]) for line in lines] == [(1, "send"), (0, "reset"), (1, "send")] * 2


async def test_duplicates_are_the_same_words_to_the_same_person(sandbox: Sandbox) -> None:
    letters = [mail(sandbox), mail(sandbox), mail(sandbox, subject="Other")]
    texts = [text(sandbox), text(sandbox), text(sandbox), text(sandbox, To=GRACE), text(sandbox, Body="Other")]
    for raw in letters + texts:
        await ask(sandbox, raw)
    stats = await sandbox.stats()
    assert (stats["accepted"], stats["duplicates"]) == (8, 3)
    assert (stats["twilio"]["duplicates"], stats["sendgrid"]["duplicates"]) == (2, 1)


async def test_a_message_that_was_only_refused_before_is_no_duplicate(sandbox: Sandbox) -> None:
    await sandbox.set_faults({"fault": "5xx", "count": 1})
    assert [(await ask(sandbox, text(sandbox))).status for _ in range(2)] == [503, 201]
    assert (await sandbox.stats())["duplicates"] == 0


async def test_statistics_count_by_provider_and_outcome(sandbox: Sandbox) -> None:
    await sandbox.set_faults({"fault": "429", "provider": "twilio", "count": 1})
    for raw in (text(sandbox), text(sandbox), text(sandbox, To="12"), mail(sandbox)):
        await ask(sandbox, raw)
    stats = await sandbox.stats()
    counted = [
        {name: stats[p][name] for name in ("requests", "accepted", "refused", "faulted")}
        for p in ("twilio", "sendgrid")
    ]
    assert counted == [
        {"requests": 3, "accepted": 1, "refused": 1, "faulted": 1},
        {"requests": 1, "accepted": 1, "refused": 0, "faulted": 0},
    ]
    assert stats["requests"] == 4
    assert stats["twilio"]["first"] == stats["twilio"]["last"]


async def test_a_reset_forgets_messages_opt_outs_and_suppressions(sandbox: Sandbox) -> None:
    await ask(sandbox, text(sandbox))
    await sandbox.send_inbound("http://127.0.0.1:9/", number=ADA, body="STOP", to=CLINIC)
    assert (await ask(sandbox, text(sandbox))).status == 400
    await sandbox.reset()
    assert await sandbox.ledger() == []
    assert (await sandbox.stats())["requests"] == 0
    assert (await ask(sandbox, text(sandbox))).status == 201


async def test_a_hundred_at_once_are_a_hundred_lines_with_a_hundred_ids(sandbox: Sandbox) -> None:
    async def several(number: int) -> None:
        async with line_to(sandbox) as line:
            for part in range(10):
                await line.ask(text(sandbox, Body=f"{number}-{part}"))

    await asyncio.gather(*(several(number) for number in range(10)))
    lines = await sandbox.ledger()
    assert [line["n"] for line in lines] == list(range(1, 101))
    assert len({line["id"] for line in lines}) == 100


async def test_it_tells_when_it_is_ready_and_how_to_talk_to_it() -> None:
    told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(SandboxConfig(now=clock.now), told.set_result))
    info = json.loads(await told)
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert info.keys() == {
        "url",
        "twilio_account_sid",
        "twilio_auth_token",
        "sendgrid_api_key",
        "sendgrid_webhook_key",
    }
    assert info["url"].startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("inbound", b"{"),
        ("inbound", b"[]"),
        ("inbound", b'{"from": "+447400123456"}'),
        ("inbound", b'{"url": "http://127.0.0.1:9/", "to": "+15005550006"}'),
        ("inbound", b'{"url": "http://127.0.0.1:9/", "from": "+447400123456"}'),
        ("webhooks", b'{"sendgrid": "http://127.0.0.1:9/"}'),
        ("webhooks", b'{"inbound": ["http://127.0.0.1:9/"]}'),
        ("ledger?after=x", b""),
    ],
)
async def test_a_control_request_that_cannot_be_used_is_refused(sandbox: Sandbox, name: str, body: bytes) -> None:
    method = "POST" if body else "GET"
    raw = f"{method} /sandbox/{name} HTTP/1.1\r\nHost: sandbox\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    answer = await ask(sandbox, raw)
    assert (answer.status, list(answer.json)) == (400, ["error"])
