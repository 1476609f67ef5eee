"""Members of a contract's client class and of its room classes, as source text."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bytesocket_cli.codegen.python_events import EventClass, EventClasses
from bytesocket_cli.codegen.python_hearing import hearing, names_table
from bytesocket_cli.codegen.python_names import docstring, literal
from bytesocket_cli.codegen.python_types import AnnotationWriter
from bytesocket_cli.codegen.rates import ContractRate
from bytesocket_cli.codegen.schema import Schema

Entry = Mapping[str, Any]
Reply = tuple[EventClass, Schema]

_NO_EVENT = "_t.Never"
_CHAINED = 100
_UNPACED = "Send an event, or keep it for the next connection."
_PACED = """Send an event, or keep it until its rate allows it, or for the next connection.

What is sent after one that is kept waits behind it; a volatile event is dropped instead."""


def union(names: Iterable[str]) -> str:
    """Write a union of classes, each once; a long one as `Union`, as pyright limits `A | B`."""
    members = list(dict.fromkeys(names))
    if len(members) > _CHAINED:
        return f"_t.Union[{', '.join(members)}]"
    return " | ".join(members) or _NO_EVENT


class VerbWriter:
    """Writer of the typed methods of the client and of rooms.

    Args:
        events: The event classes.
        writer: Writer of annotations.
        is_paced: True if the client has to keep to rates.
    """

    def __init__(
        self, events: EventClasses, writer: AnnotationWriter, *, is_paced: bool = False
    ) -> None:
        self._events = events
        self._writer = writer
        self._is_paced = is_paced

    def hearing(self) -> list[str]:
        """Write `on`, `off` and `events`; nothing if the server sends no events."""
        return hearing(list(self._events.arriving.values()))

    def names(self) -> list[str]:
        """Write the table of arriving events by name."""
        return names_table(list(self._events.arriving.values()))

    def saying(self, sent: Sequence[EventClass], replies: Sequence[Reply]) -> list[str]:
        """Write `emit` if there are events to send, and `request` if any have a reply.

        Args:
            sent: The events that can be sent.
            replies: The events that have a reply, with the reply's schema.
        """
        lines = list[str]()
        events = union(event.identifier for event in sent)
        if sent:
            lines += [
                "",
                f"    async def emit(self, event: {events}, /) -> _bs.Outcome:",
                *docstring(_PACED if self._is_paced else _UNPACED, "        "),
                "        return await self._emit(event)",
            ]
        if replies:
            lines += self._request(replies)
        return lines

    def replies(self, replies: Sequence[Reply]) -> list[str]:
        """Write the table of replies by event name."""
        if not replies:
            return []
        entries = [
            f"        {literal(event.entry['name'])}: "
            f"_bs.PayloadType({self._writer.annotation(schema)}),"
            for event, schema in replies
        ]
        return ["    _replies: _t.ClassVar[_bs.Replies] = {", *entries, "    }"]

    def _request(self, replies: Sequence[Reply]) -> list[str]:
        pairs = [(e.identifier, self._writer.annotation(schema)) for e, schema in replies]
        option = "*, timeout: float | None = None"
        doc = '        """Send an event and wait for its reply; see `bytesocket_app.client`."""'
        if len(pairs) == 1:
            event, reply = pairs[0]
            return [
                "",
                f"    async def request(self, event: {event}, /, {option}) -> {reply}:",
                doc,
                f"        reply: {reply} = await self._request(event, timeout)",
                "        return reply",
            ]
        lines = [""]
        for event, reply in pairs:
            lines.append("    @_t.overload")
            lines.append(
                f"    async def request(self, event: {event}, /, {option}) -> {reply}: ..."
            )
        every = union(event for event, _ in pairs)
        return [
            *lines,
            f"    async def request(self, event: {every}, /, {option}) -> _t.Any:",
            doc,
            "        return await self._request(event, timeout)",
        ]


def joining(rooms: Sequence[tuple[Entry, str]], writer: AnnotationWriter) -> list[str]:
    """Write `join`; nothing if there is no room to join.

    Args:
        rooms: The rooms' entries in the contract, and their class names.
        writer: Writer of the parameters' annotations.
    """
    if not rooms:
        return []
    heads = [_join_head(room, name, writer) for room, name in rooms]
    doc = '        """Join a room; `await room.ready` waits until it is joined."""'
    if len(rooms) == 1:
        room, name = rooms[0]
        parameters = ", ".join(f'"{key}": {key}' for key in room["params"])
        return [
            "",
            f"    {heads[0]}:",
            doc,
            f"        handle: {name} = self._join(room, {{{parameters}}})",
            "        return handle",
        ]
    overloads = [line for head in heads for line in ("    @_t.overload", f"    {head}: ...")]
    return [
        "",
        *overloads,
        "    def join(self, room: str, /, **parameters: _t.Any) -> _t.Any:",
        doc,
        "        return self._join(room, parameters)",
    ]


def rates_table(rates: Sequence[ContractRate]) -> list[str]:
    """Write the argument `rates` of the contract's constant; nothing without any."""
    if not rates:
        return []
    entries = [
        f"        _bs.EventRate(event={literal(rate.event)}, "
        + (f"room={literal(rate.room)}, " if rate.room is not None else "")
        + f"per_second={rate.per_second!r}, burst={rate.burst!r}, per={literal(rate.per)}),"
        for rate in rates
    ]
    return ["    rates=(", *entries, "    ),"]


def rooms_table(rooms: Sequence[tuple[Entry, str]]) -> list[str]:
    """Write the table of room classes by pattern."""
    if not rooms:
        return []
    table = [f"        {literal(room['pattern'])}: {name}," for room, name in rooms]
    head = "    _rooms: _t.ClassVar[_abc.Mapping[str, type[_bs.Room]]] = {"
    return [head, *table, "    }"]


def _join_head(room: Entry, name: str, writer: AnnotationWriter) -> str:
    parameters = [f"{key}: {writer.annotation(kind)}" for key, kind in room["params"].items()]
    keywords = "".join(f", {parameter}" for parameter in ["*", *parameters]) if parameters else ""
    return f"def join(self, room: _t.Literal[{literal(room['pattern'])}], /{keywords}) -> {name}"


def constructor(credentials: str | None) -> list[str]:
    """Write `__init__`, with `auth` if the contract has authentication by message."""
    auth = [f"        auth: _bs.Fresh[{credentials}],"] if credentials else []
    passed = "            auth=auth,"
    return [
        "",
        "    def __init__(",
        "        self,",
        "        url: str,",
        "        *,",
        *auth,
        '        codec: _t.Literal["json", "binary"] | None = None,',
        "        headers: _bs.Headers | None = None,",
        "        ssl_context: _ssl.SSLContext | None = None,",
        "        settings: _bs.ClientSettings | None = None,",
        "    ) -> None:",
        "        super().__init__(",
        "            url,",
        *([passed] if credentials else []),
        "            codec=codec,",
        "            headers=headers,",
        "            ssl_context=ssl_context,",
        "            settings=settings,",
        "        )",
    ]
