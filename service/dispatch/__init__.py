"""The way of a due reminder: claim, check consent, render, write the intent; send; settle."""

from service.dispatch.intent import Lease
from service.dispatch.loop import Dispatcher, Slots
from service.dispatch.settle import Settler, SettleRules
from service.dispatch.settlement import Backoff
from service.dispatch.start import Starter
from service.types import Cap

__all__ = ["Backoff", "Cap", "Dispatcher", "Lease", "SettleRules", "Settler", "Slots", "Starter"]
