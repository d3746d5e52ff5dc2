"""A provider simulator: Twilio's and SendGrid's HTTP from one real server, with faults on demand and a ledger.

    POST /2010-04-01/Accounts/{sid}/Messages.json     create; GET lists, GET .../Messages/{sid}.json fetches
    POST /v3/mail/send                                send mail
    GET  /                                            what arrived, for people
    GET  /sandbox/info                                address, credentials, the event webhook's public key
    GET  /sandbox/ledger?after=N                      the ledger's lines after N, as NDJSON
    GET  /sandbox/stats                               counts, duplicates, rates
    GET, POST, DELETE /sandbox/faults                 the rules in force; add some; clear all
    GET  /phone                                       a form that texts the clinic as a client, for people
    POST /sandbox/inbound                             a text from a phone, posted to the inbound webhook
    POST /sandbox/webhooks                            where SendGrid's events and texts from phones go
    GET  /sandbox/callbacks?after=N                   what was posted, and how it was answered
    GET  /sandbox/opt-outs, /sandbox/mails/{id}       who texted STOP; a mail's JSON as it came
    POST /sandbox/settle                              answers when no callback is on its way any more
    POST /sandbox/reset                               forget everything

It binds to loopback, asks no password for its own API, and keeps messages in plain text: for test data only.
"""

from service.sandbox.config import SandboxConfig
from service.sandbox.rules import FaultRuleError, parse_rules
from service.sandbox.simulator import serve

__all__ = ["FaultRuleError", "SandboxConfig", "parse_rules", "serve"]
