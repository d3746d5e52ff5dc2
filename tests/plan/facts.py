"""Any course: strategies for the properties of plans."""

from datetime import UTC, datetime, time

from hypothesis import strategies as st

from service.plan import Booking, QuietHours, Session
from service.types import Kind, Medium
from tests.plan.visits import SHIPPED, one_step

ZONES = ["Europe/London", "America/New_York", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]
FROM, TO = datetime(2010, 10, 25), datetime(2012, 4, 5)  # noqa: DTZ001 - made aware below; Apia skips a day in between
INSTANTS = st.datetimes(FROM, TO).map(lambda naive: naive.replace(tzinfo=UTC))
CLOCK = st.builds(time, st.integers(0, 23), st.sampled_from([0, 1, 30, 59]))
NUMBERS = st.none() | st.integers(1, 8)

VISITS = st.lists(
    st.builds(
        Session,
        treatment=st.text("abc", min_size=1, max_size=3),
        ended_at=INSTANTS,
        kind=st.sampled_from(Kind),
        number=NUMBERS,
        of=NUMBERS,
        zone=st.sampled_from(ZONES),
        area=st.sampled_from([None, "face", "Legs"]),
    ),
    unique_by=lambda session: session.treatment,
    max_size=4,
)
QUIET = st.builds(QuietHours, CLOCK, CLOCK, st.frozensets(st.sampled_from(Medium)))


TIMINGS = [
    'after = "0 minutes"\nrepeat = { every = "50 minutes", times = 2 }',
    'after = "1 day"\nat = 00:01:00\nrepeat = { every = "3 days", times = 2 }',
    'after = "1 month"\nat = 23:30:00\nrepeat = { every = "1 month", times = 3 }\nonly = ["series complete or lapsed"]',
    'from = "window start"\nat = 02:30:00\nonly = ["series open"]\nuntil = ["newer session", "booking"]',
    'from = "window end"\nafter = "1 week"\nuntil = ["booking"]\nrepeat = { every = "10 days", times = 1 }',
]
EXPIRIES = ["30 minutes", "20 hours", "1 day", "2 months"]
ONE_STEP = st.builds(
    lambda timing, expires: one_step(f'{timing}\nexpires = "{expires}"'),
    st.sampled_from(TIMINGS),
    st.sampled_from(EXPIRIES),
)
PROTOCOLS = st.sampled_from(list(SHIPPED.values())) | ONE_STEP
FACTS = st.fixed_dictionaries(
    {
        "protocol": PROTOCOLS,
        "sessions": VISITS,
        "bookings": st.lists(st.builds(Booking, INSTANTS), max_size=2),
        "quiet": QUIET,
        "now": INSTANTS,
    }
)
