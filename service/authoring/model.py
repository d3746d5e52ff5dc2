"""What clinics' authors are shown: findings about words, how they look, where they stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from service.errors import Conflict, Problem
from service.render import Wording
from service.store.templates import TemplateKey
from service.types import Message

SHIPPED = 0
"""The number that stands for the shipped words in histories, diffs and restores."""


class Stale(Conflict):
    """Somebody has saved a newer version since the one that this change was made from."""

    status = 412

    def __init__(self, newer: Any) -> None:
        sentence = f"version {newer.number} by {newer.author} is newer: look at it, and make your change there"
        super().__init__(Problem("stale-version", "If-Match", sentence))
        self.newer = newer
        """The row of the newest version."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found in a source. With `problems` it cannot be sent; `wording` is None then."""

    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    wording: Wording | None = None
    plain: str = ""
    """The whole source in cheap characters, where those would save segments; else empty."""

    def open_warnings(self, accepted: Sequence[str]) -> tuple[Problem, ...]:
        return tuple(one for one in self.warnings if one.code not in accepted)


@dataclass(frozen=True, slots=True)
class Change:
    """Who changes something, and why."""

    author: str
    note: str = ""
    based_on: int = SHIPPED
    """The newest version that the author knows of."""
    who: str = ""
    """For the audit log: `staff:owner`, `key:ac_1f2e3d4c`, `command:deploy`; empty: the author."""

    @property
    def doer(self) -> str:
        return self.who or self.author


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as one sample client would get it. `origin` says whose words were taken: `draft`, or an Origin's."""

    sample: str
    locale: str
    origin: str
    message: Message | None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one message in one language stands in a clinic."""

    key: TemplateKey
    purpose: str
    origin: str
    """Whose words a reader of this language gets now."""
    number: int
    """The version that is sent; 0: not the clinic's own."""
    newest: int
    """The newest version, draft or not: the ETag."""
    held: bool
    draft: bool
    """Whether the newest version waits to be published."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One message in one language, with all that is known of it."""

    standing: Standing
    source: str
    """What is sent now."""
    version: str
    draft: Any | None
    """The row of the newest version where that is a draft."""
    checked: Checked
    """Of the draft, else of what is sent now."""
    touches: int
    """Scheduled reminders that publishing would change."""
    history: Sequence[Any] = field(default=())


@dataclass(frozen=True, slots=True)
class Newest:
    """A message's newest words: a draft's, else what is sent. `number` 0: the shipped words."""

    number: int
    source: str
    accepted: tuple[str, ...] = ()
    """Codes of the warnings that were taken on with them."""
    draft: bool = False
    """Whether they wait to be published."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a push of words would do in a clinic."""

    changed: tuple[TemplateKey, ...] = ()
    """What it saves, in the order in which that is to be published."""
    checked: Mapping[TemplateKey, Checked] = field(default_factory=dict)
    """What is found in each of the words, as if all of them were sent."""


@dataclass(frozen=True, slots=True)
class Published:
    number: int
    touches: int
    """Scheduled reminders that now go out in these words."""
    at: datetime
