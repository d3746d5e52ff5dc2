"""What a clinic's staff must hear of at once: written down with what caused it, sent by email until it went."""

from service.alerts.record import RECENT, alert, hear_of_alert, is_about_alert
from service.alerts.sending import AlertRules, Alerts

__all__ = ["RECENT", "AlertRules", "Alerts", "alert", "hear_of_alert", "is_about_alert"]
