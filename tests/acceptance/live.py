"""A clinic as it is run for real: PostgreSQL, a sandbox for the providers, web and worker as processes of their own."""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import orjson
import sqlalchemy as sa
from pyreqwest.client import Client
from pyreqwest.exceptions import PyreqwestError
from sqlalchemy.ext.asyncio import AsyncConnection

from service import clock
from service.clinics import NewSender, add_clinic
from service.intake.group import Intake
from service.store.keys import issue_key
from service.store.lanes import resume_senders
from service.store.session import Database
from service.store.signals import notify
from service.store.tables import Attempt, Decision, Reminder, Sender, core
from service.types import Json, Medium
from tests.support import house
from tests.support.house import CLINIC
from tests.support.processes import NOTHING, Process, Processes, free_port, until
from tests.support.sandbox import Sandbox

ATTEMPT, DECISION, REMINDER, SENDER = core(Attempt), core(Decision), core(Reminder), core(Sender)

PASSWORD = "tremolite-5-dunnock"
SECRET_KEY = "gorse-feldspar-otter-" * 2
SECRETS = (PASSWORD, SECRET_KEY, "sandbox-auth-token", "SG.sandbox")
"""The servers of the tests trust everybody, so any password opens them: this one must not show."""

FIRST_NAME = "Zenobia"
NOTE = "no saffron balm until Tuesday"
PERSONAL = (FIRST_NAME, NOTE, "saffron", "447400", "@people.example")
"""What is said of clients in these tests."""

AT_ONCE = "same-day-gentle-cleanser"
"""A step that falls due when the treatment ends, at any hour: for what must be sent in the middle of the night too."""


def quick(deadline: int = 2) -> dict[str, str]:
    """The order that must hold, deadline < lease < look-up, in seconds instead of minutes."""
    return {
        "AFTERCARE_SENDING__DEADLINE": f"{deadline} seconds",
        "AFTERCARE_SENDING__LEASE": f"{deadline + 1} seconds",
        "AFTERCARE_SENDING__LOOK_UP_AFTER": f"{deadline + 2} seconds",
        "AFTERCARE_SENDING__RETRY_BASE": "10 milliseconds",
    }


def visit(number: int, now: datetime, medium: str = "sms") -> Json:
    """The event of client `number`, whose message is due: by SMS, or by email to those who gave no phone."""
    ended_at = (now - timedelta(minutes=1)).isoformat()
    return house.visit(
        id=f"e-{number}",
        time=ended_at,
        treatment__id=f"visit-{number}",
        treatment__protocol="hydrafacial",
        treatment__ended_at=ended_at,
        treatment__note=NOTE,
        client__ref=f"c-{number}",
        client__first_name=FIRST_NAME,
        client__phone=phone(number) if medium == "sms" else None,
        client__email=email(number),
    )


def phone(number: int) -> str:
    return f"+447400{100_000 + number}"


def email(number: int) -> str:
    return f"client{number}@people.example"


