"""What an import says of itself: bounded, however much it met, and true for one that was interrupted."""

from dataclasses import replace
from pathlib import Path

from service.errors import Problem
from service.imports import Due, Notes, Progress, Summary
from service.intake.answer import Standing, Taken

DONE = Summary(
    clinic="glow",
    file=Path("visits.csv"),
    rejects=Path("visits.csv.rejects.ndjson"),
    finished=True,
    progress=Progress(offset=9000, line=1201, taken=1000, repeated=199, rejected=2),
    notes=Notes(),
    planned=4000,
    past=2500,
    courses=310,
    seconds=2.0,
    rows_now=1201,
)
UNMAPPED = Taken("/pms/glow", "e-1", created=True, standing=Standing.UNMAPPED, treatment="v-1", plan=(), changes=(),
                 warnings=())  # fmt: skip


def text(summary: Summary) -> str:
    return "\n".join(summary.lines())


def test_rows_reminders_and_the_rejects_file_are_told() -> None:
    told = text(DONE)
    assert "Imported visits.csv for glow: 2.0 s, 600 rows a second." in told
    assert "see visits.csv.rejects.ndjson" in told
    assert "310  told apart by the dates of their visits" in told
    assert "Stopped" not in told
    assert "dry run" not in told


def test_an_import_that_was_stopped_says_how_to_go_on() -> None:
    assert text(replace(DONE, finished=False)).endswith(
        "Stopped after line 1,201. Run the same command again to go on from there."
    )


def test_an_import_that_went_on_says_from_where() -> None:
    resumed = replace(DONE, resumed_after=600, rows_now=601)
    assert text(resumed).startswith("Went on after line 600;")
    assert resumed.as_json()["resumed_after_line"] == 600
    assert resumed.rate == 300


def test_a_dry_run_says_what_would_fall_due_and_that_nothing_was_stored() -> None:
    dry = replace(DONE, due=Due(12, 40), rejects=None)
    assert "see" not in text(dry)
    assert (dry.as_json()["courses_inferred"], dry.as_json()["rejects_file"]) == (310, None)
    assert dry.as_json()["reminders"] == {
        "planned": 4000,
        "past": 2500,
        "due_at_once": 12,
        "due_within_24_hours": 40,
    }
    assert text(dry).endswith("Nothing was stored: this was a dry run.")
    assert text(replace(dry, finished=False)).endswith("It was stopped after line 1,201.")


def test_warnings_are_counted_by_kind_and_only_so_many_kinds_are_kept() -> None:
    notes = Notes()
    for line in range(1, 2001):
        notes.warn([Problem("invalid-number", "phone", "no such number"), Problem("odd", f"field-{line}", "?")], line)
    first, *others = notes.warnings()
    assert (first["rows"], first["first_lines"]) == (2000, [1, 2, 3, 4, 5])
    assert len(others) < 50
    assert "note: phone: no such number (2,000 rows: lines 1, 2, 3, 4, 5 ...)" in text(replace(DONE, notes=notes))


def test_the_codes_that_wait_for_a_meaning_are_named_the_most_frequent_first() -> None:
    notes = Notes()
    for number in range(3000):
        notes.take(UNMAPPED, f"code-{number}")
        notes.take(UNMAPPED, "MN-60" if number % 3 else "\x1b[2J")
        notes.take(replace(UNMAPPED, created=False), "repeated")
    summary = replace(DONE, notes=notes)
    first, second, *others = summary.as_json()["unmapped_codes"]
    assert (first, second["rows"], len(others)) == ({"code": "MN-60", "rows": 2000}, 1000, 8)
    assert 'not known: "MN-60" (2,000), "\\u001b[2J" (1,000), "code-0" (1), ' in text(summary)
    assert " and more\n" in text(summary)
    assert "not known: " not in text(DONE)


def test_why_rows_are_not_taken_is_told_with_their_first_lines() -> None:
    notes = Notes()
    notes.refuse([Problem("naive-time", "ended_at", "the time has no offset")], 7)
    notes.refuse([Problem("wrong-cell-count", "", "the row has 3 cells")], 9)
    told = text(replace(DONE, notes=notes))
    assert "  not taken: ended_at: the time has no offset (1 row: line 7)\n" in told
    assert "  not taken: the row has 3 cells (1 row: line 9)" in told
    assert [one["code"] for one in replace(DONE, notes=notes).as_json()["refusals"]] == [
        "naive-time",
        "wrong-cell-count",
    ]
