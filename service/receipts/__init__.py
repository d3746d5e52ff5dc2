"""Receipts: what providers report later, and what follows from it."""

from service.receipts.evidence import Evidence, EvidenceRules, Report
from service.receipts.polling import Polling, PollRules, receipt_of
from service.receipts.receive import ReceiptRules, Receipts, announce

__all__ = [
    "Evidence",
    "EvidenceRules",
    "PollRules",
    "Polling",
    "ReceiptRules",
    "Receipts",
    "Report",
    "announce",
    "receipt_of",
]
