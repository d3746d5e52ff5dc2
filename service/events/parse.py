"""JSON as strictly as storing it safely needs: what two readers could read differently is refused."""

import json
import math
from typing import Any, NoReturn

from service.errors import BadInput, Problem


def parse_json(body: bytes, *, where: str = "body") -> Any:
    """Parse a body of UTF-8 JSON.

    Raises BadInput with one of the codes `invalid-utf8`, `invalid-json`, `duplicate-key`, `nul-character`,
    `lone-surrogate`, `too-deep`. `where` names the body in the problem: `body`, or `visits.ndjson:17`.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _bad(
            "invalid-utf8", where, f"byte {error.start} is not UTF-8: send UTF-8 without other encodings"
        ) from None
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constants, parse_float=_finite)
        _require_storable(text, where)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise _bad("invalid-json", where, f"{place}: {error.msg.lower()}") from None
    except RecursionError:
        raise _bad(
            "too-deep", where, "the JSON is nested too deeply: an event has at most a handful of levels"
        ) from None
    except _Refused as refused:
        raise _bad(refused.code, where, refused.sentence) from None
    except ValueError:
        raise _bad("invalid-json", where, "a number is too long to be read") from None
    return value


def _require_storable(text: str, where: str) -> None:
    """NUL and lone surrogates are JSON, but no database text can hold them. They can only come as escapes."""
    if "\\u0000" in text.replace("\\\\", ""):
        raise _bad("nul-character", where, "a text holds the character U+0000, which cannot be stored: remove it")
    if "\\u" in text and _has_lone_surrogate(text):
        raise _bad("lone-surrogate", where, "a text holds half of a surrogate pair: send whole characters")


def _has_lone_surrogate(text: str) -> bool:
    lowered = text.replace("\\\\", "").lower()
    if "\\ud" not in lowered:
        return False
    try:
        json.dumps(json.loads(text), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


class _Refused(Exception):
    def __init__(self, code: str, sentence: str) -> None:
        self.code, self.sentence = code, sentence


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Refused("duplicate-key", f'the key "{key[:60]}" is given twice in one object')
            seen.add(key)
    return found


def _finite(number: str) -> float:
    found = float(number)
    if math.isinf(found):
        raise _Refused("invalid-json", "a number is beyond what can be stored")
    return found


def _no_constants(name: str) -> NoReturn:
    raise _Refused("invalid-json", f"{name} is not JSON")


def _bad(code: str, where: str, sentence: str) -> BadInput:
    return BadInput(Problem(code, where, sentence))
