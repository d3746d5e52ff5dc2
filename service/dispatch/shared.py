"""Phones that several clients have, a mother's: whoever holds it reads along, so texts to it name nobody."""

from collections.abc import Mapping
from typing import Any

from service.store.due import Address
from service.types import Medium


class _Nameless:
    """A due reminder without its client's name; all else is the reminder's own."""

    __slots__ = ("_due",)
    first_name = ""

    def __init__(self, due: Any) -> None:
        self._due = due

    def __getattr__(self, name: str) -> Any:
        return getattr(self._due, name)


def as_addressed(due: Any, recipients: Mapping[Address, Any]) -> Any:
    """The reminder as its words may read it; nearly always itself."""
    phone = due.phone if due.medium == Medium.SMS else None
    known = recipients.get((due.clinic, Medium.SMS, phone)) if phone else None
    return _Nameless(due) if known is not None and known.shared else due
