"""The file of an import: what it is, and how to know it again."""

import hashlib
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from service.errors import BadInput, Problem
from service.imports.csv_rows import CsvReader
from service.imports.mapping import Map
from service.imports.ndjson import NdjsonReader
from service.imports.record import Reader

_ENDS = 64 * 1024
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class Format(StrEnum):
    NDJSON = "ndjson"
    CSV = "csv"


_BY_SUFFIX = {
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
    ".ndjson": Format.NDJSON,
    ".jsonl": Format.NDJSON,
}


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it is now."""

    path: Path
    format: Format
    size: int
    written_at: datetime
    """Stands in for the `time` of events that give none: an old export does not outdate what was reported since."""
    digest: str
    """Of its size, its time, both of its ends and its format: a file that was changed is another file."""


class Encoding(StrEnum):
    """How a CSV file writes its characters."""

    UTF_8 = "utf-8"
    CP1252 = "cp1252"


def inspect(path: Path, format_: Format | None, *, read_by: bytes = b"") -> Source:
    """Look at a file. The format is the one given, else by the file's name, else by its first character.

    `read_by` is whatever else decides what the file means.

    Raises BadInput: `unreadable-file`, `not-a-file`, `not-utf8`.
    """
    try:
        with path.open("rb") as file:
            found = path.stat()
            if not stat.S_ISREG(found.st_mode):
                raise BadInput(Problem("not-a-file", str(path), "an import needs a file that can be read again"))
            first, last = file.read(_ENDS), _end(file, found.st_size)
    except OSError as error:
        raise BadInput(Problem("unreadable-file", str(path), (error.strerror or "it cannot be read").lower())) from None
    if first.startswith(_UTF_16):
        raise BadInput(Problem("not-utf8", str(path), "the file is UTF-16: save it as CSV UTF-8"))
    chosen = format_ or _BY_SUFFIX.get(path.suffix.lower()) or _guess(first)
    written_at = datetime.fromtimestamp(found.st_mtime, UTC)
    about = f"{chosen}|{found.st_size}|{found.st_mtime_ns}|".encode() + read_by
    return Source(path, chosen, found.st_size, written_at, hashlib.sha256(about + first + last).hexdigest())


def reader_of(
    source: Source, file: BinaryIO, limit: int, map_: Map | None = None, encoding: Encoding = Encoding.UTF_8
) -> Reader:
    """The reader of an opened file; `limit` is the most bytes an event may take. A CSV's header is read and judged."""
    if source.format is Format.CSV:
        return CsvReader(file, limit, source.path.name, map_, encoding)
    if map_ is not None or encoding is not Encoding.UTF_8:
        raise BadInput(Problem("not-csv", str(source.path), "only CSV files are read by a map or another encoding"))
    return NdjsonReader(file, limit)


def _end(file: BinaryIO, size: int) -> bytes:
    file.seek(max(0, size - _ENDS))
    return file.read(_ENDS)


def _guess(first: bytes) -> Format:
    text = first.removeprefix(b"\xef\xbb\xbf").lstrip()
    return Format.NDJSON if text.startswith((b"{", b"[")) else Format.CSV
