"""Planning, pure: a course's visits and a protocol in, the reminders they mean out; and what that changes in the rows.

`plan_course` says what should be, `reconcile` what to do about what there is. Neither reads the clock or a database.
"""

from service.plan.course import Course, Progress, course_of, next_window
from service.plan.reconcile import Changes, Existing, reconcile
from service.plan.schedule import plan_course
from service.plan.values import SKIP_SENTENCES, Booking, Planned, Session, SkipReason
from service.timing import QuietHours

__all__ = [
    "SKIP_SENTENCES",
    "Booking",
    "Changes",
    "Course",
    "Existing",
    "Planned",
    "Progress",
    "QuietHours",
    "Session",
    "SkipReason",
    "course_of",
    "next_window",
    "plan_course",
    "reconcile",
]
