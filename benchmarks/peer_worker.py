"""pgqueuer's worker, a process of its own: every job is one POST of the form that Twilio takes.

python -m benchmarks.peer_worker DSN ADDRESS ACCOUNT TOKEN BATCH CONCURRENCY
"""

import logging
import sys
from datetime import timedelta

import aiohttp
import asyncpg
import orjson
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.models import Job

ENTRYPOINT = "send"
_WORDS = (
    "Bench Clinic: Hi Ada, from today please wear an adequate sunscreen when you go out, and keep skincare gentle. "
    "Worried? Call +44 20 7946 0018"
)
"""As long as what Aftercare sends in the same burst."""


async def main(dsn: str, address: str, account: str, token: str, batch: int, concurrency: int) -> None:
    logging.disable(logging.CRITICAL)
    connector = aiohttp.TCPConnector(limit=0)
    pool = await asyncpg.create_pool(dsn, min_size=4, max_size=10)
    async with aiohttp.ClientSession(connector=connector, auth=aiohttp.BasicAuth(account, token)) as session:
        queue = PgQueuer(AsyncpgPoolDriver(pool))

        async def send(job: Job) -> None:
            async with session.post(address, data=_form(orjson.loads(job.payload or b"")["number"])) as answer:
                await answer.json()

        queue.entrypoint(ENTRYPOINT)(send)
        await queue.run(batch_size=batch, max_concurrent_tasks=concurrency, dequeue_timeout=timedelta(seconds=30))


def _form(number: int) -> dict[str, str]:
    return {
        "To": f"+447400{number:06}",
        "From": "+447400999999",
        "Body": _WORDS,
        "ValidityPeriod": "36000",
        "StatusCallback": f"https://bench.example/callbacks/twilio/status/{number:022}",
    }


if __name__ == "__main__":
    # The loop that its own command line uses.
    dsn, address, account, token, batch, concurrency = sys.argv[1:]
    uvloop.run(main(dsn, address, account, token, int(batch), int(concurrency)))
