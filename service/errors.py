"""Every error a person may meet, as a tree, each with a stable code.

A code never changes once released; the sentence may. `where` names the place (a file and line, a JSON path) and the
sentence says how to mend it. Messages never carry personal data.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: a stable code, where, and a sentence that helps."""

    code: str
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message} [{self.code}]" if self.where else f"{self.message} [{self.code}]"


class AftercareError(Exception):
    """The root: one or more problems. `exit_code` is what the command line ends with, `status` what HTTP answers."""

    exit_code = 1
    status = 500

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems

    @property
    def code(self) -> str:
        return self.problems[0].code


class ConfigError(AftercareError):
    """Settings, protocol files or templates that cannot be used."""

    exit_code = 2


class BadInput(AftercareError):
    """What a caller sent cannot be taken; nothing of it was stored."""

    exit_code = 2
    status = 422


class NotFound(AftercareError):
    """No such thing for this clinic: the same answer whether it never existed or belongs to another."""

    exit_code = 4
    status = 404


@contextmanager
def told_by(place: Callable[[str], str]) -> Iterator[None]:
    """Tell what is refused within by the places that its reader wrote: `place` turns ours into an option or a field."""
    try:
        yield
    except (BadInput, Conflict, NotFound) as error:
        raise type(error)(*(replace(one, where=place(one.where)) for one in error.problems)) from None


class Unauthorized(AftercareError):
    status = 401


class Forbidden(AftercareError):
    status = 403


class Conflict(AftercareError):
    """The same key with other content, or a version that has moved on."""

    exit_code = 5
    status = 409


class TooMany(AftercareError):
    """Enough was asked for now; `retry_after`: whole seconds until it would be taken again."""

    exit_code = 75
    status = 429

    def __init__(self, problem: Problem, retry_after: int) -> None:
        super().__init__(problem)
        self.retry_after = retry_after


class Unavailable(AftercareError):
    """The database or a dependency cannot serve now; trying again later may work."""

    exit_code = 75
    status = 503


class SchemaMismatch(AftercareError):
    """The database's schema and this code do not fit."""

    exit_code = 3
