"""Clients' requests to join and leave rooms: 9, 12, 15 and 18 (protocol.md section 5)."""

import logging
import re
from typing import Any, Final

from bytesocket_app.declarations.rooms import DeclaredRooms, Room
from bytesocket_app.delivery.hub import BROADCAST_ROOM, Hub
from bytesocket_app.dispatch.answers import INTERNAL, TIMEOUT, error_context, send
from bytesocket_app.dispatch.step import Step
from bytesocket_app.errors import Phase, Refusal
from bytesocket_app.settings import Settings
from bytesocket_app.transports.http_errors import http_refusal
from bytesocket_app.wire.message_type import MessageType

logger = logging.getLogger("bytesocket")

PHASES: Final = {
    MessageType.JOIN_ROOM: Phase.JOIN_ROOM,
    MessageType.LEAVE_ROOM: Phase.LEAVE_ROOM,
    MessageType.JOIN_ROOMS: Phase.JOIN_ROOMS,
    MessageType.LEAVE_ROOMS: Phase.LEAVE_ROOMS,
}
"""The phase of each request; its success is the next number, its error the one after."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_JOINS: Final = {MessageType.JOIN_ROOM, MessageType.JOIN_ROOMS}


class MembershipRequests:
    """Decides and carries out membership requests. A bulk request is done as a whole or not."""

    def __init__(self, hub: Hub, rooms: DeclaredRooms, settings: Settings) -> None:
        self._hub = hub
        self._rooms = rooms
        self._limits = settings.limits
        self._policies = settings.policies
        self._guard_timeout = settings.timeouts.handler

    async def handle(self, step: Step, kind: MessageType, request: dict[str, Any]) -> None:
        """Carry out one request and answer it.

        Args:
            step: Whose request it is.
            kind: One of the four requests.
            request: The message, with `room` or `rooms` of the right shape.
        """
        target = _target(kind)
        names: list[str] = [request["room"]] if target == "room" else request["rooms"]
        step.request = {"kind": kind, "done": False, target: request[target]}
        step.start(PHASES[kind], self._guard_timeout)
        try:
            if kind in _JOINS:
                await self._join(step, list(dict.fromkeys(names)))
            else:
                await self._leave(step, list(dict.fromkeys(names)))
        except Refusal as refusal:
            self._refuse(step, refusal)
        except Exception as exc:
            refused = http_refusal(exc)
            if refused is None:
                logger.exception("guard of %r failed, %s", names, step.socket)
            self._refuse(step, refused or INTERNAL)
        else:
            self._confirm(step)
        finally:
            step.done()

    def overran(self, step: Step) -> None:
        """Answer a request that was cancelled: done is done, even if a room's hook was not."""
        if step.request["done"]:
            logger.error("hooks of %s took too long, %s", step.request, step.socket)
            self._confirm(step)
        else:
            logger.error("guard of %s took too long, %s", step.request, step.socket)
            self._refuse(step, TIMEOUT)

    def _confirm(self, step: Step) -> None:
        kind: MessageType = step.request["kind"]
        target = _target(kind)
        send(step.socket, {"type": kind + 1, target: step.request[target]})

    def _refuse(self, step: Step, refusal: Refusal) -> None:
        kind: MessageType = step.request["kind"]
        target = _target(kind)
        context = error_context(PHASES[kind], refusal)
        send(step.socket, {"type": kind + 2, target: step.request[target], "data": context})

    async def _join(self, step: Step, names: list[str]) -> None:
        self._check_counts(step, names)
        for name in names:
            found = self._permitted(name)
            if found is not None:
                room, texts = found
                await room.check(step.socket, name, room.parse(texts))
        if step.socket.is_closed:
            return  # while a guard was deciding: it has left all rooms, and enters none
        # All at once, and the hooks after: a hook that fails or hangs leaves no half of it.
        joined = [name for name in names if self._hub.index.join(step.socket, name)]
        step.request["done"] = True
        for name in joined:
            await self._rooms.joined(step.socket, name)

    async def _leave(self, step: Step, names: list[str]) -> None:
        for name in names:
            self._not_reserved(name)
            found = self._rooms.find(name)
            if found is not None and found[0].join == "server":
                raise Refusal(f"There is no room {name[:64]!r} to leave.", code="unknown_room")
        left = [name for name in names if self._hub.index.leave(step.socket, name)]
        step.request["done"] = True
        for name in left:
            await self._rooms.left(step.socket, name)

    def _permitted(self, name: str) -> tuple[Room, dict[str, str]] | None:
        self._not_reserved(name)
        found = self._rooms.find(name)
        if found is not None and found[0].join == "client":
            return found
        if found is None and self._policies.undeclared == "open":
            return None
        raise Refusal(f"There is no room {name[:64]!r} to join.", code="unknown_room")

    def _not_reserved(self, name: str) -> None:
        if name == BROADCAST_ROOM and self._policies.broadcast_room == "reserved":
            raise Refusal(f"There is no room {name!r} to join.", code="unknown_room")

    def _check_counts(self, step: Step, names: list[str]) -> None:
        limits = self._limits
        if limits.rooms_per_message and len(names) > limits.rooms_per_message:
            raise Refusal(
                f"{len(names)} rooms in one message; {limits.rooms_per_message} are allowed.",
                code="too_many_rooms",
            )
        new = [name for name in names if not self._hub.index.has(step.socket, name)]
        held = len(self._hub.rooms_of(step.socket)) + len(new)
        if new and limits.rooms_per_socket and held > limits.rooms_per_socket:
            raise Refusal(
                f"A connection may be in {limits.rooms_per_socket} rooms.", code="too_many_rooms"
            )
        for name in names:
            too_long = (
                limits.room_name_bytes
                and len(name.encode("utf-8", "replace")) > limits.room_name_bytes
            )
            if too_long or (limits.room_name_bytes and _CONTROL.search(name)):
                raise Refusal("That is no room's name.", code="unknown_room")


def _target(kind: MessageType) -> str:
    single = kind in {MessageType.JOIN_ROOM, MessageType.LEAVE_ROOM}
    return "room" if single else "rooms"
