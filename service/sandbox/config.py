"""What a sandbox is started with. Every credential here is a toy: the sandbox holds test data only."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxConfig:
    now: Callable[[], datetime]
    """Wall time, aware UTC: `service.clock.now`, or a test's own."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free port; `ready` tells which."""

    account_sid: str = "AC" + "5a" * 16
    auth_token: str = "sandbox-auth-token"  # noqa: S105 - opens nothing but this simulator
    api_key: str = "SG.sandbox"
    webhook_private_key: str | None = None
    """PEM of a P-256 key that signs event webhooks; None makes one for this run."""

    event_webhooks: tuple[str, ...] = ()
    """Where SendGrid's events go: each address gets all of them."""
    inbound_webhook: str = ""
    """Where texts from phones are posted, unless a text names an address of its own."""
    callbacks: bool = True
    """False: no status callback and no event ever leaves; fetch and list still move on."""
    sent_after: float = 0.2
    """Seconds from acceptance to `sent` (SendGrid: to `deferred`)."""
    delivered_after: float = 1.0
    """Seconds from acceptance to the last word: `delivered`, `undelivered`, `bounce`."""
    batch_window: float = 0.05
    """Seconds for which due events gather into one webhook call."""
    retry_after: float = 1.0
    """Seconds before a refused event webhook is posted again; doubles each time, five tries."""

    ledger: Path | None = None
    """A file that gets one JSON line for each acceptance, refusal and fault; appended to, never rewritten."""
    faults: str = ""
    """Such as `reset-after=0.02,latency=5-50ms,429=0.01`: see `faults.parse_rules`."""
    seed: int = 0
    max_body: int = 30_000_000
    """Bytes of a request's body; more is refused with 413."""
    hang_for: float = 300.0
    """Seconds after which even a hanging connection is dropped."""
