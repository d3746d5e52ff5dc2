"""What can go wrong on purpose, and the rules that say which fault meets which request.

Three families of faults can meet one message, each by its own rules, the newest matching rule first:

- answers: what the client is told. With `-after` the provider took the message first: `reset-after` is the lost 201.
- fates: what becomes of an accepted message (undelivered, bounced, ...), told by fetch, callbacks and events.
- manners: how callbacks come: `silent`, `repeated`, `reordered`.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from service.sandbox.lines import Provider

E = TypeVar("E", bound=StrEnum)


class FaultRuleError(ValueError):
    """A fault rule that cannot be read; the message says what is accepted."""


class Fault(StrEnum):
    LATENCY = "latency"
    """The answer waits; acceptance does not. Detail: `20ms`, `5-50ms`, `30s`."""
    RATE_LIMITED = "429"
    """Not processed. Detail: the Retry-After header, absurd or text if you like; `1` where absent."""
    UNAUTHORIZED = "401"
    REFUSED = "refused"
    """Detail: Twilio's error code (21614), or for SendGrid the HTTP status."""
    SERVER_ERROR = "5xx"
    """Detail: the status; 503 where absent."""
    RESET = "reset"
    HANG = "hang"
    GARBAGE = "garbage"
    """One of the three below, by the dice."""
    HTML = "html"
    TRUNCATED = "truncated"
    NO_ID = "no-id"

    UNDELIVERED = "undelivered"
    """Detail: Twilio's error code; 30003 where absent."""
    FAILED = "failed"
    """Detail: Twilio's error code; 30008 where absent."""
    BOUNCE = "bounce"
    BLOCKED = "blocked"
    DROPPED = "dropped"
    DEFERRED = "deferred"
    OPEN = "open"
    SPAMREPORT = "spamreport"
    UNSUBSCRIBE = "unsubscribe"

    SILENT = "silent"
    REPEATED = "repeated"
    REORDERED = "reordered"


class On(StrEnum):
    """Which requests a rule meets: sends, or look-ups (Twilio's fetch and list)."""

    SEND = "send"
    LOOKUP = "lookup"


GARBAGE = (Fault.HTML, Fault.TRUNCATED, Fault.NO_ID)
"""What `garbage` stands for."""
AMBIGUOUS = frozenset({Fault.SERVER_ERROR, Fault.RESET, Fault.HANG, Fault.GARBAGE, *GARBAGE})
ANSWERS = AMBIGUOUS | {Fault.RATE_LIMITED, Fault.UNAUTHORIZED, Fault.REFUSED}
MANNERS = frozenset({Fault.SILENT, Fault.REPEATED, Fault.REORDERED})
FATES = {
    Fault.UNDELIVERED: Provider.TWILIO,
    Fault.FAILED: Provider.TWILIO,
    Fault.BOUNCE: Provider.SENDGRID,
    Fault.BLOCKED: Provider.SENDGRID,
    Fault.DROPPED: Provider.SENDGRID,
    Fault.DEFERRED: Provider.SENDGRID,
    Fault.OPEN: Provider.SENDGRID,
    Fault.SPAMREPORT: Provider.SENDGRID,
    Fault.UNSUBSCRIBE: Provider.SENDGRID,
}
_DETAILS = {
    Fault.RATE_LIMITED: re.compile(r"[ -~]{1,200}"),
    Fault.REFUSED: re.compile(r"\d{3,6}"),
    Fault.SERVER_ERROR: re.compile(r"5\d\d"),
    Fault.UNDELIVERED: re.compile(r"\d{5,6}"),
    Fault.FAILED: re.compile(r"\d{5,6}"),
}
_SPAN = re.compile(r"(?P<low>\d+(?:\.\d+)?)(?:-(?P<high>\d+(?:\.\d+)?))?(?P<unit>ms|s)")


