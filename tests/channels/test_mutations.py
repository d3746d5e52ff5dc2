"""What providers sign is taken whole or not at all: with any one byte changed, left out or added it is refused.

Twilio signs names and values without what parts them: where that alone has gone from a field, the signature fits, and
either a field that we need is missing or nothing that we read has changed.
"""

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

from service.channels.base import CallbackRequest
from service.channels.sendgrid_email import SendGridEmail
from service.channels.twilio_sms import TwilioSms
from service.errors import BadInput, Forbidden
from service.types import Receipt
from tests.channels import test_sendgrid_email as letters
from tests.channels import test_twilio_sms as texts
from tests.channels.test_sendgrid_email import sendgrid
from tests.channels.test_twilio_sms import twilio

__all__ = ["sendgrid", "twilio"]


def mutations(genuine: bytes) -> Iterator[bytes]:
    for place in range(len(genuine)):
        yield genuine[:place] + bytes([genuine[place] ^ 1]) + genuine[place + 1 :]
        yield genuine[:place] + genuine[place + 1 :]
    yield genuine + b"0"


def test_a_text_with_any_byte_of_its_body_or_signature_changed_is_refused(twilio: TwilioSms) -> None:
    genuine = texts.status("sent")
    forged = [replace(genuine, body=body) for body in mutations(genuine.body)]
    (name,) = (name for name in genuine.headers if name.lower() == "x-twilio-signature")
    signature = base64.b64decode(genuine.headers[name])
    forged += [
        replace(genuine, headers={**genuine.headers, name: base64.b64encode(one).decode()})
        for one in mutations(signature)
    ]
    refuse_all(forged, lambda one: twilio.status_of(one, texts.NOW), twilio.status_of(genuine, texts.NOW))


def test_a_letters_event_with_any_byte_of_its_body_or_time_changed_is_refused(sendgrid: SendGridEmail) -> None:
    genuine = letters.GENUINE
    assert sendgrid.status_of(genuine, letters.NOW + timedelta(seconds=1))
    forged = [replace(genuine, body=body) for body in mutations(genuine.body)]
    forged += [
        letters.with_headers(timestamp=one.decode("latin-1"))
        for one in mutations(genuine.headers[letters.TIMESTAMP].encode())
    ]
    signature = base64.b64decode(genuine.headers[letters.SIGNATURE.lower()])
    forged += [letters.with_headers(signature=base64.b64encode(one).decode()) for one in mutations(signature)]
    refuse_all(forged, lambda one: sendgrid.status_of(one, letters.NOW), [])


def refuse_all(
    forged: list[CallbackRequest], read: Callable[[CallbackRequest], list[Receipt]], same: list[Receipt]
) -> None:
    """Refused, or read as what was signed, or as nothing."""
    assert len(forged) > 100
    codes: list[str] = []
    for one in forged:
        try:
            assert read(one) in (same, [])
        except (Forbidden, BadInput) as error:
            codes.append(error.code)
    assert set(codes) <= {"bad-signature", "unreadable-callback"}
    assert len(forged) - len(codes) <= 2
