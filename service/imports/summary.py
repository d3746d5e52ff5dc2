"""What an import came to, for people and for programs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from service.imports.progress import Notes, Progress
from service.protocols.values import shown
from service.types import Json


@dataclass(frozen=True, slots=True)
class Due:
    """Of a dry run: how many more reminders would fall due."""

    at_once: int
    within_24_hours: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Rows are counted for the whole file; an import that went on after `resumed_after` lines counts the rest of what
    is told here from there on."""

    clinic: str
    file: Path
    rejects: Path | None
    """Where the rows lie that were not taken; None for a dry run, which writes nothing."""
    finished: bool
    progress: Progress
    notes: Notes
    planned: int
    past: int
    courses: int
    """Those that begin where only the dates of their visits show it."""
    seconds: float
    rows_now: int
    """Rows of this run."""
    resumed_after: int = 0
    due: Due | None = None
    """None for an import that is none of a dry run."""

    @property
    def rate(self) -> int:
        """Rows a second."""
        return round(self.rows_now / self.seconds) if self.seconds else 0

    def as_json(self) -> Json:
        due = {} if self.due is None else {
            "due_at_once": self.due.at_once, "due_within_24_hours": self.due.within_24_hours,
        }  # fmt: skip
        return {
            "clinic": self.clinic,
            "file": str(self.file),
            "dry_run": self.due is not None,
            "finished": self.finished,
            "resumed_after_line": self.resumed_after or None,
            "taken": self.progress.taken,
            "repeated": self.progress.repeated,
            "rejected": self.progress.rejected,
            "unmapped": self.notes.unmapped,
            "unmapped_codes": self.notes.unmapped_codes(),
            "outdated": self.notes.outdated,
            "courses_inferred": self.courses,
            "reminders": {"planned": self.planned, "past": self.past, **due},
            "warnings": self.notes.warnings(),
            "refusals": self.notes.refusals(),
            "rejects_file": str(self.rejects) if self.rejects and self.progress.rejected else None,
            "seconds": round(self.seconds, 3),
            "rows_a_second": self.rate,
        }

    def lines(self) -> Iterator[str]:
        """For a person at a terminal."""
        done, progress = "Read" if self.due else "Imported", self.progress
        if self.resumed_after:
            yield f"Went on after line {self.resumed_after:,}; reminders are counted from there on."
        yield f"{done} {self.file.name} for {self.clinic}: {self.seconds:.1f} s, {self.rate:,} rows a second."
        yield f"  taken      {progress.taken:>9,}{self._of_which()}"
        if self.notes.unmapped:
            yield from self._without_a_protocol()
        yield f"  repeated   {progress.repeated:>9,}"
        yield f"  rejected   {progress.rejected:>9,}{self._where_to_see()}"
        if self.courses:
            yield f"  courses    {self.courses:>9,}  told apart by the dates of their visits"
        yield f"  reminders  {self.planned:>9,}  planned"
        yield f"             {self.past:>9,}  skipped: their time was over"
        if self.due:
            yield f"             {self.due.at_once:>9,}  would fall due at once"
            yield f"             {self.due.within_24_hours:>9,}  would fall due within 24 hours"
        yield from _told("not taken", self.notes.refusals())
        yield from _told("note", self.notes.warnings())
        yield from self._ending()

    def _without_a_protocol(self) -> Iterator[str]:
        """The codes to be mapped, the most frequent first."""
        codes = self.notes.unmapped_codes()
        told = ", ".join(f"{shown(one['code'])} ({one['rows']:,})" for one in codes)
        more = " and more" if self.notes.unmapped > sum(one["rows"] for one in codes) else ""
        yield f"             not known: {told}{more}"

    def _where_to_see(self) -> str:
        return f"  see {self.rejects}" if self.rejects and self.progress.rejected else ""

    def _of_which(self) -> str:
        parts = ((self.notes.unmapped, "of a protocol that is not known here"), (self.notes.outdated, "outdated"))
        told = ", ".join(f"{count:,} {what}" for count, what in parts if count)
        return f"  {told}" if told else ""

    def _ending(self) -> Iterator[str]:
        if self.due:
            stopped = "" if self.finished else f" It was stopped after line {self.progress.line:,}."
            yield f"Nothing was stored: this was a dry run.{stopped}"
        elif not self.finished:
            yield how_to_go_on(self.progress)


def _told(lead: str, kinds: Iterable[Json]) -> Iterator[str]:
    for kind in kinds:
        lines, rows = ", ".join(f"{line:,}" for line in kind["first_lines"]), kind["rows"]
        where = f"line{'' if rows == 1 else 's'} {lines}{' ...' if rows > len(kind['first_lines']) else ''}"
        place = f"{kind['where']}: " if kind["where"] else ""
        yield f"  {lead}: {place}{kind['message']} ({rows:,} row{'' if rows == 1 else 's'}: {where})"


def how_to_go_on(progress: Progress) -> str:
    return f"Stopped after line {progress.line:,}. Run the same command again to go on from there."
