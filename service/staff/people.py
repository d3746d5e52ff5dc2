"""Staff members and their addresses. An address is theirs once they have read back the code that was sent to it."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from service.audit import Deed, note
from service.errors import BadInput, Conflict, NotFound, Problem
from service.intake.addresses import email_address, phone_address
from service.pumping import UNCOUNTED, NumberCap
from service.staff.letters import Asked, code_message, post
from service.staff.limits import count_text, house_of, within_limit
from service.store import staff as store
from service.store.clinics import House
from service.store.session import Database
from service.types import Medium

ROLES: Final = ("owner", "editor", "viewer")
CODE_LIFE: Final = timedelta(minutes=15)
_CODES_AN_HOUR: Final = 5
_TRIES: Final = 5
"""Of one code: with the codes of an hour, one guess in forty thousand hits."""
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{1,39}")


@dataclass(frozen=True, slots=True)
class Member:
    """One of a clinic's staff. `addresses` are rows by medium."""

    id: str
    name: str
    role: str
    addresses: Mapping[Medium, Any]


class StaffBook:
    """The staff of all clinics; every method is one clinic's. `posted` is told that something waits to be sent.

    `asked_by` is whoever does it, as the audit log names them: `key:ac_1f2e3d4c`, `command:deploy`.
    """

    def __init__(self, database: Database, posted: Any = lambda: None, number_cap: NumberCap = UNCOUNTED) -> None:
        self._database = database
        self._posted = posted
        self._number_cap = number_cap

    async def all(self, clinic: str) -> list[Member]:
        async with self._database.read() as connection:
            people = await store.staff_of(connection, clinic)
            addresses = await store.addresses_of(connection, clinic)
        return [_member(row, [one for one in addresses if one.staff == row.id]) for row in people]

    async def put(
        self,
        clinic: str,
        staff: str,
        *,
        name: str | None = None,
        role: str | None = None,
        phone: str | None = None,
        email: str | None = None,
        asked_by: str,
    ) -> Member:
        """Add a member of staff, or change what is given; a new number or address is sent a code.

        Raises BadInput with every problem, Conflict (`last-owner`, `address-stopped`, `country-not-allowed`,
        or why the sender is held), TooMany (`too-many-codes`, `too-many-to-number`).
        """

        async def work(connection: AsyncConnection) -> Member:
            house = await house_of(connection, clinic)
            wanted = _read(staff, house, role, phone, email)
            now = await self._database.now(connection)
            known = await store.hold_staff(connection, clinic, staff)
            if known and known.role == "owner" and role not in {None, "owner"}:
                await _keep_an_owner(connection, clinic, staff)
            details = {"name": name.strip()} if name is not None else {}
            details["role"] = role or (known.role if known else "editor")
            await store.put_staff(connection, clinic, staff, details, now)
            await note(connection, clinic, asked_by, Deed.STAFF_CHANGED, now, about=staff)
            had = {Medium(row.medium): row.address for row in await store.addresses_of(connection, clinic, staff)}
            for medium, address in wanted.items():
                if had.get(medium) != address:
                    await store.put_address(connection, clinic, staff, medium, address)
                    await self._send_code(connection, house, staff, medium, asked_by, now)
            return await self._one(connection, clinic, staff)

        member = await self._database.transact(work)
        self._posted()
        return member

    async def send_code(self, clinic: str, staff: str, medium: Medium, asked_by: str) -> Member:
        """Send another code to an address that waits for its confirmation. Raises like `put`, and NotFound."""

        async def work(connection: AsyncConnection) -> Member:
            house, now = await house_of(connection, clinic), await self._database.now(connection)
            member = await self._one(connection, clinic, staff)
            if medium not in member.addresses:
                raise NotFound(Problem("no-address", medium, f"no address for {medium} is known of {staff}"))
            if member.addresses[medium].confirmed_at is None:
                await self._send_code(connection, house, staff, medium, asked_by, now)
            return member

        member = await self._database.transact(work)
        self._posted()
        return member

    async def confirm(self, clinic: str, staff: str, code: str, asked_by: str) -> list[Medium]:
        """Take a code that was read back; returns which addresses it confirms.

        Raises NotFound, BadInput (`wrong-code`): it was another one, it is too old, or it was tried too often.
        """

        async def work(connection: AsyncConnection) -> list[Medium]:
            now = await self._database.now(connection)
            await store.hold_staff(connection, clinic, staff)
            member = await self._one(connection, clinic, staff)
            found = [medium for medium, row in member.addresses.items() if await self._fits(connection, row, code, now)]
            if found:
                await note(connection, clinic, asked_by, Deed.STAFF_CONFIRMED, now, about=staff)
            return found

        confirmed = await self._database.transact(work)  # a wrong guess is counted even where nothing is confirmed
        if not confirmed:
            sentence = "this is not the code that was sent last, or it is too old by now: have another one sent"
            raise BadInput(Problem("wrong-code", "code", sentence))
        return confirmed

    async def remove(self, clinic: str, staff: str, asked_by: str) -> None:
        """Take somebody off the staff: they are signed out, and sent nothing more. Raises NotFound, Conflict."""

        async def work(connection: AsyncConnection) -> bool:
            await _keep_an_owner(connection, clinic, staff)
            now = await self._database.now(connection)
            removed = await store.remove_staff(connection, clinic, staff, now)
            if removed:
                await note(connection, clinic, asked_by, Deed.STAFF_REMOVED, now, about=staff)
            return removed

        if not await self._database.transact(work):
            raise _unknown(staff)

    async def _send_code(
        self, connection: AsyncConnection, house: House, staff: str, medium: Medium, asked_by: str, now: datetime
    ) -> None:
        row = next(one for one in await store.addresses_of(connection, house.id, staff) if one.medium == medium)
        await store.hold_staff(connection, house.id, staff)
        await within_limit(connection, house, row, "code", _CODES_AN_HOUR, now)
        if medium is Medium.SMS:
            await count_text(connection, (house.id, row.address), staff, self._number_cap, now)
        code = f"{secrets.randbelow(10**6):06}"
        opened = {"code_digest": _digest(row, code), "code_expires_at": now + CODE_LIFE, "code_tries": 0}
        await store.change_address(connection, row, opened)
        await post(connection, Asked(row, "code", asked_by, now, CODE_LIFE), code_message(house, medium, code))

    async def _fits(self, connection: AsyncConnection, row: Any, code: str, now: datetime) -> bool:
        """Whether this is the code that the address waits for; every guess counts."""
        open_still = row.code_digest and row.code_tries < _TRIES and now < row.code_expires_at
        if not open_still:
            return False
        if not hmac.compare_digest(row.code_digest, _digest(row, code.strip())):
            await store.change_address(connection, row, {"code_tries": row.code_tries + 1})
            return False
        message = await store.last_code(connection, row)
        # Who is quick knows a code before it is written down that it went.
        went = message is not None and message.state in {"sent", "waiting"}
        proof = "sent" if went else "captured"
        await store.change_address(connection, row, {"confirmed_at": now, "proof": proof, "code_digest": ""})
        return True

    async def _one(self, connection: AsyncConnection, clinic: str, staff: str) -> Member:
        for row in await store.staff_of(connection, clinic):
            if row.id == staff:
                return _member(row, await store.addresses_of(connection, clinic, staff))
        raise _unknown(staff)


