"""What a validator found, said plainly and with what to do about it. The value itself is never repeated."""

from collections.abc import Callable, Mapping
from typing import Any

_Say = Callable[[Mapping[str, Any]], str]


def plain(detail: Any) -> str:
    """One error of pydantic's, as a sentence of ours."""
    kind, context = detail["type"], detail.get("ctx") or {}
    if kind in {"value_error", "assertion_error"}:
        return str(context["error"])
    say = _SENTENCES.get(kind, "this cannot be taken as it is: OpenAPI says what can")
    return say if isinstance(say, str) else say(context)


def _choice(context: Mapping[str, Any]) -> str:
    return f"write {str(context['expected']).replace(chr(39), chr(34))}"


_WHOLE = "write a whole number, like 3"
_NUMBER = "write a number, like 2.5"
_YES_OR_NO = "write true or false"
_TEXT = "write a text, in quotes"
_TIME = "write the time as 2026-11-20T15:00:00Z"
_DAY = "write the day as 2026-11-20"
_ID = "write the id as it was given, like 0190a5d2-7b1c-7e4f-9a0e-0f6d0a1c9a11"
_OBJECT = "write this as a JSON object, like {}"

_SENTENCES: Mapping[str, str | _Say] = {
    "missing": "this is required: give it",
    "extra_forbidden": "nothing reads this field: leave it out",
    "json_invalid": "this is no JSON that can be read: check its quotes, commas and brackets",
    "json_type": "this is no JSON that can be read: check its quotes, commas and brackets",
    "string_type": _TEXT,
    "string_sub_type": _TEXT,
    "string_unicode": "write the text as UTF-8",
    "string_pattern_mismatch": "the text does not have the form that OpenAPI gives for it",
    "string_too_long": lambda context: f"write at most {context['max_length']:,} characters",
    "string_too_short": lambda context: f"write at least {context['min_length']:,} characters",
    "too_long": lambda context: f"give at most {context['max_length']:,} of them",
    "too_short": lambda context: f"give at least {context['min_length']:,} of them",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "greater_than_equal": lambda context: f"write a number of at least {context['ge']:,}",
    "greater_than": lambda context: f"write a number above {context['gt']:,}",
    "less_than_equal": lambda context: f"write a number of at most {context['le']:,}",
    "less_than": lambda context: f"write a number below {context['lt']:,}",
    "bool_type": _YES_OR_NO,
    "bool_parsing": _YES_OR_NO,
    "list_type": "write this as a JSON list, like []",
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "enum": _choice,
    "literal_error": _choice,
    "none_required": "leave this out, or write null",
    "timezone_aware": f"the time has no offset: {_TIME} or with +01:00",
    **dict.fromkeys(
        ("datetime_type", "datetime_parsing", "datetime_from_date_parsing", "datetime_object_invalid"), _TIME
    ),
    **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"), _DAY),
    **dict.fromkeys(("uuid_type", "uuid_parsing", "uuid_version"), _ID),
}
