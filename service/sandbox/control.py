"""The sandbox's own API under /sandbox, for tests and for people: faults, ledger, statistics, texts from phones."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

import orjson

from service.sandbox.page import phone_page
from service.sandbox.parts import Parts
from service.sandbox.rules import FaultRuleError, Rule, parse_rules, rule_from
from service.sandbox.wire import Answer, Request, json_answer, parse_form

Given: TypeAlias = Answer | Coroutine[Any, Any, Answer]

_NDJSON = "application/x-ndjson"
_NOWHERE = json_answer({"error": "there is nothing at this address"}, 404)


class ControlError(ValueError):
    """A control request that cannot be used; the message says why."""


class Control:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.url = ""
        self._inbound_webhook = parts.config.inbound_webhook
        self._routes: dict[tuple[bytes, str], Callable[[Request], Given]] = {
            (b"GET", "info"): lambda _: json_answer(parts.info(self.url)),
            (b"GET", "ledger"): lambda request: Answer(200, parts.ledger.after(_after(request)), _NDJSON),
            (b"GET", "stats"): lambda _: json_answer(parts.ledger.stats() | {"callbacks": parts.courier.stats()}),
            (b"GET", "callbacks"): self._deliveries,
            (b"GET", "opt-outs"): lambda _: json_answer(parts.twilio.opt_outs()),
            (b"GET", "faults"): lambda _: json_answer(parts.faults.as_json()),
            (b"POST", "faults"): self._add_faults,
            (b"DELETE", "faults"): self._clear_faults,
            (b"POST", "inbound"): lambda request: self._inbound(_fields(request)),
            (b"POST", "phone"): self._phone,
            (b"POST", "webhooks"): lambda request: self._listen(_fields(request)),
            (b"POST", "settle"): self._settle,
            (b"POST", "reset"): self._forget,
        }

    def handle(self, request: Request) -> Given:
        name = request.path.removeprefix("/sandbox/")
        try:
            if request.method == b"GET" and name.startswith("mails/"):
                return self._mail(name.removeprefix("mails/"))
            route = self._routes.get((request.method, name))
            return _NOWHERE if route is None else route(request)
        except (ControlError, FaultRuleError) as error:
            return json_answer({"error": str(error)}, 400)

    def _mail(self, message: str) -> Answer:
        payload = self._parts.sendgrid.payload(message)
        return _NOWHERE if payload is None else Answer(200, payload)

    def _deliveries(self, request: Request) -> Answer:
        after = _after(request)
        return json_answer([delivery for delivery in self._parts.courier.deliveries() if delivery["n"] > after])

    def _add_faults(self, request: Request) -> Answer:
        """One rule, a list of rules, or `{"spec": "reset-after=0.02"}`; they come before those in force."""
        self._parts.faults.add(_rules_in(_loaded(request)))
        return json_answer(self._parts.faults.as_json())

    def _clear_faults(self, _: Request) -> Answer:
        self._parts.faults.clear()
        return json_answer([])

    def _forget(self, _: Request) -> Answer:
        self._parts.reset()
        self._inbound_webhook = self._parts.config.inbound_webhook
        return json_answer({})

    def _inbound(self, fields: dict[str, Any]) -> Given:
        """A text from a phone: `from`, `body`, and `to` or `service`; `media` counts its pictures, `sid` sends the same
        one again, `url` posts it elsewhere than to the inbound webhook."""
        url = str(fields.get("url") or self._inbound_webhook)
        if not url:
            raise ControlError("no inbound webhook is set: start with --inbound-to, or send 'url'")
        if not fields.get("to") and not fields.get("service"):
            raise ControlError("'to' or 'service' is missing: whom the person texts")
        form = self._parts.twilio.hear(
            number=_needed(fields, "from"),
            to=str(fields.get("to") or ""),
            service=str(fields.get("service") or ""),
            body=str(fields.get("body") or ""),
            sid=str(fields.get("sid") or ""),
            media=str(fields.get("media") or 0),
        )
        return self._post_inbound(url, form)

    async def _post_inbound(self, url: str, form: dict[str, str]) -> Answer:
        reply = await self._parts.callbacks.post(url, form, "inbound")
        return json_answer({"sid": form["MessageSid"], "status": reply.status, "answer": reply.text})

    async def _phone(self, request: Request) -> Answer:
        """The same from the form of the page for people, which says what came of it."""
        fields = parse_form(request.body)
        try:
            answered = await _given(self._inbound(fields))
        except ControlError as error:
            return phone_page(fields, str(error))
        told = orjson.loads(answered.body)
        return phone_page(fields, f"Answered with {told['status']}: {told['answer'] or 'no words'}")

    def _listen(self, fields: dict[str, Any]) -> Answer:
        """`{"sendgrid": [address, ...], "inbound": address}`: where events and texts from phones go from now on."""
        addresses = fields.get("sendgrid", list(self._parts.feed.addresses))
        inbound = fields.get("inbound", self._inbound_webhook)
        if not isinstance(addresses, list) or not all(isinstance(address, str) for address in addresses):
            raise ControlError("'sendgrid' is a list of addresses")
        if not isinstance(inbound, str):
            raise ControlError("'inbound' is an address")
        self._parts.feed.addresses, self._inbound_webhook = tuple(addresses), inbound
        return json_answer({"sendgrid": addresses, "inbound": inbound})

    async def _settle(self, _: Request) -> Answer:
        """Answers once every callback that is on its way has gone out, retries included."""
        await self._parts.courier.settled()
        return json_answer(self._parts.courier.stats())


async def _given(given: Given) -> Answer:
    return given if isinstance(given, Answer) else await given


def _rules_in(value: Any) -> list[Rule]:
    match value:
        case {"spec": str(spec)}:
            return parse_rules(spec)
        case dict():
            return [rule_from(value)]
        case list() if all(isinstance(fields, dict) for fields in value):
            return [rule_from(fields) for fields in value]
        case _:
            raise ControlError("send one rule, a list of rules, or {'spec': 'fault=probability'}")


def _loaded(request: Request) -> Any:
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise ControlError("the body is not JSON") from error


def _fields(request: Request) -> dict[str, Any]:
    fields = _loaded(request)
    if not isinstance(fields, dict):
        raise ControlError("the body is not a JSON object")
    return fields


def _needed(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise ControlError(f"'{name}' is missing")
    return value


def _after(request: Request) -> int:
    text = parse_form(request.query.encode()).get("after", "0")
    if not text.isdecimal():
        raise ControlError("'after' is a line's number")
    return int(text)
