"""What is in a mail send request: every recipient's letter, or the first thing that is wrong with it."""

import re
from typing import Any, NamedTuple

import orjson

from service.sandbox.lines import digest_of

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_MOST = 1000
_MOST_ARGS = 10_000


class Wrong(NamedTuple):
    """The field to blame, as SendGrid names fields, and why."""

    field: str | None
    sentence: str


class Letter(NamedTuple):
    """One recipient's copy of a mail."""

    to: str
    origin: str
    subject: str
    body: str
    """The plain text, or whatever comes first."""
    digest: str
    """Of the subject and all bodies: what makes two letters the same."""
    args: dict[str, str]
    categories: list[str]

    @property
    def likeness(self) -> int:
        return hash((self.to, self.digest))

    @property
    def attempt(self) -> str | None:
        return self.args.get("aftercare_token")


def read_mail(body: bytes) -> list[Letter] | Wrong:
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Wrong(None, "The body is not JSON.")
    return _wrong_with(payload) or _letters(payload)


def unreadable(body: bytes) -> Letter:
    """Stands in the ledger for a mail that could not be read."""
    text = body[:2000].decode("utf-8", "replace")
    return Letter("", "", "", text, digest_of(text), {}, [])


def _letters(payload: dict[str, Any]) -> list[Letter]:
    contents = {part.get("type"): str(part["value"]) for part in payload["content"]}
    text = contents.get("text/plain") or next(iter(contents.values()))
    bodies = "\n".join(contents.values())
    return [
        _letter(payload, group, person["email"], text, bodies)
        for group in payload["personalizations"]
        for person in group["to"]
    ]


def _letter(payload: dict[str, Any], group: dict[str, Any], to: str, text: str, bodies: str) -> Letter:
    subject = str(group.get("subject") or payload["subject"])
    args = (payload.get("custom_args") or {}) | (group.get("custom_args") or {})
    flat = {name: str(value) for name, value in args.items()}
    digest = digest_of(f"{subject}\n{bodies}")
    return Letter(to, payload["from"]["email"], subject, text, digest, flat, _categories(payload))


def _categories(payload: dict[str, Any]) -> list[str]:
    categories = payload.get("categories")
    return [str(category) for category in categories] if isinstance(categories, list) else []


def _wrong_with(payload: Any) -> Wrong | None:
    if not isinstance(payload, dict):
        return Wrong(None, "The body is not a JSON object.")
    groups = payload.get("personalizations")
    if not isinstance(groups, list) or not 1 <= len(groups) <= _MOST:
        return Wrong("personalizations", "There must be 1 to 1000 personalizations.")
    wrong = next((wrong for number, group in enumerate(groups) if (wrong := _wrong_group(number, group))), None)
    if wrong:
        return wrong
    if not _is_email(payload.get("from")):
        return Wrong("from.email", "The sender's address is missing or no address.")
    if not payload.get("subject") and not all(group.get("subject") for group in groups):
        return Wrong("subject", "The subject is missing.")
    return _wrong_content(payload.get("content")) or _wrong_args("custom_args", payload)


def _wrong_group(number: int, group: Any) -> Wrong | None:
    people = group.get("to") if isinstance(group, dict) else None
    if not isinstance(people, list) or not 1 <= len(people) <= _MOST:
        return Wrong(f"personalizations.{number}.to", "There must be 1 to 1000 recipients.")
    for place, person in enumerate(people):
        if not _is_email(person):
            return Wrong(f"personalizations.{number}.to.{place}.email", "This is no email address.")
    return _wrong_args(f"personalizations.{number}.custom_args", group)


def _wrong_args(field: str, holder: dict[str, Any]) -> Wrong | None:
    args = holder.get("custom_args") or {}
    if isinstance(args, dict) and len(orjson.dumps(args)) <= _MOST_ARGS:
        return None
    return Wrong(field, "Custom arguments are an object of at most 10000 bytes.")


def _wrong_content(content: Any) -> Wrong | None:
    if not isinstance(content, list) or not content or not all(isinstance(part, dict) for part in content):
        return Wrong("content", "There must be at least one content.")
    kinds = [part.get("type") for part in content]
    if "text/plain" in kinds[1:]:
        return Wrong("content", "text/plain comes before text/html.")
    empty = next((number for number, part in enumerate(content) if not part.get("value")), None)
    return None if empty is None else Wrong(f"content.{empty}.value", "The content is empty.")


def _is_email(person: Any) -> bool:
    address = person.get("email") if isinstance(person, dict) else None
    return isinstance(address, str) and _EMAIL.fullmatch(address) is not None
