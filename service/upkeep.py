"""What a worker looks after beside sending, in one round: each step stops only itself."""

from collections.abc import Awaitable, Callable, Mapping

from service import logs
from service.store.session import TROUBLE

log = logs.get(__name__)


class Upkeep:
    """`steps` by name; each returns whether there may be something to send now."""

    def __init__(self, steps: Mapping[str, Callable[[], Awaitable[bool]]]) -> None:
        self._steps = steps

    async def run(self) -> bool:
        """One round; whether there may be something to send now."""
        return any([await self._do(name, step) for name, step in self._steps.items()])

    async def _do(self, name: str, step: Callable[[], Awaitable[bool]]) -> bool:
        try:
            return await step()
        except TROUBLE as error:
            log.error("upkeep failed", step=name, exc_info=error)
        except Exception as error:  # a fault of ours in one step must not keep the others from being done
            log.critical("upkeep crashed", step=name, exc_info=error)
        return False