async def _keep_an_owner(connection: AsyncConnection, clinic: str, staff: str) -> None:
    if await store.owners_of(connection, clinic) == {staff}:
        raise Conflict(Problem("last-owner", staff, "a clinic has an owner: make somebody else one first"))


def _read(staff: str, house: House, role: str | None, phone: str | None, email: str | None) -> dict[Medium, str]:
    """The addresses that are given, as they are stored. Raises BadInput with everything that is wrong."""
    problems, found = [], {}
    if not _NAME.fullmatch(staff):
        sentence = "a staff member's short name is 2 to 40 lower-case letters, digits and hyphens, like grace"
        problems.append(Problem("invalid-staff", "id", sentence))
    if role not in {None, *ROLES}:
        problems.append(Problem("unknown-role", "role", f"a role is one of {', '.join(ROLES)}"))
    for medium, given in ((Medium.SMS, phone), (Medium.EMAIL, email)):
        if given is not None:
            read = phone_address(given, house.country) if medium is Medium.SMS else email_address(given)
            found[medium] = read.value or ""
            if read.value is None:
                where = "phone" if medium is Medium.SMS else "email"
                problems.append(Problem(read.problem, where, f"no message can be sent to this {where}: check it"))
    if problems:
        raise BadInput(*problems)
    return found


def _member(row: Any, addresses: Sequence[Any]) -> Member:
    return Member(row.id, row.name, row.role, {Medium(one.medium): one for one in addresses})


def _unknown(staff: str) -> NotFound:
    return NotFound(Problem("unknown-staff", staff, "this clinic has nobody of that name on its staff"))


def _digest(row: Any, code: str) -> str:
    return hashlib.sha256(f"{row.clinic} {row.staff} {row.medium} {row.address} {code}".encode()).hexdigest()
