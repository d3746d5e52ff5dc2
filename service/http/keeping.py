"""What the API keeps for a while, and forgets again: answers for a day, refusals for thirty."""

from service.store.kept_answers import KEPT_FOR as ANSWERS_FOR
from service.store.kept_answers import forget_answers
from service.store.refusals import KEPT_FOR as REFUSALS_FOR
from service.store.refusals import forget_refusals
from service.store.session import Database


class Keeping:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self) -> bool:
        """One round; nothing of this makes anything due."""
        async with self._database.write() as connection:
            now = await self._database.now(connection)
            await forget_answers(connection, now - ANSWERS_FOR)
            await forget_refusals(connection, now - REFUSALS_FOR)
        return False
