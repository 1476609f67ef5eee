"""Collection of an application's declarations into the contract's source."""

import inspect
from collections.abc import Iterable
from typing import Literal

from bytesocket_app.contract.source import (
    NO_REPLY,
    ContractSource,
    EventEntry,
    MessageAuth,
    PresenceEntry,
    RoomEntry,
    RoomEventEntry,
)
from bytesocket_app.declarations.auth import Authenticator
from bytesocket_app.declarations.handlers import Handler, HandlerTable
from bytesocket_app.declarations.presence import RoomPresence
from bytesocket_app.declarations.rooms import Room
from bytesocket_app.errors import Refusal
from bytesocket_app.events import Catalogue, EventSpec
from bytesocket_app.types import CodecName


def describe(  # noqa: PLR0913 - an application's parts, each once
    catalogue: Catalogue,
    handlers: HandlerTable,
    rooms: Iterable[Room],
    authenticator: Authenticator | None,
    *,
    title: str,
    description: str = "",
    version: str,
    path: str,
    serialization: CodecName,
    answers_credentials: bool = True,
    refusals: Iterable[type[Refusal]] = (),
) -> ContractSource:
    """Collect the declarations of an application, whose types must be complete by now.

    `refusals` are those of the guards of all rooms.

    Raises:
        ConfigurationError: There are lint findings about a type that was not complete before, and
            findings are errors.
    """
    catalogue.settle()
    declared = list(rooms)
    return ContractSource(
        title=title,
        description=description,
        version=version,
        path=path,
        serialization=serialization,
        answers_credentials=answers_credentials,
        auth=_auth(authenticator),
        auth_place="" if authenticator is None else authenticator.bound.source,
        events=tuple(_event(spec, handlers) for spec in catalogue),
        rooms=tuple(_room(room, tuple(refusals)) for room in declared),
    )


def _auth(authenticator: Authenticator | None) -> Literal["handshake"] | MessageAuth | None:
    if authenticator is None:
        return None
    if authenticator.credentials is None:
        return "handshake"
    return MessageAuth(authenticator.credentials.annotation)


def _event(spec: EventSpec, table: HandlerTable) -> EventEntry:
    handlers = table.of(spec.name)
    reply, raises = _answers(handlers)
    return EventEntry(
        name=spec.name,
        direction=spec.direction,
        payload=spec.payload.annotation,
        volatile=spec.volatile,
        doc=spec.doc,
        is_global=spec.from_client and bool(handlers),
        reply=reply if handlers or spec.reply is None else spec.reply,
        raises=raises,
        rate=table.rates.get(spec.name),
        class_name=spec.class_name,
    )


def _room(room: Room, refusals: tuple[type[Refusal], ...]) -> RoomEntry:
    names = dict.fromkeys(h.spec.name for h in room.handlers.all())
    rates = room.handlers.rates
    entries = [
        RoomEventEntry(name, *_answers(room.handlers.of(name)), rates.get(name)) for name in names
    ]
    relayed = [name for name in room.relayed if name not in names]
    entries += [RoomEventEntry(name, rate=rates.get(name)) for name in relayed]
    arriving = dict.fromkeys(room.relayed)
    for handler in room.handlers.all():
        if handler.spec.from_server:
            arriving[handler.spec.name] = None
        arriving.update((event.__event_name__, None) for event in handler.emits)
    by_clients = room.joined_by == "client"
    return RoomEntry(
        pattern=room.pattern.text,
        params={
            name: str if annotation is inspect.Parameter.empty else annotation
            for name, annotation in room.parameters.items()
        },
        join=room.joined_by,
        client_events=tuple(entries),
        server_events=tuple(arriving),
        raises=tuple(dict.fromkeys((*room.refusals, *(refusals if by_clients else ())))),
        place=room.source,
        class_name=room.class_name,
        presence=_presence(room.presence) if by_clients else None,
    )


def _presence(presence: RoomPresence) -> PresenceEntry | None:
    if not presence.is_declared:
        return None
    if presence.entry is None:
        return PresenceEntry()
    return PresenceEntry(presence.entry.annotation, tuple(presence.wire_names))


def _answers(handlers: tuple[Handler, ...]) -> tuple[object, tuple[type[Refusal], ...]]:
    reply: object = NO_REPLY
    raises: dict[type[Refusal], None] = {}
    for handler in handlers:
        if handler.reply is not None:
            reply = handler.reply.annotation
        raises.update(dict.fromkeys(handler.raises))
    return reply, tuple(raises)
