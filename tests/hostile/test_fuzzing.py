"""Broken frames from decoding to dispatch: each is handled, ignored, or closes its connection."""

import logging
import random
from datetime import datetime
from typing import Literal
from uuid import UUID

import anyio.lowlevel
import pytest
from pydantic import BaseModel

from bytesocket_app import ByteSocket, ClientEvent, Event, Settings
from bytesocket_app.testing import TestClient
from tests.support.fuzzing import frames, mutated

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]  # traced, they take thrice as long

FRAMES = 5_000
"""Frames of one run in the ordinary suite, of which there are four: two loops, two settings."""
MANY = 250_000
"""The same behind the marker, a million together."""
SETTINGS = pytest.mark.parametrize(
    "settings", [Settings(), Settings.drop_in()], ids=["safe", "drop-in"]
)


class Note(Event, name="note"):
    n: int


class A(BaseModel):
    kind: Literal["a"]
    n: int


class B(BaseModel):
    kind: Literal["b"]
    at: datetime


class Order(ClientEvent, name="order"):
    items: list[A | B]
    by: dict[str, list[float | None]]
    key: UUID


@pytest.mark.anyio
@SETTINGS
async def test_broken_frames_are_handled_ignored_or_closed(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    await fuzz(settings, caplog, FRAMES, seed=2)


@pytest.mark.anyio
@pytest.mark.nightly
@SETTINGS
async def test_a_million_broken_frames(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    await fuzz(settings, caplog, MANY, seed=random.randrange(2**32))


async def fuzz(settings: Settings, caplog: pytest.LogCaptureFixture, count: int, seed: int) -> None:
    """Send broken frames; a failure names the seed."""
    caplog.set_level(logging.ERROR, "bytesocket")
    app = ByteSocket(title="Fuzz", events=[Note, Order], settings=settings)
    rng, corpus = random.Random(seed), frames()
    app.room("lobby").relay(Note)
    app.room("doc:{number}").on(Note)(no_op)
    app.on(Note)(no_op)
    app.on(Order)(no_op)
    sent = ended = 0
    while sent < count:
        async with TestClient(app) as client:
            await client.send({"type": 9, "room": "lobby"})
            while client.closed is None and sent < count:
                frame = mutated(rng.choice(corpus), rng)
                as_text = rng.random() < 0.5
                await client.send_raw(frame.decode("utf-8", "replace") if as_text else frame)
                sent += 1
                await anyio.lowlevel.checkpoint()
            ended += client.closed is not None
    assert ended > count // 100, seed
    found = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert found == [], seed
    assert (app.sockets(), len(app.memberships.index)) == ([], 0), seed


async def no_op() -> None:
    """Handle an event by doing nothing."""
