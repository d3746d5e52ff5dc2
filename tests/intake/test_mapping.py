"""A clinic's own codes of services: stored as unmapped, planned once it says what they mean, and known ever after."""

import pytest

from service.errors import BadInput
from service.intake.answer import Standing
from service.intake.mapping import Mapped, map_code
from service.protocols.values import misspelt_protocol
from service.store.appointments import codes_of_clinic
from service.store.tables import Course, Reminder, Sender, Treatment, core
from service.store.treatments import unmapped_codes
from tests.dispatch.acting import on_sqlite
from tests.intake.changes import booked, coming
from tests.support.house import CLINIC, House, clinic, close_house, open_house, shipped, visit


async def test_what_waited_for_its_code_is_planned_as_if_it_had_been_known(house: House) -> None:
    await house.take(visit(id="e-0", treatment__id="visit-0", client__ref="c-18"))
    for number, ended_at in enumerate(("2026-10-20T15:00:00Z", "2026-11-20T15:00:00Z"), start=1):
        (taken,) = await house.take(visit(id=f"e-{number}", treatment__id=f"visit-{number}", time=ended_at,
                                          treatment__ended_at=ended_at, treatment__protocol="MN-60"))  # fmt: skip
        assert taken.standing is Standing.UNMAPPED
    await house.take(booked(protocol="MN-60"))
    async with house.database.read() as connection:
        assert await unmapped_codes(connection, CLINIC) == {"MN-60": 2}
    mapped = await map_code(house.database, shipped().protocols, CLINIC, "MN-60", "microneedling", "staff:owner")
    planned = await coming(house)
    assert mapped == Mapped(treatments=2, planned=len(planned), past=4, soon=2)
    assert {treatment for treatment, _, _ in planned} == {"visit-2"}
    assert min(due for (_, step, _), due in planned.items() if step == "next-session").isoformat() > "2027-01-17"
    lanes = {row.id: row.next_due_at for row in await house.rows(Sender)}
    assert lanes["email"] == min(planned.values())
    (again,) = await house.take(visit(id="e-3", treatment__id="visit-3", treatment__protocol="MN-60"))
    assert again.standing is Standing.PLANNED
    assert {row.state for row in await house.rows(Treatment)} == {"planned"}
    assert {row.course for row in await house.rows(Treatment, core(Treatment).c.client == "c-17")} == {
        "c-17|microneedling|"
    }
    async with house.database.read() as connection:
        assert await codes_of_clinic(connection, CLINIC) == {"MN-60": "microneedling"}
    assert (
        await map_code(house.database, shipped().protocols, CLINIC, "MN-60", "microneedling", "staff:owner") == Mapped()
    )


@on_sqlite
async def test_a_code_means_what_its_own_clinic_says(migrated_url: str) -> None:
    house = await open_house(migrated_url, clinic(), clinic(id="bright"))
    for name in (CLINIC, "bright"):
        await house.take(visit(treatment__protocol="MN-60"), clinic=name)
    await map_code(house.database, shipped().protocols, "bright", "MN-60", "microneedling", "staff:owner")
    assert {row.clinic for row in await house.rows(Reminder)} == {"bright"}
    assert {row.id for row in await house.rows(Course, core(Course).c.clinic == CLINIC)} == {"c-17|MN-60|"}
    await close_house(house)


@on_sqlite
@pytest.mark.parametrize(
    ("code", "protocol", "problem"),
    [("MN-60", "needling", "unknown-protocol"), ("ipl", "microneedling", "protocol-name")],
)
async def test_a_meaning_that_cannot_be_is_refused(house: House, code: str, protocol: str, problem: str) -> None:
    with pytest.raises(BadInput) as refused:
        await map_code(house.database, shipped().protocols, CLINIC, code, protocol, "staff:owner")
    assert refused.value.code == problem


@on_sqlite
async def test_a_code_that_is_nearly_a_protocols_name_is_asked_about(house: House) -> None:
    (taken,) = await house.take(visit(treatment__protocol="microneedlng"))
    (again,) = await house.take(visit(treatment__protocol="microneedlng"))
    (other,) = await house.take(visit(id="e-2", treatment__id="visit-2", treatment__protocol="MN-60"))
    assert taken.warnings == again.warnings
    assert [(one.code, one.where) for one in taken.warnings] == [("unknown-protocol", "data.treatment.protocol")]
    assert 'did you mean "microneedling"?' in taken.warnings[0].message
    assert other.warnings == ()
    with pytest.raises(BadInput, match="no protocol 'glow-facial'; known are"):
        await map_code(house.database, shipped().protocols, CLINIC, "MN-60", "glow-facial", "staff:owner")
    with pytest.raises(BadInput, match='did you mean "microneedling"'):
        await map_code(house.database, shipped().protocols, CLINIC, "MN-60", "micro-needling", "staff:owner")


@pytest.mark.parametrize(
    ("code", "meant"),
    [
        ("MICRONEEDLNG", "microneedling"),
        ("PRP Facial", "prp-facial"),
        ("laser_hair_remvoal", "laser-hair-removal"),
        ("GLOW-FACIAL", ""),
        ("microneedling-rf", ""),
        ("laser-vein-removal", ""),
        ("chemical-peel-deep", ""),
        ("ipl-2", ""),
    ],
)
def test_only_a_slip_in_a_protocols_name_is_asked_about(code: str, meant: str) -> None:
    assert misspelt_protocol(code, shipped().protocols) == meant
