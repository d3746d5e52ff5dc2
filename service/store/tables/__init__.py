"""Every table, as SQLModel classes; queries on hot paths use the Core tables beneath them.

Every clinic's table leads with `clinic`, and every foreign key is (clinic, id): the tenant is part of every key, so a
row can neither be found nor referred to from another clinic. Natural keys that the clinic's system gives (`client`,
`treatment`, `event`) are used as they are. Times are aware UTC. Columns that hold an enum store its string value.

Secondary indexes do not lead with the clinic unless they are partial. While a table is young PostgreSQL has no
statistics, all its indexes look alike, and a foreign key may then be checked through one that only narrows down to the
clinic: by reading every row that the clinic has.
"""

from service.store.tables.answers import Alert, Reply
from service.store.tables.appointments import Appointment, ServiceCode, Void
from service.store.tables.base import core, plain_times
from service.store.tables.exchanges import KeptAnswer, Refusal
from service.store.tables.guards import Audit, NumberBlock, NumberText, RetentionMark
from service.store.tables.messages import Attempt, Decision, Reminder, Wording
from service.store.tables.people import Client, Consent, Recipient
from service.store.tables.platform import PlatformAnswer, PlatformKey, SchemaInfo, Worker, ZoneRules
from service.store.tables.receipts import ParkedReceipt, Poll, RefusedWords, SenderWatch
from service.store.tables.staff import StaffAddress, StaffMessage
from service.store.tables.tenants import ApiKey, Clinic, Location, Sender, SignIn, Staff
from service.store.tables.visits import Course, Event, ImportRun, Replan, Treatment
from service.store.tables.words import (
    ProtocolReview,
    TemplateCurrent,
    TemplateHold,
    TemplateSeen,
    TemplateVersion,
)

plain_times()

__all__ = [
    "Alert",
    "ApiKey",
    "Appointment",
    "Attempt",
    "Audit",
    "Client",
    "Clinic",
    "Consent",
    "Course",
    "Decision",
    "Event",
    "ImportRun",
    "KeptAnswer",
    "Location",
    "NumberBlock",
    "NumberText",
    "ParkedReceipt",
    "PlatformAnswer",
    "PlatformKey",
    "Poll",
    "ProtocolReview",
    "Recipient",
    "Refusal",
    "RefusedWords",
    "Reminder",
    "Replan",
    "Reply",
    "RetentionMark",
    "SchemaInfo",
    "Sender",
    "SenderWatch",
    "ServiceCode",
    "SignIn",
    "Staff",
    "StaffAddress",
    "StaffMessage",
    "TemplateCurrent",
    "TemplateHold",
    "TemplateSeen",
    "TemplateVersion",
    "Treatment",
    "Void",
    "Wording",
    "Worker",
    "ZoneRules",
    "core",
]
