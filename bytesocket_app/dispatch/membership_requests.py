"""Clients' requests to join and leave rooms: 9, 12, 15 and 18 (protocol.md section 5)."""

import re
from typing import Any, Final

from bytesocket_app.declarations.room_hooks import RoomHook
from bytesocket_app.delivery.removals import answered, hold
from bytesocket_app.dispatch.answers import TIMEOUT, close_for, send
from bytesocket_app.dispatch.rates import Rates
from bytesocket_app.dispatch.rooms import RequestedRoom, RoomHooks, check_number
from bytesocket_app.dispatch.runtime import Runtime
from bytesocket_app.dispatch.step import MembershipRequest, Step
from bytesocket_app.errors import Phase, Refusal
from bytesocket_app.logs import shown
from bytesocket_app.rooms import BROADCAST_ROOM
from bytesocket_app.telemetry import Count
from bytesocket_app.wire import JSON
from bytesocket_app.wire.message_type import JOINS, MessageType
from bytesocket_app.wire.shapes import SINGLE, error_context, membership_error, membership_success

PHASES: Final = {
    MessageType.JOIN_ROOM: Phase.JOIN_ROOM,
    MessageType.LEAVE_ROOM: Phase.LEAVE_ROOM,
    MessageType.JOIN_ROOMS: Phase.JOIN_ROOMS,
    MessageType.LEAVE_ROOMS: Phase.LEAVE_ROOMS,
}
"""The phase of each request; its success is the next number, its error the one after."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_QUOTES: Final = 3
"""Bytes of a name's quotes and comma in JSON."""
_ESCAPE: Final = 6
"""Bytes of a character in JSON, at most: an escaped one."""


