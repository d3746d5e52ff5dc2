"""The summary line, and below it whatever has to be looked at."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chaos.load import Load
from chaos.stage import Shifts
from chaos.values import Breach, Evidence, Verdict

_MOST = 40


@dataclass(frozen=True)
class Summary:
    seed: int
    minutes: float
    counts: Mapping[str, int]
    shifts: Shifts
    load: Load
    evidence: Evidence
    verdict: Verdict
    settled: bool

    @property
    def kept(self) -> bool:
        return self.settled and self.verdict.kept and not self.load.refused

    @property
    def line(self) -> str:
        """One line: what was done, what came of it, and whether the promise was kept."""
        done = (
            "kills",
            "moments",
            "terms",
            "freezes",
            "database stops",
            "sessions ended",
            "cuts",
            "silences",
            "storms",
            "credentials refused",
            "full disks",
        )
        struck = ", ".join(f"{self.counts.get(name, 0)} {name}" for name in done)
        clocks = f"{self.shifts.shifted} wrong clocks" if self.shifts.possible else "clocks right (no libfaketime)"
        states = Counter(row.state.value for row in self.evidence.reminders)
        became = ", ".join(f"{count} {state}" for state, count in states.most_common())
        broken = ", ".join(f"{breach} {self.verdict.count(breach)}" for breach in Breach)
        end = "the promise was kept" if self.kept else "THE PROMISE WAS BROKEN"
        return (
            f"chaos seed {self.seed}, {self.minutes:g} min: {len(self.evidence.taken)} messages, "
            f"{len(self.load.planned)} reminders, {len(self.load.stops)} stops ({self.load.texted} texted), {struck}, "
            f"{clocks}; {became}; "
            f"{broken}, sent again after an empty look-up {len(self.verdict.resent)}: {end}"
        )


def show(summary: Summary, folder: Path) -> None:
    """Print it."""
    print(summary.line)
    for one in summary.verdict.resent:
        times = ", ".join(moment.isoformat() for moment in one.accepted)
        print(f"  sent again: {one.about}: records empty at {one.asked_at.isoformat()}, accepted {times}")
    for finding in summary.verdict.findings[:_MOST]:
        print(f"  {finding.breach}: {finding.about}: {finding.how}")
    for refused in summary.load.refused[:_MOST]:
        print(f"  refused: {refused}")
    if not summary.settled:
        print("  it did not come to rest")
    if not summary.kept:
        print(f"  the ledger and all logs are in {folder}")
