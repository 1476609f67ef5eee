"""Questions to the other processes about the sockets of a room, and their answers.

A question is `[kind, number, room, True to name the sockets]`, for all nodes. Its answer, for the
one that asked, is `[kind, number, count, sockets, word]`: each socket as `[id, key]`; the word is
"more" if another part follows, "all" for the last one, "cut" if there are too many to name.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, cast

import anyio

from bytesocket_app.cluster import Node, NodeState
from bytesocket_app.cluster.channels import NODES, key_of_text, key_text, node_channel
from bytesocket_app.cluster.node import Kind
from bytesocket_app.types import UserKey

WAIT: Final = 0.5
"""Seconds to wait for the answers of the other processes."""

MOST: Final = 50_000
"""Sockets that one process names."""

PART: Final = 2000
"""Sockets in one part of an answer."""

LONGEST: Final = 64
"""Characters of a user's key, up to which `PART` sockets are named in one part."""

Members: TypeAlias = Iterable[tuple[str, UserKey | None]]
"""Ids and users' keys of sockets."""


@dataclass(frozen=True, slots=True)
class SocketPlace:
    """A socket in any process.

    Attributes:
        id: The UUID of the socket, for `app.socket(id)`.
        user_key: Its user's key; None without one.
        node: The process that it is in, the same as in `missing`; "" if there is no engine.
    """

    id: str
    user_key: UserKey | None
    node: str


@dataclass(frozen=True, slots=True)
class RoomCount:
    """Number of sockets in a room, over all processes.

    Attributes:
        sockets: The number.
        missing: Processes that did not answer in time, whose sockets are not counted.
    """

    sockets: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoomSockets:
    """Sockets in a room, over all processes.

    Attributes:
        sockets: The sockets.
        missing: Processes that did not answer in time, or not in full.
    """

    sockets: tuple[SocketPlace, ...]
    missing: tuple[str, ...]


@dataclass
class _Question:
    """A question on its way.

    Attributes:
        awaited: Nodes that have not answered in full.
        count: Sockets that were counted.
        named: Sockets that were named.
        changed: Set at each answer.
    """

    awaited: set[bytes]
    count: int = 0
    named: list[SocketPlace] = field(default_factory=list[SocketPlace])
    changed: anyio.Event = field(default_factory=anyio.Event)


class Asking:
    """This process' questions, and its answers to those of others.

    Args:
        node: This process among the others.
        members: Returns the members of a room in this process.
    """

    def __init__(self, node: Node, members: Callable[[str], Members]) -> None:
        self._node = node
        self._members = members
        self._number = 0
        self._questions: dict[int, _Question] = {}

    async def count(self, room: str) -> RoomCount:
        """Count the sockets of a room in all processes; waits for `WAIT` at most."""
        found = await self._ask(room, are_named=False)
        here = sum(1 for _ in self._members(room))
        return RoomCount(here + found.count, _names(found.awaited))

    async def sockets(self, room: str) -> RoomSockets:
        """Name the sockets of a room in all processes; waits for `WAIT` at most."""
        found = await self._ask(room, are_named=True)
        own = self._node.id.hex()
        here = [SocketPlace(name, key, own) for name, key in self._members(room)]
        return RoomSockets((*here, *found.named), _names(found.awaited))

    async def _ask(self, room: str, *, are_named: bool) -> _Question:
        node = self._node
        question = _Question({peer.node for peer in node.peers})
        if not question.awaited or node.state is NodeState.DOWN:
            return question
        self._number = number = self._number + 1
        self._questions[number] = question
        try:
            node.tell_all([Kind.ASKED, number, room, are_named])
            with anyio.move_on_after(WAIT):
                while question.awaited:
                    question.changed = anyio.Event()
                    await question.changed.wait()
        finally:
            del self._questions[number]
        return question

    def asked(self, node: bytes, channel: str, body: list[Any]) -> bool:
        """Answer a question; returns False if it is none."""
        match body:
            case [Kind.ASKED, int(number), str(room), bool(are_named)] if channel == NODES:
                for part in _parts(self._members(room), are_named=are_named):
                    self._node.tell(node, [Kind.ANSWER, number, *part])
                return True
            case _:
                return False

    def answered(self, node: bytes, channel: str, body: list[Any]) -> bool:
        """Take an answer, which may be too late; returns False if it is none."""
        if channel != node_channel(self._node.id):
            return False
        match body:
            case [Kind.ANSWER, int(number), int(count), list(), "more" | "all" | "cut"]:
                sockets = [_place(node, each) for each in cast("list[object]", body[3])]
            case _:
                return False
        if not 0 <= count <= 2**32 or None in sockets:
            return False
        question = self._questions.get(number)
        if question is None or node not in question.awaited:
            return True
        question.count += count
        question.named += filter(None, sockets)
        if body[4] == "all":
            question.awaited.discard(node)
        question.changed.set()
        return True


def _parts(members: Members, *, are_named: bool) -> Iterator[list[Any]]:
    """Divide an answer into parts that a broker takes."""
    found = list(members)
    if not are_named:
        yield [len(found), [], "all"]
        return
    part, size = list[Any](), 0
    for name, key in found[:MOST]:
        text = None if key is None else key_text(key)
        part.append([name, text])
        size += 1 + len(text or "") // LONGEST
        if size >= PART:
            yield [0, part, "more"]
            part, size = [], 0
    yield [0, part, "all" if len(found) <= MOST else "cut"]


def _place(node: bytes, each: Any) -> SocketPlace | None:
    match each:
        case [str(name), None]:
            return SocketPlace(name, None, node.hex())
        case [str(name), str(text)] if (key := key_of_text(text)) is not None:
            return SocketPlace(name, key, node.hex())
        case _:
            return None


def _names(nodes: set[bytes]) -> tuple[str, ...]:
    return tuple(sorted(node.hex() for node in nodes))
