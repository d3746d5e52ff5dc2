"""Intake: record an event once, plan, save. API, command line, import and brokers all come through here."""

from service.intake.answer import PlannedReminder, Taken
from service.intake.group import Intake

__all__ = ["Intake", "PlannedReminder", "Taken"]
