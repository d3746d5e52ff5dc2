"""Tables as CSV for spreadsheets: what was told to us stays text there, and never becomes a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

_BEGIN_FORMULAS: Final = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""As they stand, and full-width: spreadsheets read both."""


def cell(value: object) -> str:
    """A value as a cell. A text that a spreadsheet would compute gets an apostrophe in front: there it is shown as
    text; numbers stay numbers."""
    if value is None:
        return ""
    text = str(value)
    is_text = not isinstance(value, int | float)
    return f"'{text}" if is_text and text.lstrip(" ").startswith(_BEGIN_FORMULAS) else text


def sheet(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows below their names, as RFC 4180 has it."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(names)
    writer.writerows([cell(value) for value in row] for row in rows)
    return written.getvalue()
