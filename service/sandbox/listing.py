"""Twilio's message list: filters by To, From and DateSent, newest first, page by page."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from itertools import dropwhile, islice
from typing import Any
from urllib.parse import urlencode

from service.sandbox.messages import Shelf, Text

_LARGEST_PAGE = 1000


def page(shelf: Shelf, query: dict[str, str], path: str, now: datetime) -> dict[str, Any]:
    """One page as Twilio shapes it. Raises ValueError for a filter that cannot be read.

    A page's token is the last message before it, so a page stays the same while newer messages come in.
    """
    size = max(1, min(int(query.get("PageSize") or 50), _LARGEST_PAGE))
    number = int(query.get("Page") or 0)
    found = _after_token(_filtered(shelf.newest_first(query.get("To")), query, now), query.get("PageToken"))
    texts = list(islice(found, size + 1))
    shown = texts[:size]
    following = _address(path, query, size, number + 1, shown[-1].sid) if len(texts) > size else None
    return {
        "messages": [text.as_json(text.status(now), now) for text in shown],
        "uri": _address(path, query, size, number, query.get("PageToken")),
        "first_page_uri": _address(path, query, size, 0, None),
        "next_page_uri": following,
        "previous_page_uri": None,
        "page": number,
        "page_size": size,
        "start": number * size,
        "end": number * size + len(shown) - 1,
    }


def _filtered(texts: Iterable[Text], query: dict[str, str], now: datetime) -> Iterator[Text]:
    sender = query.get("From")
    on, after = _moment(query.get("DateSent")), _moment(query.get("DateSent>"))
    before = _moment(query.get("DateSent<"), time.max)
    for text in texts:
        sent = text.sent_at(now)
        if sender is not None and text.sender != sender:
            continue
        if (on or before or after) and sent is None:
            continue  # not sent yet: no date to compare
        if sent and not _fits(sent, on, before, after):
            continue
        yield text


def _fits(sent: datetime, on: datetime | None, before: datetime | None, after: datetime | None) -> bool:
    same_day = on is None or sent.date() == on.date()
    return same_day and (before is None or sent <= before) and (after is None or sent >= after)


def _moment(text: str | None, of_day: time = time.min) -> datetime | None:
    """A date stands for its first moment, or for the one asked for."""
    if text is None:
        return None
    if len(text) == len("2026-11-22"):
        return datetime.combine(date.fromisoformat(text), of_day, UTC)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _after_token(texts: Iterator[Text], token: str | None) -> Iterator[Text]:
    if token is None:
        return texts
    return islice(dropwhile(lambda text: text.sid != token, texts), 1, None)


def _address(path: str, query: dict[str, str], size: int, number: int, token: str | None) -> str:
    filters = {name: query[name] for name in ("To", "From", "DateSent", "DateSent<", "DateSent>") if name in query}
    place = {"PageSize": size, "Page": number} | ({"PageToken": token} if token else {})
    return f"{path}?{urlencode(filters | place)}"
