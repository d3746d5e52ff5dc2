"""The API: events in, health and metrics out. Every answer that is an error is problem+json with a stable code."""
