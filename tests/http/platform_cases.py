"""The platform's routes, each with what a caller asks of it, for the matrix."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """One route: `names` says which of our things its address or body names, which another clinic tries."""

    scope: str
    names: tuple[str, ...] = ()
    query: str = ""
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    """What a key that may is answered where it names its own."""


def of_clinic(method: str, path: str = "") -> tuple[str, str]:
    return method, "/v1/clinics/{clinic}" + path


AURORA = {"id": "aurora", "name": "Aurora", "time_zone": "Europe/Dublin", "country": "IE", "phone": "+35312345678",
          "sms_from": "+447400123477"}  # fmt: skip
PLAIN = Case("platform")
PLATFORM_CASES: dict[tuple[str, str], Case] = {
    ("GET", "/v1/clinics"): PLAIN,
    ("POST", "/v1/clinics"): Case("platform", body=AURORA, status=201),
    of_clinic("GET"): PLAIN,
    of_clinic("PATCH"): Case("platform", body={"caps": {"care": {"most": 2, "days": 1}}}),
    of_clinic("POST", "/pause"): PLAIN,
    of_clinic("POST", "/resume"): PLAIN,
    of_clinic("GET", "/keys"): PLAIN,
    of_clinic("POST", "/keys"): Case("platform", body={"scopes": ["plans:read"]}, status=201),
    of_clinic("POST", "/keys/{prefix}/rotate"): Case("platform", ("prefix",), status=201),
    of_clinic("DELETE", "/keys/{prefix}"): Case("platform", ("prefix",), status=204),
    of_clinic("GET", "/locations"): PLAIN,
    of_clinic("PUT", "/locations/{location}"): Case("platform", body={"name": "Annexe"}),
    of_clinic("DELETE", "/locations/{location}"): Case("platform", ("location",), status=204),
    of_clinic("GET", "/senders"): PLAIN,
    of_clinic("PUT", "/senders/{medium}"): Case("platform", body={"daily_cap": 500}),
    of_clinic("POST", "/senders/{medium}/pause"): PLAIN,
    of_clinic("POST", "/senders/{medium}/resume"): PLAIN,
    of_clinic("GET", "/service-codes"): PLAIN,
    of_clinic("PUT", "/service-codes/{code}"): Case("platform", body={"protocol": "microneedling"}),
    of_clinic("GET", "/staff"): PLAIN,
    of_clinic("PUT", "/staff/{staff}"): Case("platform", body={"name": "Grace"}),
    of_clinic("POST", "/staff/{staff}/code"): Case("platform", ("staff",), body={"medium": "sms"}, status=404),
    of_clinic("POST", "/staff/{staff}/confirm"): Case("platform", ("staff",), body={"code": "000000"}, status=422),
    of_clinic("DELETE", "/staff/{staff}"): Case("platform", ("staff",), status=204),
}
"""In an order in which each can be done after the ones before it."""
