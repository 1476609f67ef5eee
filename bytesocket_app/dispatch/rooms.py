"""Guards of declared rooms, and hooks for joins and leaves."""

import logging
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

from anyio import move_on_after

from bytesocket_app.declarations.room_hooks import GUARDS_RAISE, RoomHook
from bytesocket_app.declarations.rooms import DeclaredRooms, Room
from bytesocket_app.delivery.turns import Call
from bytesocket_app.dispatch.step import Step
from bytesocket_app.errors import Phase, Refusal, UndeclaredAnswer
from bytesocket_app.event_loop import ends_everything
from bytesocket_app.lifecycle import Failures
from bytesocket_app.lifecycle.failures import leaf
from bytesocket_app.lifecycle.promises import meant_otherwise, meant_to_refuse, named
from bytesocket_app.logs import text_of
from bytesocket_app.settings import Limits
from bytesocket_app.signature import Bound
from bytesocket_app.socket import Socket

logger = logging.getLogger("bytesocket")


class RequestedRoom(NamedTuple):
    """A room of a request to join or to leave.

    Attributes:
        name: Its name.
        room: Its declaration; None for one that is not declared (`Policies.undeclared`).
        texts: The texts of the pattern's parameters.
    """

    name: str
    room: Room | None
    texts: dict[str, str]


class RoomHooks:
    """Runner of the guards of an application's rooms, and source of their hooks: a `RoomWatch`.

    Args:
        rooms: The declared rooms.
        failures: The boundary for their exceptions.
        app: The application, for functions that ask for it.
        timeout: Seconds that one hook may take; 0 for no limit. Guards have the time of their
            request.
    """

    def __init__(
        self, rooms: DeclaredRooms, failures: Failures, app: Any, timeout: float = 0
    ) -> None:
        self._rooms = rooms
        self._failures = failures
        self._app = app
        self._timeout = timeout

    async def ask(
        self, kind: RoomHook, step: Step, rooms: Sequence[RequestedRoom], *, whole: bool
    ) -> None:
        """Ask the guards whether a request may be carried out; raises the first exception of one.

        First those of all rooms that decide about the request as a whole; then for each room those
        of all rooms, and its own.

        Args:
            kind: Whether it is a join or a leave.
            step: The current step.
            rooms: The rooms to ask about.
            whole: False to leave out those that decide about the request as a whole, as it will be
                refused anyway.

        Raises:
            Refusal: A part of a name is not its parameter's own text, or what a guard refuses.
            UndeclaredAnswer: A guard returned False or the like, which is meant as a refusal and
                is none, or refused with data of another type than declared; or it returned
                something else, or has not declared the code, and the application is strict.
        """
        every, app, socket = self._rooms.every, self._app, step.socket
        names = [each.name for each in rooms]
        what = "all rooms"
        for bound in every.hooks(kind, whole=True) if whole and names else ():
            await self._decide(bound, step, what, every.refusals, (socket, None, [*names], app))
        for name, room, texts in rooms:
            for bound in every.hooks(kind, whole=False):
                await self._decide(bound, step, what, every.refusals, (socket, name, [*names], app))
            own = () if room is None else room.hooks(kind)
            if room is not None and own:
                values = (socket, None, name, app, *room.parse(texts))
                for bound in own:
                    await self._decide(bound, step, repr(room.pattern.text), room.refusals, values)

    async def _decide(
        self,
        bound: Bound,
        step: Step,
        of: str,
        raises: Iterable[type[Refusal]],
        values: Sequence[Any],
    ) -> None:
        """Ask one guard, unless one of those before removed it; raises what `ask` does."""
        if bound.is_removed:
            return
        step.source = bound.source
        what = f"guard {bound.source} of {of}"
        try:
            value = await bound.invoke(*values)
        except BaseException as exc:
            other = self._failures.compared(exc, what, raises, step.socket)
            if other is not exc:
                raise other from leaf(exc)
            raise
        if meant_to_refuse(value):
            raise UndeclaredAnswer(f"{what} returned {named(value)}: {GUARDS_RAISE}")
        if value is not None:
            self._failures.promises.unread("a guard", bound.source, value, GUARDS_RAISE)

    def joined(self, socket: Socket[Any], room: str) -> list[Call]:
        """Take the join hooks of a room, for their calls in turn."""
        return self._calls(RoomHook.JOIN, Phase.JOIN_ROOM, socket, room)

    def left(self, socket: Socket[Any], room: str) -> list[Call]:
        """Take the leave hooks of a room, for their calls in turn."""
        return self._calls(RoomHook.LEAVE, Phase.LEAVE_ROOM, socket, room)

    def _calls(self, kind: RoomHook, phase: Phase, socket: Socket[Any], name: str) -> list[Call]:
        found = self._rooms.find(name)
        if found is None:
            return []
        room, texts = found
        hooks = room.hooks(kind)
        try:
            parameters = room.parse(texts) if hooks else ()
        except Refusal as refusal:  # joined before a function said the parameter's type
            logger.error(  # noqa: TRY400 - it says all
                "hooks of room %r are not called%s, %s", room.pattern.text, text_of(refusal), socket
            )
            return []
        return [
            partial(self._call, room, bound, phase, socket, name, parameters) for bound in hooks
        ]

    async def _call(
        self,
        room: Room,
        bound: Bound,
        phase: Phase,
        socket: Socket[Any],
        name: str,
        parameters: Sequence[Any],
    ) -> None:
        if bound.is_removed:  # by one of those before
            return
        what = f"hook {bound.source} of room {room.pattern.text!r}"
        try:
            with move_on_after(self._timeout or None) as scope:
                value = await bound.invoke(socket, None, name, self._app, *parameters)
                if value is False or meant_otherwise(value):
                    remedy = meant_otherwise(value) or "nothing is refused by it, guards do that."
                    self._failures.promises.unread("a room's hook", bound.source, value, remedy)
        except BaseException as exc:  # noqa: BLE001 - ends in the boundary
            if ends_everything(exc):
                logger.warning("%s was cut off, %s", what, socket)
            await self._failures.end(exc, phase, what, socket=socket)
        else:
            if scope.cancelled_caught:
                error = TimeoutError(f"{what} took longer than {self._timeout:g} s")
                await self._failures.late(phase, what, error, socket=socket)


def check_number(rooms: Sequence[str], limits: Limits) -> None:
    """Refuse a message that names too many rooms.

    Raises:
        Refusal: There are more than `Limits.rooms_per_message`; the code is "too_many_rooms".
    """
    most = limits.rooms_per_message
    if most and len(rooms) > most:
        raise Refusal(
            f"{len(rooms)} rooms in one message; {most} are allowed.", code="too_many_rooms"
        )
