"""What takes events in."""

from collections.abc import Callable, Mapping
from datetime import datetime

from service.intake.group import Intake
from service.intake.ramp import Ramp
from service.protocols import Protocol
from service.settings import Settings
from service.store.session import Database
from service.wiring.numbers import number_cap


def build_intake(
    settings: Settings,
    database: Database,
    protocols: Mapping[str, Protocol],
    due: Callable[[datetime], None] = lambda _: None,
    *,
    watch: bool = False,
    ramp: Ramp | None = None,
) -> Intake:
    """`ramp` spreads what an import finds due.

    `watch` where strangers may have a key: many new numbers that are alike pause the clinic's texts.
    """
    most_alike = settings.pumping.block if watch else None
    return Intake(
        database,
        protocols,
        limit=settings.intake.batch,
        most_alike=most_alike,
        ramp=ramp,
        number_cap=number_cap(settings),
        due=due,
    )
