"""/v1/staff: who works for a clinic and how they are reached; and test messages, which go to them alone."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import Field

from service.acts.acts import Who
from service.authoring import TemplateBook
from service.http.auth import Caller, Keys
from service.http.manners import MOST, Body, allowed, body_as, body_of, problem, v1_router
from service.http.repeats import repeatable
from service.http.word_shapes import ConfirmedBody, MemberBody, StaffList, TestBody
from service.staff import Member, StaffBook, Trials
from service.types import Json, Medium, Sms

SCOPE = "operator"
"""Staff sign in to the console and confirm protocols: a key for words does not reach that far."""
_WORDS = "templates:write"
_OF_ONE: dict[int | str, Json] = {
    404: problem("This clinic has no such member of staff (`unknown-staff`), or no such address (`no-address`)."),
    409: problem(
        "A clinic keeps one owner (`last-owner`); whoever has the address told it to stop (`address-stopped`); "
        "its messages are held (`paused-by-hand`, `clinic-paused`, `many-new-numbers`)."
    ),
    429: problem("Enough was sent to them for now (`too-many-codes`, `too-many-tests`, `too-many-to-number`)."),
}


class Person(Body):
    """What is left out stays as it is. A new number or address is sent a code."""

    name: str | None = Field(None, max_length=80)
    role: str | None = None
    """`owner`, `editor` or `viewer`."""
    phone: str | None = Field(None, max_length=40)
    email: str | None = Field(None, max_length=254)


class Code(Body):
    code: str = Field(max_length=20)


class ByMedium(Body):
    medium: Medium = Field(strict=False)


class Test(Body):
    """`number`: a version, or 0 for what is sent now. `sample`: which sample client it is written to."""

    __test__ = False

    to: str = Field(max_length=40)
    number: int = Field(0, ge=0, le=MOST)
    sample: str = Field("ordinary", max_length=40)


_PERSON = body_of(Person, grace={"name": "Grace", "role": "editor", "phone": "+447400123457"})
_BY_MEDIUM = body_of(ByMedium, text={"medium": "sms"})
_CODE = body_of(Code, code={"code": "204816"})
_TEST = body_of(Test, now={"to": "grace"}, draft={"to": "grace", "number": 3})


def staff_router(people: StaffBook, trials: Trials, book: TemplateBook, keys: Keys) -> APIRouter:
    router = v1_router(tags=["Staff"], route_class=repeatable(keys, SCOPE))
    staff_routes(router, people, "/v1/staff", allowed(keys, SCOPE))
    tests = APIRouter(route_class=repeatable(keys, _WORDS))
    _testing(tests, trials, book, keys)
    router.include_router(tests)
    return router


def staff_routes(router: APIRouter, people: StaffBook, path: str, operator: Any) -> None:
    """Who works for the clinic of the `operator`, a caller as a dependency, at this address."""
    _people(router, people, path, operator)
    _confirming(router, people, path, operator)


def _people(router: APIRouter, people: StaffBook, path: str, operator: Any) -> None:
    @router.get(path, summary="List a clinic's staff", response_model=StaffList)
    async def list_staff(caller: Annotated[Caller, operator]) -> Json:
        return {"staff": [_member(one) for one in await people.all(caller.clinic)]}

    @router.put(f"{path}/{{id}}", summary="Add or change one", response_model=MemberBody, openapi_extra=_PERSON,
                responses=_OF_ONE)  # fmt: skip
    async def put_staff(request: Request, id: str, caller: Annotated[Caller, operator]) -> Json:  # noqa: A002
        given = await body_as(Person, request)
        member = await people.put(caller.clinic, id, **given.model_dump(), asked_by=_who(caller))
        return _member(member)

    @router.delete(f"{path}/{{id}}", summary="Take one off the staff", status_code=204, responses=_OF_ONE)
    async def remove_staff(id: str, caller: Annotated[Caller, operator]) -> Response:  # noqa: A002
        await people.remove(caller.clinic, id, _who(caller))
        return Response(status_code=204)


def _confirming(router: APIRouter, people: StaffBook, path: str, operator: Any) -> None:
    @router.post(f"{path}/{{id}}/code", summary="Send another code", response_model=MemberBody,
                 openapi_extra=_BY_MEDIUM, responses=_OF_ONE)  # fmt: skip
    async def send_code(request: Request, id: str, caller: Annotated[Caller, operator]) -> Json:  # noqa: A002
        wanted = await body_as(ByMedium, request)
        return _member(await people.send_code(caller.clinic, id, wanted.medium, _who(caller)))

    @router.post(f"{path}/{{id}}/confirm", summary="Read a code back", response_model=ConfirmedBody,
                 openapi_extra=_CODE, responses=_OF_ONE)  # fmt: skip
    async def confirm(request: Request, id: str, caller: Annotated[Caller, operator]) -> Json:  # noqa: A002
        code = await body_as(Code, request)
        confirmed = await people.confirm(caller.clinic, id, code.code, _who(caller))
        return {"confirmed": [medium.value for medium in confirmed]}


def _testing(router: APIRouter, trials: Trials, book: TemplateBook, keys: Keys) -> None:
    @router.post(
        "/v1/templates/{protocol}/{step}/{medium}/{locale}/test",
        summary="Send a test to a member of staff",
        tags=["Templates"],
        status_code=202,
        response_model=TestBody,
        response_model_exclude_none=True,
        openapi_extra=_TEST,
        responses=_OF_ONE,
    )
    async def test(request: Request, protocol: str, step: str, medium: str, locale: str) -> Json:
        """To the number or address that they have confirmed as their own; marked as a test, with sample values."""
        caller, key = await keys.caller(request, _WORDS), book.key(protocol, step, medium, locale)
        wanted = await body_as(Test, request)
        address, message = await trials.send(
            caller.clinic, key, wanted.to, number=wanted.number, sample=wanted.sample, asked_by=_who(caller)
        )
        shown = {"text": message.text} if isinstance(message, Sms) else {"subject": message.subject}
        return {"to": wanted.to, "address": _veiled(address), **shown}


def _veiled(address: str) -> str:
    """Enough for the staff to know which of theirs it is: a key for words is told nobody's number or address."""
    name, at, domain = address.partition("@")
    return f"{name[0]}...@{domain}" if at else f"...{address[-3:]}"


def _who(caller: Caller) -> str:
    return str(Who("key", caller.key))


def _member(member: Member) -> Json:
    addresses: dict[str, Any] = {
        medium.value: {"address": row.address, "confirmed_at": row.confirmed_at}
        for medium, row in member.addresses.items()
    }
    return {"id": member.id, "name": member.name, "role": member.role, "addresses": addresses}
