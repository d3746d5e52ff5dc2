"""Writing behind: one write at a time, and none goes on after the block."""

import asyncio

import pytest

from service.dispatch.behind import write_behind


class Refused(Exception):
    pass


class Diary:
    """What the writes of a test did, in order."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.go_on = asyncio.Event()

    async def write(self, name: str) -> None:
        self.lines.append(f"{name} begins")
        try:
            await self.go_on.wait()
        finally:
            self.lines.append(f"{name} ends")

    async def refuse(self) -> None:
        raise Refused


async def test_the_block_goes_on_while_a_write_is_under_way_and_ends_after_it() -> None:
    diary = Diary()
    async with write_behind() as behind:
        await behind.begin(diary.write("first"))
        await asyncio.sleep(0)
        assert diary.lines == ["first begins"]
        diary.go_on.set()
    assert diary.lines == ["first begins", "first ends"]


async def test_a_write_begins_only_when_the_one_before_it_has_ended() -> None:
    diary = Diary()
    diary.go_on.set()
    async with write_behind() as behind:
        await behind.begin(diary.write("first"))
        await behind.begin(diary.write("second"))
    assert diary.lines == ["first begins", "first ends", "second begins", "second ends"]


@pytest.mark.parametrize("more", [0, 1])
async def test_what_a_write_raises_ends_the_block_and_the_next_one_never_begins(more: int) -> None:
    diary = Diary()

    async def block() -> None:
        async with write_behind() as behind:
            await behind.begin(diary.refuse())
            for _ in range(more):
                await behind.begin(diary.write("next"))

    with pytest.raises(Refused):
        await block()
    assert diary.lines == []


async def test_a_block_that_fails_breaks_its_write_off_before_it_ends() -> None:
    diary = Diary()

    async def block() -> None:
        async with write_behind() as behind:
            await behind.begin(diary.write("first"))
            await asyncio.sleep(0)
            await diary.refuse()

    with pytest.raises(Refused):
        await block()
    assert diary.lines == ["first begins", "first ends"]
