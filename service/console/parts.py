"""What the console needs from the rest of the house, handed in by the wiring."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from service.console.authors import Authors
from service.store.session import Database
from service.types import Message


class Titled(Protocol):
    """All that the console asks of a care protocol: the name that people know it by."""

    @property
    def title(self) -> str: ...


@dataclass(frozen=True, slots=True)
class ConsoleParts:
    """The console's dependencies. The time is the database's (`Database.now`), so no clock is among them."""

    database: Database
    protocols: Mapping[str, Titled]
    """By code, as in `treatment.protocol`."""
    authors: Authors
    """For the pages about what messages say."""
    show: Callable[[Any, Any], Message]
    """(attempt row, wording row) -> what the client got, word for word. Raises AftercareError where it cannot."""
    secret_keys: Sequence[str]
    """Newest first: the first signs, all verify."""
    sentences: Mapping[str, str]
    """Reason and decision codes, each as a sentence for people: planning's, dispatch's, consent's."""
    brand: str = "Aftercare"
    public_url: str = ""
    """Our address as the world sees it; sessions are bound to https where it says so."""
    due: Callable[[datetime], None] = lambda _: None
    """Told of what people schedule, for a worker in this process."""