class MembershipRequests:
    """Handler of membership requests; a bulk request succeeds or fails as a whole.

    Args:
        runtime: The parts of the application.
        hooks: The guards and hooks of rooms.
        rates: Counts the joins.
    """

    def __init__(self, runtime: Runtime, hooks: RoomHooks, rates: Rates) -> None:
        self._rates = rates
        self._memberships = runtime.memberships
        self._rooms = runtime.rooms
        self._hooks = hooks
        self._failures = runtime.lifecycle.failures
        self._presence = runtime.presence
        self._limits = runtime.settings.limits
        self._policies = runtime.settings.policies
        self._guard_timeout = runtime.settings.timeouts.handler
        self._telemetry = runtime.telemetry
        limits = self._limits
        # A connection may join all its rooms by one message, and each name has its quotes.
        most = max(limits.rooms_per_message, limits.rooms_per_socket)
        is_bounded = limits.rooms_per_message and limits.rooms_per_socket
        self._names_bytes = most * (limits.room_name_bytes + _QUOTES) + 2 if is_bounded else 0

    async def handle(self, step: Step, kind: MessageType, message: dict[str, Any]) -> None:
        """Carry out one request and answer it.

        Args:
            step: The current step.
            kind: The type of the request.
            message: The message, with a valid `room` or `rooms`.
        """
        named = [message["room"]] if kind in SINGLE else message["rooms"]
        if self._are_too_long(named):
            close_for(step, self._telemetry, "room names too long")
            return
        request = step.request = MembershipRequest(kind, named)
        request.wants_presence = kind in JOINS and message.get("presence") is True
        names = list(dict.fromkeys(named))
        if kind in JOINS:
            refusal = self._rates.refusal_of_join(step, len(names))
            if refusal is not None:
                self._refuse(step, request, refusal)
                self._rates.note(step)
                return
        step.start(PHASES[kind], self._guard_timeout)
        try:
            if kind in JOINS:
                await self._join(step, request, names)
            else:
                await self._leave(step, request, names)
        except BaseException as exc:  # noqa: BLE001 - ends in the boundary
            await self._failures.end(
                exc,
                PHASES[kind],
                f"guard of {self._rooms.shown(names)}",
                socket=step.socket,
                answer=lambda refusal: self._refuse(step, request, refusal),
            )
        else:
            self._confirm(step, request)
        finally:
            step.done()

    async def overran(self, step: Step) -> None:
        """Answer a request that took too long: yes if the memberships changed before, else no.

        A request that was answered when it was cancelled is not answered again.
        """
        request = step.request
        if request is None:
            return
        phase, done = PHASES[request.kind], request.is_done
        self._telemetry.count(Count.LATE, socket=step.sending.socket_id, phase=phase.value)

        def answer() -> None:
            if done:
                self._confirm(step, request)
            else:
                self._refuse(step, request, TIMEOUT)

        what = (
            f"{'hooks' if done else f'guard {step.source}'} of {self._rooms.shown(request.rooms)}"
        )
        error = TimeoutError(f"{what} took longer than {self._guard_timeout:g} s")
        await self._failures.late(phase, what, error, socket=step.socket, answer=answer)
        if done:
            await self._memberships.tell_rest(step.socket, request.rooms)

    def _are_too_long(self, names: list[str]) -> bool:
        """Return True for names that could not be rooms, and that the answer would repeat."""
        if not (self._limits.room_name_bytes and self._names_bytes):
            return False
        letters, most = sum(map(len, names)), self._names_bytes
        if letters + _QUOTES * len(names) > most:
            return True
        if _ESCAPE * letters + _QUOTES * len(names) <= most:
            return False
        return len(JSON.encode(names)) > most

    def _confirm(self, step: Step, request: MembershipRequest) -> None:
        send(step.sending, membership_success(request.kind, request.rooms))
        if step.sending.unanswered is not None:
            self._answered(step)
        if request.wants_presence:
            rooms = dict.fromkeys(request.rooms)
            self._presence.watch(step.socket, step.sending, rooms)

    def _answered(self, step: Step) -> None:
        """Tell what happened between a join and its answer."""
        answered(step.sending, lambda room: self._memberships.has(step.socket, room))

    def _refuse(self, step: Step, request: MembershipRequest, refusal: Refusal) -> None:
        step.done()  # error hooks that follow are no part of it
        step.request = None
        step.outcome = refusal.code
        kind = request.kind
        context = error_context(PHASES[kind], refusal)
        send(step.sending, membership_error(kind, request.rooms, context))
        self._answered(step)

    async def _join(self, step: Step, request: MembershipRequest, names: list[str]) -> None:
        self._check_names(step, names)
        rooms, impossible = self._joinable(step, names)
        await self._hooks.ask(RoomHook.GUARD, step, rooms, whole=impossible is None)
        if impossible is not None:
            raise impossible
        if not self._memberships.fits(names, self._limits.rooms):
            raise Refusal("The server cannot have more rooms.", code="too_many_rooms")
        # Join all rooms, then run the hooks: if one fails, the request is still done as a whole.
        entered = self._memberships.enter(step.socket, names)
        request.is_done = True
        if self._memberships.waits(step.socket):
            hold(step.sending, names)
        await self._memberships.settled(entered)
        await self._memberships.tell(step.socket, entered)

    async def _leave(self, step: Step, request: MembershipRequest, names: list[str]) -> None:
        check_number(names, self._limits)
        found = [self._leavable(name) for name in names]
        # Of others there is nothing to leave, and nobody who needs to be asked.
        held = [each for each in found if self._memberships.has(step.socket, each.name)]
        await self._hooks.ask(RoomHook.LEAVE_GUARD, step, held, whole=True)
        # What server code joined meanwhile comes after this request.
        left = self._memberships.exit(step.socket, [each.name for each in held])
        request.is_done = True
        await self._memberships.tell(step.socket, left)

    def _joinable(self, step: Step, names: list[str]) -> tuple[list[RequestedRoom], Refusal | None]:
        """Return the rooms up to the first that cannot be joined, and its refusal, if any."""
        rooms: list[RequestedRoom] = []
        for name in names:
            try:
                rooms.append(self._permitted(step, name))
            except Refusal as refusal:
                return rooms, refusal
        return rooms, None

    def _permitted(self, step: Step, name: str) -> RequestedRoom:
        self._not_reserved(name)
        found = self._rooms.find(name)
        if found is not None and found[0].joined_by == "client":
            found[0].parse(found[1])  # before any guard is asked
            return RequestedRoom(name, *found)
        if found is None and self._policies.undeclared == "open":
            return RequestedRoom(name, None, {})
        hint = self._rooms.hint(name) if step.sending.may_hint() else ""
        raise Refusal(f"There is no room {shown(name)} to join.{hint}", code="unknown_room")

    def _leavable(self, name: str) -> RequestedRoom:
        self._not_reserved(name)
        found = self._rooms.find(name)
        if found is not None and found[0].joined_by == "server":
            raise Refusal(f"There is no room {shown(name)} to leave.", code="unknown_room")
        return RequestedRoom(name, None, {}) if found is None else RequestedRoom(name, *found)

    def _not_reserved(self, name: str) -> None:
        if name == BROADCAST_ROOM and self._policies.broadcast_room == "reserved":
            raise Refusal(f"There is no room {name!r} to join.", code="unknown_room")

    def _check_names(self, step: Step, names: list[str]) -> None:
        """Refuse more rooms than a connection may be in, and names that are none.

        One message may name as many: clients that join their rooms one by one join all of them by
        one message after a reconnection.
        """
        limits, memberships = self._limits, self._memberships
        new = [name for name in names if not memberships.has(step.socket, name)]
        held = len(memberships.rooms_of(step.socket)) + len(new)
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
