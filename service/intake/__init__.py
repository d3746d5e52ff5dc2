"""Intake: record an event once, plan, save. API, command line, import and brokers all come through here."""
