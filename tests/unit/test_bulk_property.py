"""Bulk messages: nobody hears in a room what that room would not have passed alone."""

from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from typing import Any

import anyio
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bytesocket_app import ByteSocket, Event, Refusal, Router, Socket
from bytesocket_app.declarations.rooms import Room
from bytesocket_app.errors import RequestError
from bytesocket_app.middleware import CallNext, Message
from bytesocket_app.testing import TestClient

NAMES = ("r0", "r1", "r2", "r3")
KINDS = ("relay", "pass", "swallow", "refuse", "replace", "change", "filter", "stop", "closed")
TEXTS = ("good", "bad", "rude")


class Note(Event, name="note"):
    """What is said in rooms."""

    text: str


@dataclass(frozen=True)
class Plan:
    """One run.

    Attributes:
        kinds: What each room does with a message.
        guarded: The rooms that the speaker may not join.
        rooms: The rooms of each listener.
        joined: The rooms that the speaker asks to join, all by themselves or together.
        together: True to ask by one message.
        named: The rooms in the message.
        text: What it says.
    """

    kinds: tuple[str, ...]
    guarded: frozenset[str]
    rooms: tuple[frozenset[str], ...]
    joined: frozenset[str]
    together: bool
    named: tuple[str, ...]
    text: str


def build(plan: Plan) -> ByteSocket:
    """Make the application."""
    app = ByteSocket(title="Bulk", events=[Note], serialization="json")
    for name, kind in zip(NAMES, plan.kinds, strict=True):
        router = Router()
        add_room(router.room(name), kind, guarded=name in plan.guarded)
        if kind in ("filter", "stop"):
            add_step(router, kind)
        app.include(router)
    return app


def add_room(room: Room, kind: str, *, guarded: bool) -> None:
    """Add a room's guard and handler."""
    if guarded:

        @room.guard
        async def guard(socket: Socket) -> None:
            if "x-speaker" in socket.handshake.headers:
                raise Refusal("Not you.", code="private")

    if kind in ("relay", "filter", "stop"):
        room.relay(Note)
        return

    @room.on(Note)
    async def handle(event: Note, room: str) -> Any:
        return moderated(kind, event, room)


def moderated(kind: str, event: Note, room: str) -> Any:
    """Do what a room's handler does with an event."""
    if kind == "closed" or (kind == "refuse" and event.text == "bad"):
        raise Refusal("Mind your words.", code="moderated")
    if kind == "change":
        event.text = event.text.replace("rude", "****")
    answers = {"swallow": "kept", "replace": Note(text=f"{room} says {event.text}")}
    return answers.get(kind)


def add_step(router: Router, kind: str) -> None:
    """Add the middleware of a room's router."""

    @router.middleware
    async def step(socket: Socket, message: Message, call_next: CallNext) -> None:
        data = message.data
        if kind == "stop" and data["text"] == "bad":
            return
        if kind == "filter":
            message = replace(message, data={"text": data["text"].replace("rude", "####")})
        await call_next(message)


async def heard(plan: Plan, named: Sequence[str]) -> list[list[tuple[tuple[str, ...], str]]]:
    """Send the message; returns what each listener hears: the rooms it names, and its text."""
    app = build(plan)
    async with AsyncExitStack() as stack:
        listeners = [await stack.enter_async_context(TestClient(app)) for _ in plan.rooms]
        for client, rooms in zip(listeners, plan.rooms, strict=True):
            for room in sorted(rooms):
                await client.join(room)
        speaker = await stack.enter_async_context(TestClient(app, headers={"x-speaker": "1"}))
        await join(speaker, plan)
        place = {"room": named[0]} if len(named) == 1 else {"rooms": list(named)}
        await speaker.send({"event": "note", "data": {"text": plan.text}, "id": 7, **place})
        await speaker.receive_message()
        return [await drained(client) for client in listeners]


