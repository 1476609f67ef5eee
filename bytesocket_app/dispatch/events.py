"""Routing of event messages: validation, handlers, relays and replies."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from pydantic import ValidationError
from typing_extensions import override

from bytesocket_app.declarations.handlers import Handler, ResolvedHandlers
from bytesocket_app.declarations.rooms import Room
from bytesocket_app.delivery.publication import ABSENT
from bytesocket_app.dispatch.answers import STOPPED, acknowledge, refuse, settle, validation_details
from bytesocket_app.dispatch.filters import Filters
from bytesocket_app.dispatch.incoming import Answer, Incoming, nothing
from bytesocket_app.dispatch.rooms import check_number
from bytesocket_app.dispatch.runner import HandlerRunner
from bytesocket_app.dispatch.runtime import Runtime
from bytesocket_app.dispatch.step import Step
from bytesocket_app.dispatch.unhandled import UnhandledEvents
from bytesocket_app.errors import EncodeError, ErrorContext, Phase, Refusal
from bytesocket_app.events import EventSpec, PayloadType
from bytesocket_app.logs import shown
from bytesocket_app.middleware import MiddlewareChain
from bytesocket_app.rooms import BROADCAST_ROOM
from bytesocket_app.types import CodecName
from bytesocket_app.wire import CODECS


class InvalidPayload(Refusal, code="validation"):
    """Refusal of a payload that does not fit its type.

    Attributes:
        error: The exception of Pydantic.
    """

    def __init__(self, error: ValidationError) -> None:
        super().__init__("The payload is not valid.")
        self.error = error


class _NotEnded(Exception):
    """A refusal of a validator's own, which has not been through the boundary for failures.

    Attributes:
        refusal: That refusal.
        raises: The refusals that the event's handlers declare; None without handlers.
    """

    def __init__(self, refusal: Refusal, raises: tuple[type[Refusal], ...] | None) -> None:
        super().__init__(refusal)
        self.refusal = refusal
        self.raises = raises


class _Anything(PayloadType):
    """Payload type of an undeclared event, which is relayed as it was decoded."""

    @override
    def writer(self, codec: CodecName, prefix: bytes, suffix: bytes) -> Callable[[Any], bytes]:
        """Return a function that encodes a decoded value again."""
        encode = CODECS[codec].encode
        return lambda value: prefix + encode(value) + suffix


_ANYTHING = _Anything(Any)


class EventRouter:
    """Router of event messages to their handlers; it also answers them.

    Args:
        runtime: The parts of the application.
        runner: Calls the handlers.
        filters: Sends messages through the middleware of routers.
    """

    def __init__(self, runtime: Runtime, runner: HandlerRunner, filters: Filters) -> None:
        settings = runtime.settings
        self._hub = runtime.hub
        self._memberships = runtime.memberships
        self._runner = runner
        self._filters = filters
        self._catalogue = runtime.catalogue
        self._handlers = runtime.handlers
        self._rooms = runtime.rooms
        self._lifecycle = runtime.lifecycle
        self._app = runtime.app
        self._open = settings.policies.undeclared == "open"
        self._is_reserved = settings.policies.broadcast_room == "reserved"
        self._needs_membership = settings.policies.membership
        self._limits = settings.limits
        self._policies = settings.policies
        self._unhandled_events = UnhandledEvents(runtime)

    def route(self, step: Step, message: Incoming) -> Awaitable[Any]:
        """Route a message that passed the middleware, and answer it.

        Returns an awaitable for the handlers, or for the answer to a failure.
        """
        if message.event is None:
            return nothing()
        step.message = message
        if message.room is not None:
            return self._into_room(step, message, message.room)
        if message.rooms is not None:
            return self._into_rooms(step, message, message.rooms)
        name = message.event
        handlers = self._handlers.ready.get(name) or self._handlers.take(name)
        if handlers is None:
            return self._unhandled(step, message)
        if handlers.chains:
            return self._under_routers(step, message, handlers)
        return self._handle_event(step, message, handlers)

    def _handle_event(
        self, step: Step, message: Incoming, handlers: ResolvedHandlers
    ) -> Awaitable[Any]:
        """Validate a message outside rooms; returns what to await of its handlers."""
        validate_fast, value = handlers.validate_fast, message.data
        try:
            if validate_fast is not None and value is not None and message.size <= handlers.small:
                value = validate_fast(value)
            else:
                value = _validated(handlers.spec, message)
        except ValidationError as exc:
            return self._refuse(step, message, InvalidPayload(exc))
        except BaseException as exc:  # noqa: BLE001 - ends in the boundary
            return self._end(
                step, message, exc, _raised_by((*handlers.sequential, *handlers.concurrent))
            )
        return self._runner.run(step, message, handlers, (step.socket, value, None, self._app))

    async def _under_routers(
        self, step: Step, message: Incoming, handlers: ResolvedHandlers
    ) -> None:
        """Take a message to handlers of which routers have some, each through its middleware."""
        if not any(chain.steps for chain in handlers.chains):
            await self._handle_event(step, message, handlers)
            return
        groups = [(chain, handlers.under(chain)) for chain in (None, *handlers.chains)]
        groups = [(chain, some) for chain, some in groups if some.sequential or some.concurrent]
        if len(groups) == 1:
            await self._handle_group(step, message, *groups[0])
            return
        whole, answer = message.answer, message.answer or Answer()
        try:
            for chain, some in groups:
                part = message.apart()
                own = part.answer = Answer()
                # Where there is an answer already, no concurrent handler of this group answers.
                own.owner = answer.owner or (message if answer.is_given else None)
                await self._handle_group(step, part, chain, some)
                if own.owner is message:
                    own.owner = None
                answer.take(own)
        finally:
            if whole is None:
                step.done()
        step.message = message
        if whole is None:
            settle(step, message, answer)

    async def _handle_group(
        self,
        step: Step,
        message: Incoming,
        chain: MiddlewareChain | None,
        handlers: ResolvedHandlers,
    ) -> None:
        """Take a message to those handlers that are under one chain, or under none."""
        if chain is not None and chain.steps:
            last = partial(self._handle_some, step, handlers)
            await self._filters.around(step, message, chain, last)
            return
        if message.answer is not None:
            message.answer.is_reached = True
        await self._handle_some(step, handlers, message)

    def _handle_some(
        self, step: Step, handlers: ResolvedHandlers, message: Incoming
    ) -> Awaitable[Any]:
        step.message = message
        return self._handle_event(step, message, handlers)

    def _unhandled(self, step: Step, message: Incoming) -> Awaitable[Any]:
        """Refuse or ignore an event without handler, by `Policies.undeclared`."""
        return (
            nothing() if self._open else self._refuse(step, message, self._unknown(step, message))
        )

    def _into_room(self, step: Step, message: Incoming, name: str) -> Awaitable[Any]:
        """Take a message into its room, through the middleware of the room's routers."""
        found = self._rooms.find(name)
        chain = None if found is None else found[0].chain
        if chain is None or not chain.steps:
            return self._into_room_itself(step, message, name)
        return self._filters.around(step, message, chain, partial(self._passed_into_room, step))

    def _passed_into_room(self, step: Step, message: Incoming) -> Awaitable[Any]:
        """Take on a message that the middleware of the room's routers has passed on."""
        step.message = message
        if message.room is None:
            return self.route(step, message)
        return self._into_room_itself(step, message, message.room)

    def _into_room_itself(self, step: Step, message: Incoming, name: str) -> Awaitable[Any]:
        """Take a message into its room; what nothing handles is relayed right here."""
        try:
            spec, payload, handlers, values = self._enter(step, message, name)
            if handlers is None:
                self._hub.relay((name,), spec, payload, exclude=step.sending.socket_id)
                if spec.payload is not _ANYTHING:  # an undeclared event is not answered
                    acknowledge(step, message)
                return nothing()
        except BaseException as exc:  # noqa: BLE001 - ends in the boundary
            return self._fail(step, message, exc)
        return self._handle(step, message, spec, payload, handlers, values)

    async def _handle(
        self,
        step: Step,
        message: Incoming,
        spec: EventSpec,
        payload: Any,
        handlers: ResolvedHandlers,
        values: tuple[Any, ...],
    ) -> None:
        """Run a room's handlers, and relay the message if they return nothing."""
        try:
            relay = await self._runner.run(step, message, handlers, values)
            if relay and message.room is not None:
                own = step.sending.socket_id
                self._hub.relay((message.room,), spec, payload, exclude=own)
        except BaseException as exc:  # noqa: BLE001 - ends in the boundary
            await self._fail(step, message, exc)

    async def _fail(self, step: Step, message: Incoming, error: BaseException) -> None:
        """Answer a message after a refusal, or after a defect of the application."""
        if isinstance(error, Refusal):
            await self._refuse(step, message, error)
        elif isinstance(error, _NotEnded):
            await self._end(step, message, error.refusal, error.raises)
        else:
            await self._end(step, message, error)

    async def _end(
        self,
        step: Step,
        message: Incoming,
        error: BaseException,
        raises: tuple[type[Refusal], ...] | None = None,
    ) -> None:
        """End an exception of a validator, or of a codec that cannot encode a payload."""
        await self._lifecycle.failures.end(
            error,
            Phase.FINAL_CALLBACK,
            f"event {self._catalogue.shown(message.event)}",
            socket=step.socket,
            event=message.event,
            raises=raises,
            answer=lambda refusal: refuse(step, message, Phase.HANDLER, refusal),
        )

    async def _refuse(
        self, step: Step, message: Incoming, refusal: Refusal, phase: Phase = Phase.HANDLER
    ) -> None:
        if not isinstance(refusal, InvalidPayload):
            refuse(step, message, phase, refusal)
            return
        details = validation_details(refusal.error)
        refuse(step, message, Phase.VALIDATION, refusal, details=details)
        context = ErrorContext(Phase.VALIDATION, refusal.error, event=message.event)
        await self._lifecycle.report(step.socket, context)

    async def _into_rooms(self, step: Step, message: Incoming, names: Sequence[str]) -> None:
        try:
            await self._ask_each(step, message, names)
        except BaseException as exc:  # noqa: BLE001 - ends in the boundary
            await self._fail(step, message, exc)

    async def _ask_each(self, step: Step, message: Incoming, names: Sequence[str]) -> None:
        """Run the handlers of every room, then relay one message to rooms without a refusal."""
        check_number(names, self._limits)
        agreed: list[tuple[str, EventSpec, Any]] = []
        refused: tuple[str, Phase, Refusal] | None = None
        for name in names if self._policies.bulk_copies == "each" else dict.fromkeys(names):
            # Without the id: a message for several rooms is acknowledged once, for all of them.
            part = message.into(name)
            try:
                passed = await self._ask(step, part, name, is_request=message.id is not None)
            except Refusal as refusal:
                phase = Phase.HANDLER if part.answer is None else part.answer.phase
                refused = refused or (name, phase, refusal)
                continue
            if passed is not None:
                agreed.append((name, *passed))
        self._relay_agreed(step, names, agreed)
        if refused is None:
            acknowledge(step, message)
        else:
            room, phase, first = refused
            inside = message.into(room, identity=message.id)
            inside.answer = message.answer
            await self._refuse(step, inside, first, phase)

    def _relay_agreed(
        self,
        step: Step,
        names: Sequence[str],
        agreed: Sequence[tuple[str, EventSpec, Any]],
    ) -> None:
        """Relay to each room that agreed what it let through, once where that is the same.

        A handler may have changed the payload, for its own room only.
        """
        groups: dict[object, tuple[EventSpec, Any, list[str]]] = {}
        for name, spec, payload in agreed:
            key = None if len(agreed) == 1 else _content(spec, payload)
            groups.setdefault(key, (spec, payload, []))[2].append(name)
        as_origin = self._policies.bulk_copies == "each"
        for spec, payload, rooms in groups.values():
            # Those rooms and no other: a member must not hear it in one that refused.
            shown = [name for name in names if as_origin or name in rooms]
            own = step.sending.socket_id
            self._hub.relay(rooms, spec, payload, exclude=own, shown=shown)

    async def _ask(
        self, step: Step, message: Incoming, name: str, *, is_request: bool
    ) -> tuple[EventSpec, Any] | None:
        """Ask one of several rooms; returns what is to be relayed there, if anything.

        Raises:
            Refusal: The room, its middleware or its handlers say no.
        """
        found = self._rooms.find(name)
        chain = None if found is None else found[0].chain
        if chain is None or not chain.steps:
            return await self._ask_room(step, message, name)
        passed: list[tuple[EventSpec, Any] | None] = []

        async def last(came: Incoming) -> None:
            try:
                passed.append(await self._ask_room(step, came, name))
            except Refusal as refusal:
                answer.fail(refusal, Phase.HANDLER, None)
            except BaseException as exc:  # noqa: BLE001 - ends in the boundary
                await self._fail(step, came, exc)

        answer = message.answer = message.answer or Answer()
        await self._filters.within(step, message, chain, last)
        step.done()
        if not answer.is_reached and is_request:
            answer.fail(STOPPED, Phase.MIDDLEWARE, None)
        if answer.failed is not None:
            raise answer.failed
        return passed[0] if passed else None

    async def _ask_room(
        self, step: Step, message: Incoming, name: str
    ) -> tuple[EventSpec, Any] | None:
        spec, payload, handlers, values = self._enter(step, message, name)
        if handlers is None or await self._runner.run(step, message, handlers, values):
            return spec, payload
        return None

    def _enter(
        self, step: Step, message: Incoming, name: str
    ) -> tuple[EventSpec, Any, ResolvedHandlers | None, tuple[Any, ...]]:
        """Check a message for one room.

        Returns:
            (spec, payload, handlers, values): the event and payload to relay; the handlers that run
            before, or None, with the values for their parameters.

        Raises:
            Refusal: The client may not send this message into the room.
        """
        found = self._rooms.find(name)
        if (found is None and not self._open) or (name == BROADCAST_ROOM and self._is_reserved):
            raise self._unknown(step, message)
        if not self._needs_membership:
            if found is not None:  # members have it from their join
                found[0].parse(found[1])
        elif not self._memberships.has(step.socket, name):
            raise Refusal(f"Join {shown(name)} before sending into it.", code="not_a_member")
        spec = found[0].event(message.event) if found and message.event is not None else None
        if found is None or spec is None:
            if not self._open:
                raise self._unknown(step, message, found)
            return *self._undeclared(message), None, ()
        room, texts = found
        try:
            value = _validated(spec, message)
        except ValidationError as exc:
            raise InvalidPayload(exc) from exc
        except Refusal as exc:
            raise _NotEnded(exc, _raised_by(room.handlers.of(spec.name))) from exc
        payload = ABSENT if value is None and not message.has_data else value
        handlers = room.handlers.take(spec.name)
        if handlers is None:
            return spec, payload, None, ()
        return spec, payload, handlers, (step.socket, value, name, self._app, *room.parse(texts))

    @staticmethod
    def _undeclared(message: Incoming) -> tuple[EventSpec, Any]:
        """Return the event and payload to relay of an undeclared event (`Policies.undeclared`)."""
        spec = EventSpec("" if message.event is None else message.event, "both", Any)
        spec.payload = _ANYTHING
        return spec, message.data if message.has_data else ABSENT

    def _unknown(
        self, step: Step, message: Incoming, found: tuple[Room, Any] | None = None
    ) -> Refusal:
        """Return the refusal of an event or a room that there is not, with a near miss if any."""
        may_search = step.sending.may_hint()
        if message.room is not None and found is None:
            hint = self._rooms.hint(message.room) if may_search else ""
            return Refusal(f"There is no room {shown(message.room)}.{hint}", code="unknown_room")
        event = message.event
        assert event is not None  # noqa: S101 - a message without one is not routed
        room = None if found is None else found[0]
        reason = self._unhandled_events.reason(event, room) if may_search else None
        if reason is None:
            name = shown(event) if isinstance(event, str) else repr(event)
            place = "" if room is None else f" in room {room.pattern.text!r}"
            fits = None if room is None else room.event
            hint = self._catalogue.hint(event, fits) if may_search else ""
            reason = f"Event {name} is not one that clients may send{place}.{hint}"
        return Refusal(reason, code="unknown_event")


def _validated(spec: EventSpec, message: Incoming) -> Any:
    """Return the validated payload for the handlers; raises ValidationError."""
    data, payload = message.data, spec.payload
    if data is None and payload.may_be_absent:
        data = {}
    if message.size > payload.small:
        return payload.validate_large(data, message.codec)
    if payload.validate_fast is not None:
        return payload.validate_fast(data)
    return payload.validate(data, message.codec)


def _raised_by(handlers: Sequence[Handler]) -> tuple[type[Refusal], ...] | None:
    """Return the refusals that the handlers of an event declare; None without handlers."""
    return tuple(kind for handler in handlers for kind in handler.raises) if handlers else None


def _content(spec: EventSpec, payload: Any) -> object:
    """Return what two rooms' parts of a message have in common if members hear the same."""
    if payload is ABSENT:
        return spec.name, None
    try:
        return spec.name, spec.payload.dump(payload, "binary")
    except EncodeError:  # the delivery says so, to the sender
        return object()