@dataclass
class Live:
    """The clinic, what its processes are told, and what can be asked about it."""

    database: Database
    dsn: str
    sandbox: Sandbox
    processes: Processes
    key: str
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def settings(
        self, more: Mapping[str, str] = NOTHING, *, sandbox: Sandbox | None = None, dsn: str = ""
    ) -> Mapping[str, str]:
        """The environment of web and worker."""
        provider = sandbox or self.sandbox
        return {
            "DATABASE_URL": dsn or self.dsn,
            "AFTERCARE_SECRET_KEY": SECRET_KEY,
            "PUBLIC_URL": self.url,
            "PORT": str(self.port),
            "AFTERCARE_HOST": "127.0.0.1",
            "TWILIO_BASE_URL": provider.url,
            "TWILIO_ACCOUNT_SID": provider.account_sid,
            "TWILIO_AUTH_TOKEN": provider.auth_token,
            "SENDGRID_BASE_URL": provider.url,
            "SENDGRID_API_KEY": provider.api_key,
            "SENDGRID_WEBHOOK_KEY": provider.sendgrid_public_key,
            **more,
        }

    async def worker(
        self, more: Mapping[str, str] = NOTHING, *, sandbox: Sandbox | None = None, dsn: str = ""
    ) -> Process:
        worker = self.processes.start("worker", settings=self.settings(more, sandbox=sandbox, dsn=dsn))
        await worker.says("worker started")
        return worker

    async def web(self, more: Mapping[str, str] = NOTHING) -> Process:
        web = self.processes.start("web", settings=self.settings(more))
        await until(lambda: answers(self.sandbox.client, f"{self.url}/healthz", web), "web answers")
        return web

    async def post(self, event: Json | list[Json]) -> tuple[int, Any]:
        """Report an event as the clinic's system does."""
        return await post_event(self.sandbox.client, self.url, self.key, event)

    async def seed(self, count: int) -> None:
        """Take in the events of `count` clients, in this process: what is due has been committed on return."""
        intake = Intake(self.database, house.shipped().protocols)
        intake.start()
        now = clock.now()
        events = [house.read(visit(number, now), now) for number in range(count)]
        await intake.take_all(CLINIC, events)
        await intake.stop()

    async def hold(self) -> None:
        """Nothing is sent until `release`."""
        async with self.database.write() as connection:
            await connection.execute(SENDER.update().values(paused_at=await self.database.now(connection)))

    async def release(self) -> None:
        async with self.database.write() as connection:
            now = await self.database.now(connection)
            await resume_senders(connection, CLINIC, now)
            await notify(connection, now)

    async def rows(self, statement: sa.Select[Any]) -> Sequence[Any]:
        """What the database says, asked again where a test has cut the connection."""

        async def read(connection: AsyncConnection) -> Sequence[Any]:
            found: Sequence[Any] = (await connection.execute(statement)).all()
            return found

        return await self.database.transact(read)

    async def states(self) -> Counter[str]:
        """The states of the reminders that were due at once, counted."""
        rows = await self.rows(sa.select(REMINDER.c.state).where(REMINDER.c.step == AT_ONCE))
        return Counter(row.state for row in rows)

    async def until_all(self, count: int, *states: str, within: float = 60.0) -> None:
        """Wait until every one of `count` reminders is in one of these states."""

        async def done() -> bool:
            found = await self.states()
            return sum(found[state] for state in states) == count == found.total()

        try:
            await until(done, f"{count} reminders are {' or '.join(states)}", within)
        except AssertionError as error:
            raise AssertionError(f"{error}; they are {dict(await self.states())}") from None

    async def until_leases_ran_out(self) -> None:
        """By the database's clock, which is the one that counts."""
        statement = sa.select(sa.func.max(ATTEMPT.c.lease_until) < sa.func.clock_timestamp())

        async def past() -> bool:
            return bool((await self.rows(statement))[0][0])

        await until(past, "every lease ran out")

    async def decisions(self) -> dict[str, list[str]]:
        """The decision lines by client, in order, as codes."""
        joined = sa.join(
            DECISION, REMINDER, sa.and_(DECISION.c.clinic == REMINDER.c.clinic, DECISION.c.reminder == REMINDER.c.id)
        )
        rows = await self.rows(
            sa.select(REMINDER.c.client, DECISION.c.code).select_from(joined).order_by(DECISION.c.at, DECISION.c.id)
        )
        codes: dict[str, list[str]] = {}
        for row in rows:
            codes.setdefault(row.client, []).append(row.code)
        return codes

    async def tokens(self) -> set[str]:
        return {row.token for row in await self.rows(sa.select(ATTEMPT.c.token))}

    async def requests(self, count: int) -> list[Json]:
        """Wait until so many lines are in the provider's ledger; all of them."""

        async def enough() -> list[Json]:
            ledger = await self.sandbox.ledger()
            return ledger if len(ledger) >= count else []

        return await until(enough, f"{count} lines are in the ledger")

    async def listeners(self) -> int:
        """How many workers are listening for notices."""
        connection = await asyncpg.connect(self.dsn)
        try:
            count: int = await connection.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            )
        finally:
            await connection.close()
        return count


@asynccontextmanager
async def living(url: str, sandbox: Sandbox, processes: Processes, *, rate: float = 1000.0) -> AsyncIterator[Live]:
    """A clinic with a sender of each medium, on a migrated PostgreSQL. `url` names the driver too."""
    senders = (NewSender(Medium.SMS, "+15005550006", rate), NewSender(Medium.EMAIL, "care@glow.example", rate))
    database = Database(url)
    try:
        async with database.write() as connection:
            now = await database.now(connection)
            await add_clinic(connection, house.clinic(senders=senders), now)
            key = await issue_key(connection, CLINIC, now)
        plain = url.replace("+asyncpg", "").replace("postgres@", f"postgres:{PASSWORD}@")
        yield Live(database, plain, sandbox, processes, key)
    finally:
        await database.close()


async def answers(client: Client, address: str, process: Process) -> bool:
    """Whether something answers there by now; fails where the process that should has ended."""
    assert process.running, f"{process.title} has ended"
    try:
        response = await client.get(address).build().send()
    except PyreqwestError:
        return False
    return response.status == 200


async def post_event(client: Client, url: str, key: str, event: Any) -> tuple[int, Any]:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/cloudevents+json"}
    request = client.post(f"{url}/v1/events").headers(headers).body_bytes(orjson.dumps(event)).build()
    response = await request.send()
    return response.status, orjson.loads(await response.text())


def sent_to(*ledgers: Collection[Json]) -> Counter[str]:
    """How often each person's message was accepted, over all these ledgers."""
    lines = (line for ledger in ledgers for line in ledger)
    return Counter(line["to"] for line in lines if line["outcome"] == "accepted")


def everybody(count: int) -> Counter[str]:
    """Everybody once."""
    return Counter({phone(number): 1 for number in range(count)})