async def join(speaker: TestClient, plan: Plan) -> None:
    """Join what may be joined."""
    if plan.together:
        await speaker.send({"type": 15, "rooms": sorted(plan.joined)})
        await speaker.receive_message()
        return
    for room in sorted(plan.joined):
        with suppress(RequestError):  # a guard's
            await speaker.join(room)


async def drained(client: TestClient) -> list[tuple[tuple[str, ...], str]]:
    """What a client has heard."""
    await client.send({"event": "end", "id": 99})
    found: list[tuple[tuple[str, ...], str]] = []
    while True:
        message = await client.receive_message()
        if message.get("id") == 99:
            return found
        rooms = (message["room"],) if "room" in message else tuple(message["rooms"])
        found.append((rooms, message["data"]["text"]))


async def check(plan: Plan) -> None:
    """Compare the message for several rooms with the same one for each of them alone."""
    alone = {name: await heard(plan, [name]) for name in dict.fromkeys(plan.named)}
    together = await heard(plan, plan.named)
    for index, mine in enumerate(together):
        passed = {
            (name, text) for name in alone for rooms, text in alone[name][index] if name in rooms
        }
        for rooms, text in mine:
            own = [name for name in rooms if name in plan.rooms[index]]
            assert own, (plan, index, rooms)
            # Each room that the message names, and that this listener is in, let this text through.
            assert all((name, text) in passed for name in own), (plan, index, rooms, text)
        # And what a room passes alone is heard, once.
        arrived = [(name, text) for rooms, text in mine for name in dict.fromkeys(rooms)]
        for one in passed:
            assert arrived.count(one) == 1, (plan, index, one)


def _subsets() -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(NAMES))


PLANS = st.builds(
    Plan,
    kinds=st.tuples(*[st.sampled_from(KINDS)] * len(NAMES)),
    guarded=st.frozensets(st.sampled_from(NAMES), max_size=2),
    rooms=st.tuples(_subsets(), _subsets()),
    joined=_subsets(),
    together=st.booleans(),
    named=st.lists(st.sampled_from(NAMES), min_size=2, max_size=6).map(tuple),
    text=st.sampled_from(TEXTS),
)

BOTH = frozenset({"r0", "r1"})


def _plan(*kinds: str, text: str, guarded: frozenset[str] = frozenset()) -> Plan:
    """Two rooms that all are in, if they may."""
    return Plan(
        kinds=(*kinds, "relay", "relay"),
        guarded=guarded,
        rooms=(BOTH, frozenset({"r0"})),
        joined=BOTH,
        together=False,
        named=("r0", "r1"),
        text=text,
    )


@settings(max_examples=100)
@given(plan=PLANS)
@example(plan=_plan("change", "relay", text="rude")).via("a room's change, undone by another room")
@example(plan=_plan("relay", "change", text="rude")).via("a room's change, in another room")
@example(plan=_plan("filter", "relay", text="rude")).via("a router's change, undone")
@example(plan=_plan("refuse", "relay", text="bad")).via("a moderator, walked around")
@example(plan=_plan("relay", "relay", text="good", guarded=frozenset({"r0"}))).via("a guard")
def test_nobody_hears_in_a_room_what_it_would_not_have_passed_alone(plan: Plan) -> None:
    anyio.run(check, plan)


@pytest.mark.anyio
@pytest.mark.parametrize("order", [("r0", "r1"), ("r1", "r0")])
async def test_a_room_s_change_of_a_bulk_message_is_its_own(order: tuple[str, str]) -> None:
    plan = Plan(
        kinds=("change", "relay", "relay", "relay"),
        guarded=frozenset(),
        rooms=(frozenset({"r0"}), frozenset({"r1"}), BOTH),
        joined=BOTH,
        together=False,
        named=order,
        text="rude",
    )
    first, second, both = await heard(plan, order)
    assert first == [(("r0",), "****")]
    assert second == [(("r1",), "rude")]
    assert sorted(both) == [(("r0",), "****"), (("r1",), "rude")]
