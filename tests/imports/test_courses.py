"""A history without courses and session numbers: the dates of the visits tell them, in whatever order they come."""

from datetime import timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.imports import rehearsal
from service.store.tables import Reminder, core
from tests.dispatch.acting import on_sqlite
from tests.imports.importing import HEADER, take_file
from tests.support.house import CLINIC, NOON, House, shipped

WIDE = f"{HEADER},area,kind,course_id,session,of"
WORLDS = count(1)


class Row(NamedTuple):
    """A visit so many days before the import."""

    days: int
    area: str = ""
    kind: str = ""
    course: str = ""
    session: int | str = ""
    of: int | str = ""
    protocol: str = "microneedling"

    def line(self, world: str, number: int) -> str:
        ended_at = (NOON - timedelta(days=self.days)).isoformat()
        said = (self.area, self.kind, self.course and f"{world}-{self.course}", self.session, self.of)
        return ",".join(map(str, (f"{world}-v{number}", self.protocol, ended_at, world, *said)))


def of(rows: list[Row], world: str) -> list[str]:
    return [row.line(world, number) for number, row in enumerate(rows, start=1)]


async def courses_of(house: House, folder: Path, lines: list[str], *, rows: int = 200) -> int:
    """Import the lines; how many courses were inferred."""
    path, before = folder / f"{next(WORLDS)}.csv", house.intake.effects.courses
    path.write_text("\n".join([WIDE, *lines, ""]))
    await take_file(house, path, rows=rows)
    return house.intake.effects.courses - before


async def ahead(house: House, world: str) -> dict[str, set[Any]]:
    """What is to come, by step: (the visit that it follows, when)."""
    found: dict[str, set[Any]] = {}
    for row in await house.rows(Reminder, core(Reminder).c.client == world):
        if row.state == "scheduled":
            found.setdefault(row.step, set()).add((row.treatment.removeprefix(world), row.occurrence, row.due_at))
    return found


@on_sqlite
async def test_sessions_that_follow_each_other_are_one_course_until_it_is_complete(
    house: House, tmp_path: Path
) -> None:
    five, six = [Row(days) for days in (150, 120, 90, 60, 20)], [Row(days) for days in (170, 140, 110, 80, 50, 20)]
    assert await courses_of(house, tmp_path, [*of(five, "ada"), *of(six, "grace")]) == 2
    assert {visit for visit, *_ in (await ahead(house, "ada"))["next-session"]} == {"-v5"}
    assert "next-session" not in await ahead(house, "grace")
    assert {visit for visit, *_ in (await ahead(house, "grace"))["maintenance-due"]} == {"-v6"}


@on_sqlite
async def test_a_gap_beyond_the_lapse_and_a_visit_after_the_last_session_begin_a_new_course(
    house: House, tmp_path: Path
) -> None:
    lapsed = [Row(days) for days in (500, 470, 440, 410, 380, 20)]
    complete = [Row(days) for days in (200, 170, 140, 110, 80, 50, 20)]
    assert await courses_of(house, tmp_path, [*of(lapsed, "ada"), *of(complete, "grace")]) == 4
    assert "next-session" in await ahead(house, "ada")
    assert "next-session" in await ahead(house, "grace")


@on_sqlite
async def test_what_the_file_tells_outranks_what_its_dates_show(house: House, tmp_path: Path) -> None:
    cases = {
        "kind": ([Row(50, of=2), Row(20, of=2), Row(10, kind="maintenance")], 1, False),
        "course": ([Row(400, course="k", of=2), Row(20, course="k", of=2)], 0, False),
        "number": ([Row(400, session=5), Row(20, session=6)], 0, False),
        "first number": ([Row(80, session=4), Row(50), Row(20)], 0, False),
        "length": ([Row(80, of=3), Row(50, of=3), Row(20)], 1, False),
        "area": ([Row(50, area="face", of=2), Row(20, area="neck", of=2)], 2, True),
        "no series": ([Row(50, protocol="hydrafacial"), Row(3, protocol="hydrafacial")], 0, False),
    }
    for world, (rows, inferred, nudged) in cases.items():
        assert await courses_of(house, tmp_path, of(rows, world)) == inferred, world
        assert ("next-session" in await ahead(house, world)) is nudged, world


@on_sqlite
async def test_a_later_file_goes_on_where_the_courses_were(house: House, tmp_path: Path) -> None:
    rows = [Row(days) for days in (170, 140, 110, 80, 50, 20)]
    lines = of(rows, "ada")
    assert await courses_of(house, tmp_path, lines[:3]) == 1
    assert await courses_of(house, tmp_path, lines) == 0
    assert "next-session" not in await ahead(house, "ada")


@on_sqlite
async def test_a_dry_run_counts_the_same_courses(house: House, tmp_path: Path) -> None:
    await courses_of(house, tmp_path, of([Row(40)], "ada"))
    lines = [*of([Row(40), Row(10)], "ada"), *of([Row(300), Row(10)], "grace")]
    path = tmp_path / "history.csv"
    path.write_text("\n".join([WIDE, *lines, ""]))
    async with rehearsal(house.database, shipped().protocols, CLINIC, NOON, [NOON]) as rehearsed:
        await take_file(house, path, takes=rehearsed)
        assert rehearsed.effects.courses == 2
    assert await courses_of(house, tmp_path, lines) == 2


ROWS = st.lists(
    st.builds(
        Row,
        days=st.integers(1, 420),
        area=st.sampled_from(["", "face"]),
        kind=st.sampled_from(["", "", "", "maintenance", "single"]),
        course=st.sampled_from(["", "", "", "k"]),
        session=st.sampled_from(["", "", "", 1, 3]),
        of=st.sampled_from(["", "", 2, 4]),
    ),
    min_size=2,
    max_size=7,
    unique_by=lambda row: row.days,
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=ROWS, chunk=st.integers(1, 7), random=st.randoms(use_true_random=False))
@on_sqlite
async def test_any_order_of_the_lines_gives_the_same_courses(
    house: House, tmp_path: Path, rows: list[Row], chunk: int, random: Random
) -> None:
    as_told, shuffled = f"w{next(WORLDS)}", f"w{next(WORLDS)}"
    in_any_order = of(rows, shuffled)
    random.shuffle(in_any_order)
    inferred = await courses_of(house, tmp_path, of(rows, as_told))
    assert await courses_of(house, tmp_path, in_any_order, rows=chunk) == inferred
    assert await ahead(house, shuffled) == await ahead(house, as_told)
