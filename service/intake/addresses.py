"""Phone numbers and email addresses as clinics write them: made usable, or stored with the reason why not."""

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import NumberParseException, PhoneNumberType

from service.values import value_type

_NOT_TEXTABLE = {
    PhoneNumberType.PREMIUM_RATE: "premium-number",
    PhoneNumberType.SHARED_COST: "premium-number",
    PhoneNumberType.FIXED_LINE: "landline",
    PhoneNumberType.PAGER: "not-textable",
    PhoneNumberType.UAN: "not-textable",
    PhoneNumberType.VOICEMAIL: "not-textable",
    PhoneNumberType.TOLL_FREE: "not-textable",
}

SENTENCES = {
    "not-a-number": "this is no phone number: SMS to this client is off until it is corrected",
    "invalid-number": "no such phone number can exist: SMS to this client is off until it is corrected",
    "premium-number": "this is a premium-rate number: we do not text it",
    "landline": "this is a landline: SMS to this client is off",
    "not-textable": "this kind of number takes no texts: SMS to this client is off",
    "invalid-email": "this is no email address: email to this client is off until it is corrected",
}


@value_type
class Address:
    """`value` is the E.164 number or the normalised email address, None where `problem` says why not."""

    value: str | None
    problem: str = ""


def phone_address(given: str, country: str) -> Address:
    """Read a number; one without an international prefix is taken to be of `country` (ISO 3166, `GB`)."""
    try:
        number = phonenumbers.parse(given, country)
    except NumberParseException:
        return Address(None, "not-a-number")
    kind = phonenumbers.number_type(number)  # unknown is what no plan of any country knows: asking twice costs twice
    if kind == PhoneNumberType.UNKNOWN:
        return Address(None, "invalid-number")
    problem = _NOT_TEXTABLE.get(kind)
    if problem:
        return Address(None, problem)
    return Address(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def email_address(given: str) -> Address:
    """Check the form of an address; whether it takes mail only a provider can tell."""
    try:
        found = validate_email(given, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return Address(None, "invalid-email")
    # No mailbox anywhere tells capitals apart, and one that was opted out must be known again however it is written.
    return Address(found.normalized.lower())
