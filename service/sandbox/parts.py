"""The sandbox's parts, built once and handed around together."""

from dataclasses import dataclass
from typing import Any

from service.sandbox.callbacks import StatusCallbacks
from service.sandbox.config import SandboxConfig
from service.sandbox.courier import Courier
from service.sandbox.events import EventFeed
from service.sandbox.faults import Faults
from service.sandbox.ledger import Ledger
from service.sandbox.rules import parse_rules
from service.sandbox.sendgrid import SendGrid
from service.sandbox.twilio import Twilio


@dataclass(frozen=True, slots=True)
class Parts:
    config: SandboxConfig
    ledger: Ledger
    faults: Faults
    courier: Courier
    callbacks: StatusCallbacks
    feed: EventFeed
    twilio: Twilio
    sendgrid: SendGrid

    def info(self, url: str) -> dict[str, Any]:
        """What a client needs in order to talk to the sandbox at this address."""
        return {
            "url": url,
            "twilio_account_sid": self.config.account_sid,
            "twilio_auth_token": self.config.auth_token,
            "sendgrid_api_key": self.config.api_key,
            "sendgrid_webhook_key": self.feed.signer.public_key,
        }

    def reset(self) -> None:
        """As just started: no messages, opt-outs or suppressions, the first faults; the ledger's file stays."""
        self.courier.reset()
        self.feed.reset()
        self.ledger.reset()
        self.faults.restart(parse_rules(self.config.faults))
        self.twilio.reset()
        self.sendgrid.reset()

    async def close(self) -> None:
        await self.courier.close()
        self.ledger.close()


def assemble(config: SandboxConfig) -> Parts:
    """Raises FaultRuleError for faults that cannot be read, OSError where the ledger's file cannot be had."""
    faults = Faults(parse_rules(config.faults), config.seed)
    courier = Courier(config.now)
    callbacks, feed = StatusCallbacks(config, courier), EventFeed(config, courier)
    ledger = Ledger(config.ledger, config.now)
    twilio = Twilio(config, ledger, faults, callbacks)
    sendgrid = SendGrid(config, ledger, faults, feed)
    return Parts(config, ledger, faults, courier, callbacks, feed, twilio, sendgrid)
