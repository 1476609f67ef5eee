"""Room handle, which keeps the room joined over reconnections until it is left."""

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar, Self, TypeAlias

from bytesocket_app.client.listeners import EventClasses, event_class
from bytesocket_app.client.listening_side import ListeningSide
from bytesocket_app.client.outgoing import Outcome, Outgoing
from bytesocket_app.client.presence import Presence, PresenceChange
from bytesocket_app.client.signal import Ready
from bytesocket_app.client.streams import EventStream
from bytesocket_app.errors import ConfigurationError, Disconnected
from bytesocket_app.events import PayloadType, name_of
from bytesocket_app.rooms import ParameterType, Untyped, parameter_texts
from bytesocket_app.rooms.pattern import SEPARATOR
from bytesocket_app.types import EventName

Replies: TypeAlias = Mapping[EventName, PayloadType]
"""The type of each request's reply, by the name of its event."""

Parameters: TypeAlias = Mapping[str, Any]
"""The type of each of a room's parameters, by its name."""

_PARAMETER = re.compile(r"\{([^{}]+)\}")


def filled_name(
    pattern: str,
    parameters: Mapping[str, object],
    types: Parameters = MappingProxyType({}),
) -> str:
    """Fill in a room pattern's parameters: `doc:{doc_id}` and 7 make `doc:7`.

    Raises:
        ConfigurationError: A parameter is missing, or is not in the pattern.
        TypeError: A value is not of its parameter's type.
        ValueError: A value is a text, and not the one that the server takes; or its text is empty,
            or holds a `:` and so would name another room.
    """
    wanted = set(_PARAMETER.findall(pattern))
    if wanted != set(parameters):
        raise ConfigurationError(
            f"room {pattern!r} takes {sorted(wanted) or 'no parameters'}, "
            f"not {sorted(parameters) or 'none'}"
        )
    known = {name: _type(annotation) for name, annotation in types.items()}
    texts = parameter_texts(pattern, parameters, known)
    for name, text in texts.items():
        if not text or SEPARATOR in text:
            raise ValueError(
                f"Room {pattern!r}: {name} cannot be {text!r}: a parameter is one or more "
                f"characters without {SEPARATOR!r}."
            )
    return _PARAMETER.sub(lambda found: texts[found[1]], pattern)


def _type(annotation: Any) -> Untyped:
    try:
        return ParameterType(annotation)
    except ValueError:  # a server of before allowed it
        return Untyped()


class ClientRoom:
    """A handle of one room. Handles are counted: the room is left when the last handle leaves.

    Generated clients derive from this class and give its methods their types.

    Args:
        name: The room's name, with parameters filled in.
        outgoing: The outgoing side of the client.
        listening: The incoming side, which delivers the room's events to this handle.
        pattern: Pattern of the name, if it has one.
    """

    _arriving: ClassVar[EventClasses] = {}
    _replies: ClassVar[Replies] = {}
    _parameters: ClassVar[Parameters] = {}
    _presence: ClassVar[type[Presence[Any]] | None] = None

    def __init__(
        self,
        name: str,
        outgoing: Outgoing,
        listening: ListeningSide,
        pattern: str | None = None,
    ) -> None:
        self.name = name
        self._outgoing = outgoing
        self._listening = listening
        self._listeners = listening.enter_room(name)
        presence = None
        if self._presence is not None:
            presence = self._presence(
                partial(outgoing.change_entry, name), listening.callbacks.post
            )
        self._membership = outgoing.join(name, pattern, presence)
        self._presence_callbacks: list[Callable[[PresenceChange], object]] = []
        self._has_left = False

    @classmethod
    def named(cls, pattern: str, parameters: Mapping[str, object]) -> str:
        """Return the name of one of the rooms that this class is for; raises as `filled_name`."""
        return filled_name(pattern, parameters, cls._parameters)

    @property
    def is_joined(self) -> bool:
        """True if the server has let this client in, on the current connection."""
        room = self._membership
        return not self._has_left and room.is_joined and not room.is_leaving

    @property
    def ready(self) -> Awaitable[None]:
        """Awaitable that waits until the room is joined.

        Raises:
            RequestError: The server refused; the join is tried again after a reconnection.
            Disconnected: The handle has left the room, or the client will not connect again.
            RuntimeError: The client does not run yet.
        """
        return Ready(self._wait)

    async def _wait(self) -> None:
        self._outgoing.check_running()
        while not self.is_joined:
            if self._has_left:
                raise Disconnected(f"this handle has left room {self.name!r}")
            if self._outgoing.over is not None:
                raise Disconnected(str(self._outgoing.over))
            if self._membership.error is not None:
                raise self._membership.error
            await self._membership.changed.wait()

    async def leave(self) -> None:
        """Give up this handle and end its listeners. Further calls have no effect.

        Does not wait for the server's answer.
        """
        if self._has_left:
            return
        self._has_left = True
        self._listening.leave_room(self.name, self._listeners)
        if self._membership.presence is not None:
            for callback in self._presence_callbacks:
                self._membership.presence.forget(callback)
        self._outgoing.rooms.leave(self.name)
        self._membership.changed.notify()

    async def __aenter__(self) -> Self:
        await self.ready
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()

    def _on(self, event: Any, callback: Callable[[Any], object] | None = None) -> Any:
        return self._listeners.on(event_class(event, self._arriving), callback)

    def _off(self, event: Any, callback: Callable[[Any], object]) -> None:
        self._listeners.remove(event_class(event, self._arriving), callback)

    def _events(self, event: Any) -> EventStream[Any]:
        model = event_class(event, self._arriving)
        limit, check = self._outgoing.settings.event_buffer, self._outgoing.check_running
        return self._listeners.stream(model, limit, check)

    def _people(self) -> Any:
        """Return who is in the room."""
        return self._membership.presence

    def _on_presence(self, callback: Callable[[PresenceChange], object]) -> None:
        if self._membership.presence is not None and not self._has_left:
            self._membership.presence.listen(callback)
            self._presence_callbacks.append(callback)

    async def _emit(self, event: Any) -> Outcome:
        return await self._outgoing.emit(event, self.name)

    async def _request(
        self, event: Any, timeout: float | None, reply: PayloadType | None = None
    ) -> Any:
        expected = reply or self._replies.get(name_of(event))
        return await self._outgoing.request(event, expected, room=self.name, timeout=timeout)
