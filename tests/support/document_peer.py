"""Somebody in the document of `tests/apps/document`, frame by frame."""

import json
from contextlib import ExitStack, closing
from typing import Any

from tests.apps.document.documents import PLAN
from tests.support.server_process import RudePeer

APP = "tests.apps.document.app:app"
ROOM = f"doc:{PLAN}"


def until(peer: RudePeer, **members: Any) -> list[Any]:
    """Receive until a message has these members; all that came up to it."""
    messages: list[Any] = []
    while not messages or any(messages[-1].get(name) != members[name] for name in members):
        messages.append(json.loads(peer.receive()[1]))
    return messages


def open_document(stack: ExitStack, port: int, name: str, **how: Any) -> RudePeer:
    """Log in and join; the connection ends with the stack."""
    peer = stack.enter_context(closing(RudePeer(port, **how)))
    peer.send({"type": 4, "data": {"name": name, "secret": name[0].lower()}})
    peer.send({"type": 9, "room": ROOM})
    until(peer, type=10)
    return peer


def move(peer: RudePeer, position: int) -> None:
    """Move the cursor."""
    peer.send({"room": ROOM, "event": "doc:move", "data": {"position": position}})


def edit(peer: RudePeer, version: int) -> None:
    """Make an edit, and wait until it is done."""
    change = {"version": version, "start": 0, "end": 0, "text": "x"}
    peer.send({"room": ROOM, "event": "doc:edit", "data": change, "id": version})
    assert until(peer, id=version)[-1]["type"] == 32


def look(peer: RudePeer) -> None:
    """Ask for the document; the answer tells that what was sent before has been handled."""
    peer.send({"room": ROOM, "event": "doc:look", "id": "look"})
    until(peer, id="look")


def edited(version: int) -> dict[str, Any]:
    """What the others see of an edit of Ann's."""
    return {"version": version, "author": "Ann", "start": 0, "end": 0, "text": "x"}
