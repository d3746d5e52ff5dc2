"""Clients who have not come for so long as their clinic said are erased; all others stay."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from service.clinics import change_clinic
from service.errors import BadInput
from service.privacy import Absence, Retention, absence
from service.pumping import NumberCap
from service.store.tables import Audit, Client, Reminder, core
from tests.dispatch.acting import on_sqlite
from tests.intake.changes import booked, updated
from tests.support.house import CLINIC, House, clinic, close_house, open_house, shipped, visit

YEARS = timedelta(days=365)
DEED = core(Audit).c.act == "client-erased"


async def told_to(house: House, months: int) -> None:
    async with house.database.write() as connection:
        await change_clinic(connection, CLINIC, {"forget_after_months": months}, house.clock())


async def rule(house: House) -> Absence:
    return Absence(house.database, shipped().protocols, NumberCap())


async def known(house: House) -> set[str]:
    return {row.ref for row in await house.rows(Client) if row.erased_at is None and row.first_name}


def came(ref: str, at: str) -> dict[str, object]:
    return visit(id=f"e-{ref}-{at}", time=at, treatment__id=f"v-{ref}-{at}", treatment__ended_at=at, client__ref=ref)


def later(house: House) -> str:
    return house.clock().isoformat()


async def scene(house: House) -> None:
    """Seven years later: who came once, who came again, who has booked, who was told of alone, long ago and lately."""
    await house.take(*(came(f"c-{who}", later(house)) for who in ("once", "again", "booked")))
    await house.take(updated("e-u1", ref="c-listed", first_name="Hedy", time=later(house)))
    await house.take(updated("e-u2", ref="c-lately", first_name="Mary", time=later(house)))
    house.clock.advance(days=6 * 365)
    soon = (house.clock() + 2 * YEARS).isoformat()
    await house.take(
        came("c-again", later(house)), booked(time=later(house), starts_at=soon, client={"ref": "c-booked"})
    )
    await house.take(updated("e-u3", ref="c-lately", phone="07400 123499", time=later(house)))
    await house.take(updated("e-u4", ref="c-once", phone="07400 123498", time=later(house)))
    house.clock.advance(days=400)


EVERYBODY = {"c-once", "c-again", "c-booked", "c-listed", "c-lately"}


async def test_who_has_not_come_for_so_long_is_erased_and_the_log_names_the_rule(house: House) -> None:
    await scene(house)
    forgetting = await rule(house)
    await forgetting.run()
    assert await known(house) == EVERYBODY, "unless a clinic says so nobody is forgotten"
    await told_to(house, 84)
    await forgetting.run()
    assert await known(house) == EVERYBODY - {"c-once", "c-listed"}
    lines = {(row.who, row.client) for row in await house.rows(Audit, DEED)}
    assert lines == {("rule:forget-after", "c-once"), ("rule:forget-after", "c-listed")}
    await told_to(house, 12)
    await forgetting.run()
    assert "c-again" in await known(house), "it looks again after a day"
    house.clock.advance(days=1)
    await forgetting.run()
    assert await known(house) == {"c-booked"}
    left = {row.state for row in await house.rows(Reminder, core(Reminder).c.client == "c-once")}
    assert "scheduled" not in left


@on_sqlite
async def test_clients_that_cannot_be_erased_stop_their_clinic_for_a_day_and_no_other(
    migrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await open_house(migrated_url, clinic(), clinic(id="bright"))
    for name in (CLINIC, "bright"):
        await house.take(came("c-1", later(house)), clinic=name)
        async with house.database.write() as connection:
            await change_clinic(connection, name, {"forget_after_months": 12}, house.clock())
    house.clock.advance(days=400)
    forgetting, erase = await rule(house), Absence._erase

    async def fails(self: Absence, connection: AsyncConnection, name: str, *how: Any) -> int:
        if name == "bright":
            raise ValueError("a row that nothing can be made of")
        return await erase(self, connection, name, *how)

    monkeypatch.setattr(Absence, "_erase", fails)
    await forgetting.run()
    left = [row.clinic for row in await house.rows(Client) if row.erased_at is None]
    assert left == ["bright"]
    monkeypatch.undo()
    house.clock.advance(days=1)
    await forgetting.run()
    assert await known(house) == set()
    await close_house(house)


@on_sqlite
async def test_it_goes_on_where_it_stopped_and_stops_when_told_to(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(absence, "_ERASED", 2)
    monkeypatch.setattr(absence, "_LOOKED_AT", 3)
    monkeypatch.setattr(absence, "_STEPS", 2)
    await house.take(*(came(f"c-{number}", later(house)) for number in range(8)))
    await told_to(house, 12)
    house.clock.advance(days=366)
    forgetting, left = await rule(house), []
    for _ in range(3):
        await forgetting.run()
        left.append(len(await known(house)))
    await Retention(house.database).run()
    assert left == [4, 0, 0]
    await house.take(came("c-9", later(house)))
    await told_to(house, 0)
    house.clock.advance(days=400)
    await forgetting.run()
    assert await known(house) == {"c-9"}


@on_sqlite
@pytest.mark.parametrize("months", [1, 11, 601])
async def test_a_rule_that_would_forget_too_soon_is_refused(house: House, months: int) -> None:
    with pytest.raises(BadInput, match="12 to 600 months"):
        await told_to(house, months)
