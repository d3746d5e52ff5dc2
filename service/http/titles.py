"""The titles of errors: of a contradiction by its code, as it alone says what kind it is; of all others by status."""

from collections.abc import Mapping

BY_STATUS: Mapping[int, str] = {
    400: "The request cannot be read",
    401: "A valid key is needed",
    403: "This key may not do that",
    404: "There is no such thing here",
    405: "This address does not take that method",
    408: "The request came too slowly",
    409: "This contradicts what is stored",
    412: "Somebody was quicker",
    413: "The body is too large",
    415: "This content type is not taken",
    422: "What was sent cannot be taken",
    428: "This needs to know what it changes",
    429: "Too many requests",
    431: "The headers are too large",
    500: "Something failed here",
    503: "Not available now",
}

_HELD = "Nothing is sent while it is held"

_BY_CODE: Mapping[str, str] = {
    "idempotency-key-reused": "Another request was sent under this key",
    "idempotency-key-in-use": "The same request is being worked on",
    "event-conflict": "This event is stored with other content",
    "client-erased": "This client was erased",
    "reminder-in-flight": "The reminder is being sent",
    "reminder-in-doubt": "Nobody knows yet whether the reminder went out",
    "nothing-in-doubt": "There is nothing to resolve",
    "reminder-settled": "The reminder has its final state",
    "reminder-not-scheduled": "The reminder does not wait for its time",
    "reminder-scheduled": "The reminder still waits for its time",
    "reminder-not-planned": "The plan has no place for the reminder",
    "reminder-already-sent": "The reminder went out before",
    "reminder-expired": "The reminder has expired",
    "time-passed": "That time has passed",
    "after-expiry": "The reminder expires before that time",
    "in-quiet-hours": "That time lies in quiet hours",
    "no-version-yet": "There are only the shipped words",
    "never-published": "This version was never sent",
    "not-previewed": "Nobody has looked at this version",
    "no-words": "There are no words to send",
    "not-confirmed": "This number or address was not confirmed",
    "address-stopped": "Whoever has this address told it to stop",
    "country-not-allowed": "The clinic does not text this country",
    "paused-by-hand": _HELD,
    "clinic-paused": _HELD,
    "many-new-numbers": _HELD,
    "sender-paused": "The sender is paused already",
    "sender-taken": "Another clinic texts from this number",
    "clinic-exists": "There is a clinic of this name",
    "key-rotated": "This key was rotated already",
    "last-owner": "A clinic keeps one owner",
}


def title_of(status: int, code: str) -> str:
    """A summary of what kind of problem it is; the same for the same code."""
    return (_BY_CODE.get(code) if status == 409 else None) or BY_STATUS.get(status, "Error")
