"""POST /v1/events: CloudEvents 1.0 in structured JSON, one or a batch.

One event: 201 when it is new, 200 with the same plan when it is known. A batch: 207 with one result an item, in order;
a bad item stops no other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from service import clock, metrics
from service.errors import AftercareError, Conflict, Problem
from service.events import Event, event_from, parse_json
from service.http.auth import Keys
from service.http.event_docs import event_docs
from service.http.manners import TooLarge, read_body, refuse_unknown
from service.http.problems import problem_json
from service.http.refusals import Refusals
from service.intake.answer import Taken
from service.intake.group import Intake
from service.types import Json


@dataclass(frozen=True, slots=True)
class EventLimits:
    """Sizes are bytes."""

    body: int
    batch: int
    future_tolerance: timedelta


def events_router(intake: Intake, keys: Keys, limits: EventLimits) -> APIRouter:
    router, refusals = APIRouter(), Refusals(keys.database)

    @router.post("/v1/events", summary="Report events", status_code=201, tags=["Events"], **event_docs())
    async def post_events(request: Request) -> Response:
        caller = await keys.caller(request, "events:write")
        await refuse_unknown(request)
        body, value = await read_body(request, limits.body, ": send fewer events"), None
        try:
            value = parse_json(body)
            if isinstance(value, list):
                answers = await _take_batch(intake, caller.clinic, value, limits, clock.now())
            else:
                answer = await _take_one(intake, caller.clinic, value, limits)
        except AftercareError as error:
            await refusals.note(caller.clinic, [(value, error)])
            raise
        if not isinstance(value, list):
            return _json(201 if answer.created else 200, answer.as_json())
        refused = [(one, found) for one, found in zip(value, answers, strict=True) if isinstance(found, AftercareError)]
        await refusals.note(caller.clinic, refused)
        return _json(207, {"results": [_result(one) for one in answers]})

    return router


async def _take_one(intake: Intake, clinic: str, value: Any, limits: EventLimits) -> Taken:
    event = _counted(event_from, value, received_at=clock.now(), future_tolerance=limits.future_tolerance)
    (answer,) = await intake.answers(clinic, [event])
    _count(event, answer)
    if isinstance(answer, AftercareError):
        raise answer
    return answer


async def _take_batch(
    intake: Intake, clinic: str, values: Sequence[Any], limits: EventLimits, received_at: datetime
) -> list[Taken | AftercareError]:
    """One answer an item, in order."""
    if len(values) > limits.batch:
        raise TooLarge(Problem("batch-too-large", "body", f"a batch holds at most {limits.batch} events"))
    checked = [_checked(value, f"[{number}]", limits, received_at) for number, value in enumerate(values)]
    events = [event for event in checked if isinstance(event, Event)]
    answers = iter(await intake.answers(clinic, events))
    return [one if isinstance(one, AftercareError) else _counting(one, next(answers)) for one in checked]


def _checked(value: Any, where: str, limits: EventLimits, received_at: datetime) -> Event | AftercareError:
    try:
        return _counted(
            event_from, value, received_at=received_at, future_tolerance=limits.future_tolerance, where=where
        )
    except AftercareError as error:
        return error


def _counted(read: Any, value: Any, **how: Any) -> Event:
    """Read an event; one that is refused is counted as such."""
    try:
        event: Event = read(value, **how)
    except AftercareError:
        metrics.event_taken("other", "refused")
        raise
    return event


def _counting(event: Event, answer: Taken | AftercareError) -> Taken | AftercareError:
    _count(event, answer)
    return answer


def _count(event: Event, answer: Taken | AftercareError) -> None:
    if isinstance(answer, AftercareError):
        metrics.event_taken(event.type, "conflict" if isinstance(answer, Conflict) else "refused")
    elif not answer.created:
        metrics.event_taken(event.type, "repeated")
    else:
        metrics.event_taken(event.type, "unmapped" if answer.standing == "unmapped" else "recorded")


def _result(answer: Taken | AftercareError) -> Json:
    if isinstance(answer, AftercareError):
        return problem_json(answer.status, answer.problems)
    return {"status": 201 if answer.created else 200, **answer.as_json()}


def _json(status: int, body: Json) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
