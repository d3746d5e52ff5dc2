"""People who opted out elsewhere are never written to, whatever is reported of them later."""

import io

import pytest

from service.errors import BadInput
from service.imports.opt_outs import OptOuts, take_opt_outs
from service.store.tables import Client, Recipient, Reminder, core
from tests.dispatch.acting import TEN, on_sqlite
from tests.replies.texting import texts
from tests.support.house import House, visit


async def takes(house: House, text: str) -> OptOuts:
    return await take_opt_outs(house.database, "glow", io.StringIO(text), "gone.csv")


async def suppressed(house: House) -> set[str]:
    return {row.address for row in await house.rows(Recipient) if row.suppressed_reason == "opted-out-elsewhere"}


async def test_who_is_on_the_list_gets_nothing_whether_known_before_or_reported_later(house: House) -> None:
    await house.take(visit())
    taken = await takes(house, "Phone,Email,Name\n07400 123456,,Ada\n,grace@example.com,Grace\n07400 123456,,Ada\n")
    assert (taken.people, taken.new, taken.refused) == (3, 2, [])
    assert await suppressed(house) == {"+447400123456", "grace@example.com"}
    assert [row.sms_stopped_at is not None for row in await house.rows(Client)] == [True]
    await house.take(visit(id="e-2", treatment__id="v-2", client__ref="c-2", client__phone="+447400123456",
                           client__email="grace@example.com"))  # fmt: skip
    house.clock.moment = TEN
    while (await house.dispatch()).settled:
        pass
    rows = await house.rows(Reminder, core(Reminder).c.step == "day-1-sunscreen")
    assert {row.client: (row.state, row.reason) for row in rows} == {
        "c-17": ("captured", ""), "c-2": ("skipped", "suppressed")
    }  # fmt: skip
    again = await takes(house, "phone\n+447400123456\n")
    assert (again.people, again.new) == (1, 0)


@on_sqlite
async def test_what_is_no_number_or_address_is_told_with_its_line_and_the_others_are_taken(house: House) -> None:
    taken = await takes(house, "\ufeffemail,phone\nnobody,\n,020 7946 0018\nada@example.com,07400 123456\n\n")
    assert [(one.code, one.where) for one in taken.refused] == [
        ("invalid-email", "gone.csv:2 email"), ("landline", "gone.csv:3 phone")
    ]  # fmt: skip
    assert await suppressed(house) == {"+447400123456", "ada@example.com"}


@on_sqlite
async def test_only_the_owner_of_the_phone_takes_it_back(house: House) -> None:
    await takes(house, "phone\n07400 123456\n")
    await house.take(visit())
    await texts(house, "START", handled_keyword="START")
    assert await suppressed(house) == set()


@on_sqlite
@pytest.mark.parametrize("text", ["", "name,number\nAda,07400 123456\n"])
async def test_a_list_without_either_column_is_refused(house: House, text: str) -> None:
    with pytest.raises(BadInput) as refused:
        await takes(house, text)
    assert refused.value.code == "missing-column"
