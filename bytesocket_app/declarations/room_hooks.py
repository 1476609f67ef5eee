"""Kinds of functions that rooms call, and the guards of all rooms: `@app.rooms.guard`."""

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, Final

from bytesocket_app.declarations.handlers import app_offer, socket_offer
from bytesocket_app.declarations.pending import Add, Pending, Remove
from bytesocket_app.declarations.scope import DeclarationScope
from bytesocket_app.dependencies import bind
from bytesocket_app.errors import ConfigurationError, Refusal
from bytesocket_app.registry import Registry
from bytesocket_app.signature import Bound, Offer, by_name

GUARDS_RAISE: Final = (
    'it says no by raising, as in `raise Refusal("Members only.")`, and yes by returning None.'
)

_ROOM: Final = 1
"""The place of `room` among the values of a call."""

_NAMES: Final = (
    Offer("the room's name (room: str)", by_name("room", str), usual="room: str"),
    Offer(
        "the names of all rooms of the request (rooms: list[str])",
        by_name("rooms", list[str]),
        usual="rooms: list[str]",
    ),
)


class RoomHook(Enum):
    """Kinds of functions that a room calls."""

    GUARD = "guard"
    LEAVE_GUARD = "leave_guard"
    JOIN = "on_join"
    LEAVE = "on_leave"

    @property
    def decides(self) -> bool:
        """True for guards, which may refuse."""
        return self in (RoomHook.GUARD, RoomHook.LEAVE_GUARD)


class EveryRoom:
    """Guards of all rooms of an application, declared or not, asked before a room's own.

    A guard that asks for `rooms: list[str]` and for no `room` is called once for a request with all
    its rooms, of which a single request has one; any other is called for each room.

    Attributes:
        refusals: The refusals that the guards name.
        guard: Decides who may join; see `Room.guard`.
        leave_guard: Decides who may leave; see `Room.leave_guard`.
    """

    def __init__(self) -> None:
        self.refusals: dict[type[Refusal], None] = {}
        self._guards: Registry[tuple[RoomHook, bool], Bound] = Registry(Bound.withdraw)
        self._pending: Pending[DeclarationScope] = Pending()
        self.guard = self._pending.guard_hook(*self._hooked(RoomHook.GUARD), self._refuses)
        self.leave_guard = self._pending.guard_hook(
            *self._hooked(RoomHook.LEAVE_GUARD), self._refuses
        )

    def declare(self, scope: DeclarationScope) -> None:
        """Become the guards of an application."""
        self._pending.reach(scope)

    def functions(self) -> Iterator[Bound]:
        """Yield the guards."""
        for key in self._guards:
            yield from self._guards.peek(key)

    def hooks(self, kind: RoomHook, *, whole: bool) -> tuple[Bound, ...]:
        """Take the guards of a kind for one call: those for one time only are gone then.

        Args:
            kind: Whether they are of joins or of leaves.
            whole: True for those that are called once for a request.
        """
        return self._guards.take((kind, whole))

    def _hooked(self, kind: RoomHook) -> tuple[Add[DeclarationScope], Remove[DeclarationScope]]:
        def add(scope: DeclarationScope, function: Callable[..., Any], once: bool) -> None:  # noqa: FBT001
            offers = [socket_offer(), *_NAMES, app_offer(scope.app)]
            bound = bind(function, offers, role=f"a {kind.value} of all rooms")
            check_guard(bound)
            asked = {*bound.annotations, *(index for index, _ in bound.nested)}
            whole = _ROOM not in asked and _ROOM + 1 in asked
            self._guards.add((kind, whole), bound, identity=function, once=once)

        def remove(_scope: DeclarationScope, function: Callable[..., Any] | None) -> None:
            for whole in (False, True):
                self._guards.remove((kind, whole), function)

        return add, remove

    def _refuses(self, scope: DeclarationScope, raises: tuple[type[Refusal], ...]) -> None:
        scope.catalogue.check_refusals(raises)
        self.refusals.update(dict.fromkeys(raises))


def check_guard(bound: Bound) -> None:
    """Refuse a guard whose answer would not be read.

    Raises:
        ConfigurationError: It is declared to return a bool.
    """
    if bound.returns is bool:
        raise ConfigurationError(f"{bound.source}: a guard returns no bool: {GUARDS_RAISE}")
