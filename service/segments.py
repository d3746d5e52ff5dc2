"""How many segments an SMS costs, counted as the network counts them (3GPP TS 23.038 and 23.040).

A text of only GSM-7 characters packs 160 septets into one segment, or 153 into each of several; one character outside
the alphabet turns the whole text into UCS-2, with 70 or 67 units. A character of the extension table costs two septets
and one beyond the Basic Multilingual Plane two units: neither pair may straddle a segment's border.
"""

import re
from math import ceil

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = "\f^{}\\[~]|€"
_BASIC_ONLY = re.compile(f"[{re.escape(_BASIC)}]*")
_GSM = re.compile(f"[{re.escape(_BASIC + _EXTENSION)}]*")
_DOUBLE_IN_GSM = re.compile(f"[{re.escape(_EXTENSION)}]")
_DOUBLE_IN_UCS2 = re.compile("[\U00010000-\U0010ffff]")

GSM_7 = "GSM-7"
UCS_2 = "UCS-2"


def measure(text: str) -> tuple[int, str]:
    """Segments and encoding (`GSM-7` or `UCS-2`) of a text as it would be sent; an empty text has no segment."""
    if _BASIC_ONLY.fullmatch(text):
        return _whole(len(text), 160, 153), GSM_7
    if _GSM.fullmatch(text):
        return _segments(text, _DOUBLE_IN_GSM, 160, 153), GSM_7
    return _segments(text, _DOUBLE_IN_UCS2, 70, 67), UCS_2


def _segments(text: str, double: re.Pattern[str], single: int, multi: int) -> int:
    pairs = [match.start() for match in double.finditer(text)]
    units = len(text) + len(pairs)
    if units <= single or not pairs:
        return _whole(units, single, multi)
    return _packed(pairs, units, multi)


def _whole(units: int, single: int, multi: int) -> int:
    return 1 if 0 < units <= single else ceil(units / multi)


def _packed(pairs: list[int], units: int, multi: int) -> int:
    """A pair that would begin in a segment's last unit moves on whole and leaves that unit unused."""
    unused = 0
    for before, position in enumerate(pairs):
        if (position + before + unused) % multi == multi - 1:
            unused += 1
    return ceil((units + unused) / multi)
