"""Event messages on their last leg: validation, handlers, relays and replies."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pydantic import ValidationError
from typing_extensions import override

from bytesocket_app.declarations.handlers import HandlerTable, ResolvedHandlers
from bytesocket_app.declarations.rooms import DeclaredRooms, Room
from bytesocket_app.delivery.hub import ABSENT, BROADCAST_ROOM, Hub
from bytesocket_app.dispatch.answers import INTERNAL, acknowledge, refuse, validation_details
from bytesocket_app.dispatch.incoming import Incoming, nothing
from bytesocket_app.dispatch.runner import HandlerRunner
from bytesocket_app.dispatch.step import Step
from bytesocket_app.errors import ErrorContext, Phase, Refusal
from bytesocket_app.events import Catalogue, EventSpec, PayloadType
from bytesocket_app.lifecycle import Lifecycle
from bytesocket_app.settings import Settings
from bytesocket_app.socket import Socket
from bytesocket_app.types import CodecName
from bytesocket_app.wire import CODECS

logger = logging.getLogger("bytesocket")


class _Invalid(Refusal, code="validation"):
    """A payload that fails its type."""

    def __init__(self, error: ValidationError) -> None:
        super().__init__("The payload is not valid.")
        self.error = error


class _Anything(PayloadType):
    """The payload of an event that no contract knows: relayed as it was decoded."""

    @override
    def writer(self, codec: CodecName, prefix: bytes, suffix: bytes) -> Callable[[Any], bytes]:
        """Write what a codec read."""
        encode = CODECS[codec].encode
        return lambda value: prefix + encode(value) + suffix


_ANYTHING = _Anything(Any)


class EventRouter:
    """Takes event messages to their handlers and answers for them."""

    def __init__(
        self,
        hub: Hub,
        calls: HandlerRunner,
        catalogue: Catalogue,
        handlers: HandlerTable,
        rooms: DeclaredRooms,
        lifecycle: Lifecycle,
        app: Any,
    ) -> None:
        self._hub = hub
        self._calls = calls
        self._catalogue = catalogue
        self._handlers = handlers
        self._rooms = rooms
        self._lifecycle = lifecycle
        self._app = app
        settings: Settings = app.settings
        self._open = settings.policies.undeclared == "open"
        self._is_reserved = settings.policies.broadcast_room == "reserved"
        self._membership = settings.policies.membership
        self._limits = settings.limits
        self._policies = settings.policies

    def route(self, step: Step, message: Incoming) -> Awaitable[Any]:
        """Take a message that passed the middleware to where it belongs, and answer for it.

        Returns what is still to be awaited: the handlers, or what has to be said of a failure.
        """
        if message.event is None:
            return nothing()
        step.message = message
        if message.room is not None:
            return self._into_room(step, message, message.room)
        if message.rooms is not None:
            return self._into_rooms(step, message, message.rooms)
        name = message.event
        calls = self._handlers.ready.get(name) or self._handlers.take(name)
        if calls is None:
            return nothing() if self._open else self._refuse(step, message, self._unknown(message))
        validate_fast, value = calls.validate_fast, message.data
        try:
            if validate_fast is not None and value is not None:
                value = validate_fast(value)
            else:
                value = _validated(calls.spec, message)
        except ValidationError as exc:
            return self._refuse(step, message, _Invalid(exc))
        except Exception as exc:  # noqa: BLE001 - ends, logged, in `_fail`
            return self._fail(step, message, exc)
        return self._calls.run(step, message, calls, (step.socket, value, None, self._app))

    def _into_room(self, step: Step, message: Incoming, name: str) -> Awaitable[Any]:
        """Take a message into its room; what nothing handles is relayed right here."""
        socket = step.socket
        try:
            spec, payload, calls, values = self._enter(socket, message, name)
            if calls is None:
                self._hub.relay((name,), spec, payload, exclude=socket)
                if spec.payload is not _ANYTHING:  # nobody answers for what no contract knows
                    acknowledge(socket, message)
                return nothing()
        except Exception as exc:  # noqa: BLE001 - ends, logged, in `_fail`
            return self._fail(step, message, exc)
        return self._handle(step, message, spec, payload, calls, values)

    async def _handle(
        self,
        step: Step,
        message: Incoming,
        spec: EventSpec,
        payload: Any,
        calls: ResolvedHandlers,
        values: tuple[Any, ...],
    ) -> None:
        """Run a room's handlers; relay the message if that is what they want."""
        try:
            if await self._calls.run(step, message, calls, values) and message.room is not None:
                self._hub.relay((message.room,), spec, payload, exclude=step.socket)
        except Exception as exc:  # noqa: BLE001 - ends, logged, in `_fail`
            await self._fail(step, message, exc)

    async def _fail(self, step: Step, message: Incoming, error: Exception) -> None:
        """Answer for a refusal, or for a mistake of the application's own.

        That is a validator's, or a relay that one of the codecs cannot carry.
        """
        if isinstance(error, Refusal):
            await self._refuse(step, message, error)
            return
        logger.error("event %r failed, %s", message.event, step.socket, exc_info=error)
        refuse(step.socket, message, Phase.HANDLER, INTERNAL)
        context = ErrorContext(Phase.FINAL_CALLBACK, error, event=message.event)
        await self._lifecycle.report(step.socket, context)

    async def _refuse(self, step: Step, message: Incoming, refusal: Refusal) -> None:
        socket = step.socket
        if not isinstance(refusal, _Invalid):
            refuse(socket, message, Phase.HANDLER, refusal)
            return
        details = validation_details(refusal.error)
        refuse(socket, message, Phase.VALIDATION, refusal, details=details)
        context = ErrorContext(Phase.VALIDATION, refusal.error, event=message.event)
        await self._lifecycle.report(socket, context)

    async def _into_rooms(self, step: Step, message: Incoming, names: Sequence[str]) -> None:
        try:
            await self._ask_each(step, message, names)
        except Exception as exc:  # noqa: BLE001 - ends, logged, in `_fail`
            await self._fail(step, message, exc)

    async def _ask_each(self, step: Step, message: Incoming, names: Sequence[str]) -> None:
        """Ask every room on its own, then relay one message to those that agreed."""
        socket = step.socket
        limit = self._limits.rooms_per_message
        if limit and len(names) > limit:
            raise Refusal(
                f"{len(names)} rooms in one message; {limit} are allowed.", code="too_many_rooms"
            )
        agreed: list[str] = []
        relay: tuple[EventSpec, Any] | None = None
        refused: tuple[str, Refusal] | None = None
        for name in names if self._policies.bulk_copies == "each" else dict.fromkeys(names):
            # Without the id: a message for several rooms is acknowledged once, for all of them.
            single = message.into(name)
            try:
                spec, payload, calls, values = self._enter(socket, single, name)
                if calls is not None and not await self._calls.run(step, single, calls, values):
                    continue
            except Refusal as refusal:
                refused = refused or (name, refusal)
                continue
            relay = spec, payload
            agreed.append(name)
        if relay is not None:
            self._hub.relay(agreed, *relay, exclude=socket, shown=list(names))
        if refused is None:
            acknowledge(socket, message)
        else:
            room, first = refused
            await self._refuse(step, message.into(room, identity=message.id), first)

    def _enter(
        self, socket: Socket[Any], message: Incoming, name: str
    ) -> tuple[EventSpec, Any, ResolvedHandlers | None, tuple[Any, ...]]:
        """Look at a message for one room.

        Returns:
            (spec, payload, calls, values): what is to be relayed; and the handlers that have their
            say in that, if there are any, with the values they are called with.

        Raises:
            Refusal: It may not be sent there.
        """
        found = self._rooms.find(name)
        if (found is None and not self._open) or (name == BROADCAST_ROOM and self._is_reserved):
            raise self._unknown(message)
        if self._membership and not self._hub.index.has(socket, name):
            raise Refusal(f"Join {name[:64]!r} before sending into it.", code="not_a_member")
        spec = found[0].event(message.event) if found and message.event is not None else None
        if found is None or spec is None:
            if not self._open:
                raise self._unknown(message, found)
            return *self._undeclared(message), None, ()
        room, texts = found
        try:
            value = _validated(spec, message)
        except ValidationError as exc:
            raise _Invalid(exc) from exc
        payload = ABSENT if value is None and not message.has_data else value
        calls = room.handlers.take(spec.name)
        if calls is None:
            return spec, payload, None, ()
        return spec, payload, calls, (socket, value, name, self._app, *room.parse(texts))

    @staticmethod
    def _undeclared(message: Incoming) -> tuple[EventSpec, Any]:
        """What to relay of an event that no contract knows (`Policies.undeclared`)."""
        spec = EventSpec("" if message.event is None else message.event, "both", Any)
        spec.payload = _ANYTHING
        return spec, message.data if message.has_data else ABSENT

    def _unknown(self, message: Incoming, found: tuple[Room, Any] | None = None) -> Refusal:
        if message.room is not None and found is None:
            return Refusal(f"There is no room {message.room[:64]!r}.", code="unknown_room")
        name = message.event if isinstance(message.event, int | float) else str(message.event)[:64]
        place = f" in room {found[0].pattern.text!r}" if found else ""
        return Refusal(
            f"Event {name!r} is not one that clients may send{place}.{self._catalogue.near(name)}",
            code="unknown_event",
        )


def _validated(spec: EventSpec, message: Incoming) -> Any:
    """The payload as the handlers get it; raises ValidationError."""
    data, payload = message.data, spec.payload
    if data is None and payload.may_be_absent:
        data = {}
    if payload.validate_fast is not None:
        return payload.validate_fast(data)
    return payload.validate(data, message.codec)
