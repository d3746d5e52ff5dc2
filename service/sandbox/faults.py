"""The dice: which fault meets this request, what becomes of this message, how its callbacks come."""

import random
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

from service.sandbox.lines import Provider
from service.sandbox.rules import ANSWERS, FATES, GARBAGE, MANNERS, Fault, On, Rule, seconds_of

T = TypeVar("T")


class Blow(NamedTuple):
    """What meets one request: a delay in seconds, and at most one fault with its detail."""

    delay: float = 0.0
    fault: Fault | None = None
    after: bool = False
    detail: str | None = None
    name: str | None = None

    @property
    def prevents(self) -> bool:
        """Nothing of the request is taken."""
        return self.fault is not None and not self.after


class Fate(NamedTuple):
    """What becomes of an accepted message (None: it is delivered), and how its callbacks come."""

    end: Fault | None = None
    detail: str | None = None
    manners: frozenset[Fault] = frozenset()

    def arranged(self, moves: Sequence[tuple[float, T]]) -> list[tuple[float, T]]:
        """The moves (seconds after acceptance, what is told) as callbacks will tell them.

        Reordered ones all come at the last one's time, newest first: nothing is told before it happened.
        Repeated ones are told all over again.
        """
        if Fault.SILENT in self.manners or not moves:
            return []
        told, last = list(moves), moves[-1][0]
        if Fault.REORDERED in self.manners:
            told = [(last, move) for _, move in reversed(told)]
        if Fault.REPEATED in self.manners:
            told += [(last, move) for _, move in told]
        return told


CLEAN = Blow()
DELIVERED = Fate()


class Faults:
    """The rules in force and the seeded dice. The same requests in the same order meet the same faults."""

    def __init__(self, rules: Sequence[Rule] = (), seed: int = 0) -> None:
        self._seed = seed
        self.restart(rules)

    def restart(self, rules: Sequence[Rule]) -> None:
        self._dice = random.Random(self._seed)  # noqa: S311 - repeatable on purpose, guards nothing
        self._rules = list(rules)

    def add(self, rules: Sequence[Rule]) -> None:
        self._rules[:0] = rules

    def clear(self) -> None:
        self._rules.clear()

    def as_json(self) -> list[dict[str, Any]]:
        return [rule.as_json() for rule in self._rules]

    def strike(self, provider: Provider, on: On, to: str) -> Blow:
        """What meets this request."""
        if not self._rules:
            return CLEAN
        slow = self._hit(frozenset({Fault.LATENCY}), provider, on, to)
        delay = self._dice.uniform(*seconds_of(slow.detail or "")) if slow else 0.0
        rule = self._hit(ANSWERS, provider, on, to)
        if rule is None:
            return Blow(delay)
        fault = self._dice.choice(GARBAGE) if rule.fault is Fault.GARBAGE else rule.fault
        return Blow(delay, fault, rule.after, rule.detail, rule.name)

    def fate(self, provider: Provider, to: str) -> Fate:
        """What becomes of a message that was just accepted."""
        if not self._rules:
            return DELIVERED
        end = self._hit(frozenset(FATES), provider, On.SEND, to)
        manners = (self._hit(frozenset({manner}), provider, On.SEND, to) for manner in sorted(MANNERS))
        hits = frozenset(rule.fault for rule in manners if rule)
        return Fate(end.fault, end.detail, hits) if end else Fate(manners=hits)

    def _hit(self, family: frozenset[Fault], provider: Provider, on: On, to: str) -> Rule | None:
        for rule in self._rules:
            if rule.fault in family and rule.covers(provider, on, to) and self._dice.random() < rule.probability:
                self._spend(rule)
                return rule
        return None

    def _spend(self, rule: Rule) -> None:
        if rule.left is None:
            return
        rule.left -= 1
        if rule.left == 0:
            self._rules = [other for other in self._rules if other is not rule]
