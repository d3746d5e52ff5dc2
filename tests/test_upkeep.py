"""Upkeep: each step is done, whatever becomes of the others."""

from sqlalchemy.exc import OperationalError

from service.upkeep import Upkeep


async def test_a_step_that_fails_keeps_no_other_from_being_done() -> None:
    done = []

    async def away() -> bool:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    async def broken() -> bool:
        raise ZeroDivisionError

    async def fine() -> bool:
        done.append("fine")
        return True

    assert await Upkeep({"away": away, "broken": broken, "fine": fine, "again": fine}).run()
    assert done == ["fine", "fine"]
    assert not await Upkeep({"away": away}).run()
