"""What FastAPI alone costs: a route that reads an event's envelope, checks nothing further, and stores nothing."""

import os
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Envelope(BaseModel):
    specversion: str
    id: str
    source: str
    type: str
    data: dict[str, Any]


@app.post("/v1/events", status_code=201)
async def post_event(event: Envelope) -> dict[str, str]:
    return {"id": event.id, "source": event.source, "result": "read"}


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["PORT"]), access_log=False, log_level="error", loop="uvloop", http="httptools")
