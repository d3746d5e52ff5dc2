"""Test messages: a clinic's words as a sample client would get them, sent to a member of its staff."""

from datetime import timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from service.audit import Deed, note
from service.authoring import Shown, TemplateBook, where_of
from service.errors import BadInput, Conflict, NotFound, Problem
from service.staff.letters import Asked, marked, post
from service.staff.limits import house_of, within_limit
from service.store import staff as store
from service.store.session import Database
from service.store.templates import TemplateKey
from service.types import Medium, Message

TESTS_AN_HOUR: Final = 10
"""To one member of staff, whoever asks."""
_GOOD_FOR: Final = timedelta(hours=1)


class Trials:
    """Test messages of all clinics. `posted` is told that something waits to be sent."""

    def __init__(self, database: Database, book: TemplateBook, posted: Any = lambda: None) -> None:
        self._database = database
        self._book = book
        self._posted = posted

    async def send(
        self, clinic: str, key: TemplateKey, staff: str, *, number: int = 0, sample: str = "ordinary", asked_by: str
    ) -> tuple[str, Message]:
        """Have a version (0: what is sent now) sent to a member of staff; returns to which address, and the message.

        It goes to a number or address that they have confirmed as their own, and nowhere else. Once it has gone, the
        version counts as looked at. Raises NotFound (`unknown-staff`, `unknown-version`), Conflict (`not-confirmed`,
        `address-stopped`, or why the sender is held), BadInput (`unknown-sample`, what kept the message from being
        made), TooMany.
        """
        message = marked(_of_sample(await self._book.look(clinic, key, number), sample, key))

        async def work(connection: AsyncConnection) -> str:
            now = await self._database.now(connection)
            row = await _own_address(connection, clinic, staff, key.medium)
            await within_limit(connection, await house_of(connection, clinic), row, "test", TESTS_AN_HOUR, now)
            about = {**key._asdict(), "medium": key.medium.value, "number": number}
            await note(connection, clinic, asked_by, Deed.TEST_SENT, now, about=f"{where_of(key)} {staff}")
            await post(connection, Asked(row, "test", asked_by, now, _GOOD_FOR, about), message)
            return str(row.address)

        address = await self._database.transact(work)
        self._posted()
        return address, message


def _of_sample(shown: list[Shown], sample: str, key: TemplateKey) -> Message:
    found = {one.sample: one for one in shown}
    if sample not in found:
        raise BadInput(Problem("unknown-sample", "sample", f"the sample clients are {', '.join(found)}"))
    chosen = found[sample]
    if chosen.message is None:
        nothing = Problem("no-words", where_of(key), "there are no words for this sample client")
        raise BadInput(*chosen.problems or (nothing,))
    return chosen.message


async def _own_address(connection: AsyncConnection, clinic: str, staff: str, medium: Medium) -> Any:
    """Their confirmed address for this medium; the staff member is held until the transaction ends."""
    if await store.hold_staff(connection, clinic, staff) is None:
        raise NotFound(Problem("unknown-staff", staff, "this clinic has nobody of that name on its staff"))
    for row in await store.addresses_of(connection, clinic, staff):
        if row.medium == medium and row.confirmed_at is not None:
            return row
    what = "phone number" if medium is Medium.SMS else "email address"
    sentence = f"{staff} has confirmed no {what} yet: tests go to staff's own, and nowhere else"
    raise Conflict(Problem("not-confirmed", staff, sentence))