@dataclass(slots=True, kw_only=True)
class Rule:
    """One rule; `left` counts down as it strikes (None: for ever). An empty `to` or absent `provider` means any."""

    fault: Fault
    after: bool = False
    provider: Provider | None = None
    on: On = On.SEND
    to: str = ""
    probability: float = 1.0
    left: int | None = None
    detail: str | None = None

    def __post_init__(self) -> None:
        if self.after and self.fault not in AMBIGUOUS:
            raise FaultRuleError(f"{self.fault}-after: only {_listed(AMBIGUOUS)} can strike after acceptance")
        if not 0 < self.probability <= 1:
            raise FaultRuleError(
                f"{self.fault}: a probability is a number above 0 and at most 1, not {self.probability}"
            )
        if self.fault is Fault.LATENCY:
            seconds_of(self.detail or "")
        elif self.detail is not None and not self._takes(self.detail):
            raise FaultRuleError(f"{self.fault}: cannot use the detail {self.detail!r}")

    def _takes(self, detail: str) -> bool:
        accepted = _DETAILS.get(self.fault)
        return accepted is not None and accepted.fullmatch(detail) is not None

    def covers(self, provider: Provider, on: On, to: str) -> bool:
        wanted = self.provider or FATES.get(self.fault, provider)
        return wanted is provider and self.on is on and self.to in ("", to)

    @property
    def name(self) -> str:
        return f"{self.fault}-after" if self.after else self.fault.value

    def as_json(self) -> dict[str, Any]:
        return {
            "fault": self.name,
            "provider": self.provider,
            "on": self.on,
            "to": self.to,
            "probability": self.probability,
            "count": self.left,
            "detail": self.detail,
        }


def seconds_of(span: str) -> tuple[float, float]:
    """`20ms`, `5-50ms`, `1.5s` as the lowest and highest number of seconds."""
    match = _SPAN.fullmatch(span)
    if match is None:
        raise FaultRuleError(f"latency: {span!r} is no span of time; write 20ms, 5-50ms or 1.5s")
    unit = 0.001 if match["unit"] == "ms" else 1.0
    low = float(match["low"]) * unit
    return low, float(match["high"]) * unit if match["high"] else low


def parse_rules(spec: str) -> list[Rule]:
    """Rules from one string: `[scope:]fault=probability[:detail]`, separated by commas.

    A scope is `twilio`, `sendgrid` or `lookup`. Latency may leave the probability out.
    `reset-after=0.02,latency=5-50ms,429=0.01:99999,twilio:undelivered=0.1:30005,lookup:5xx=0.5`
    """
    return [_parse_rule(part.strip()) for part in spec.split(",") if part.strip()]


def _parse_rule(part: str) -> Rule:
    name, equals, value = part.partition("=")
    if not equals:
        raise FaultRuleError(f"{part!r}: write fault=probability, such as reset-after=0.02")
    scope, colon, fault = name.rpartition(":")
    odds, _, detail = value.partition(":")
    if fault == Fault.LATENCY and ":" not in value:
        odds, detail = "1", value
    fields: dict[str, Any] = {"fault": fault, "probability": odds, "detail": detail or None}
    if colon:
        fields |= {"on": scope} if scope == On.LOOKUP else {"provider": scope}
    return rule_from(fields)


def rule_from(fields: dict[str, Any]) -> Rule:
    """A rule from JSON: fault, and if wanted provider, on, to, probability, count, detail.

    Raises FaultRuleError for anything it does not know.
    """
    unknown = fields.keys() - {"fault", "provider", "on", "to", "probability", "count", "detail"}
    if unknown:
        raise FaultRuleError(f"unknown: {_listed(unknown)}")
    name, provider, count = str(fields.get("fault", "")), fields.get("provider"), fields.get("count")
    fault = name.removesuffix("-after")
    return Rule(
        fault=_one_of(Fault, fault),
        after=name != fault,
        provider=_one_of(Provider, provider) if provider else None,
        on=_one_of(On, fields.get("on") or On.SEND),
        to=str(fields.get("to") or ""),
        probability=_number(fields.get("probability", 1.0)),
        left=None if count is None else _count(count),
        detail=None if fields.get("detail") is None else str(fields["detail"]),
    )


def _one_of(kind: type[E], value: Any) -> E:
    try:
        return kind(value)
    except ValueError as error:
        raise FaultRuleError(f"{value!r} is none of {_listed(kind)}") from error


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise FaultRuleError(f"{value!r} is no probability; write a number such as 0.02") from error


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise FaultRuleError(f"{value!r} is no count; write a whole number from 1")
    return value


def _listed(names: Any) -> str:
    return ", ".join(sorted(str(name) for name in names))
