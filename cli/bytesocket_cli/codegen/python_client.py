"""Members of a contract's client class and of its room classes, as source text."""

from collections.abc import Mapping, Sequence
from typing import Any

from bytesocket_cli.codegen.python_events import EventClasses
from bytesocket_cli.codegen.python_hearing import hearing, names_table
from bytesocket_cli.codegen.python_names import docstring, literal
from bytesocket_cli.codegen.python_places import SendingPlace
from bytesocket_cli.codegen.python_types import AnnotationWriter
from bytesocket_cli.codegen.rates import ContractRate

Entry = Mapping[str, Any]

_JOINED = ("_Joined", "_Joined2", "_Joined3", "_Joined4")
"""Type variables of rooms that are joined together."""

_UNPACED = "Send an event, or keep it for the next connection."
_PACED = """Send an event, or keep it until its rate allows it, or for the next connection.

What is sent after one that is kept waits behind it; a volatile event is dropped instead."""
_REQUEST = """Send an event and wait for its reply; see `bytesocket_app.client`.

An event without a reply is answered with None."""


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

    def saying(self, place: SendingPlace) -> list[str]:
        """Write `emit` and `request` for the events of a place; nothing if it has none."""
        if not place.replies:
            return []
        return [
            "",
            f"    async def emit(self, event: {place.mark}[object], /) -> _bs.Outcome:",
            *docstring(_PACED if self._is_paced else _UNPACED, "        "),
            "        return await self._emit(event)",
            "",
            "    async def request(",
            f"        self, event: {place.mark}[_Reply_co], /, *, timeout: float | None = None",
            "    ) -> _Reply_co:",
            *docstring(_REQUEST, "        "),
            "        reply: _Reply_co = await self._request(event, timeout)",
            "        return reply",
        ]

    def parameters(self, room: Entry) -> list[str]:
        """Write the table of a room's parameters; nothing if it has none."""
        types = {name: self._writer.annotation(kind) for name, kind in room["params"].items()}
        entries = ", ".join(f"{literal(name)}: {kind}" for name, kind in types.items())
        head = "    _parameters: _t.ClassVar[_bs.Parameters] = "
        return [f"{head}{{{entries}}}"] if entries else []

    def replies(self, place: SendingPlace) -> list[str]:
        """Write the table of replies by event name."""
        entries = [
            f"        {literal(name)}: _bs.PayloadType({self._writer.annotation(schema)}),"
            for name, schema in place.replies.items()
            if schema is not None
        ]
        if not entries:
            return []
        return ["    _replies: _t.ClassVar[_bs.Replies] = {", *entries, "    }"]


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
            *(["    @_bs.joins"] if parameters else []),
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


def naming(room: Entry, name: str, writer: AnnotationWriter) -> list[str]:
    """Write `of`, which names a room of this class for `join_all`.

    Args:
        room: The room's entry in the contract.
        name: Its class name.
        writer: Writer of the parameters' annotations.
    """
    parameters = [f"{key}: {writer.annotation(kind)}" for key, kind in room["params"].items()]
    keywords = ", ".join(["*", *parameters]) if parameters else ""
    given = ", ".join(f'"{key}": {key}' for key in room["params"])
    return [
        "",
        "    @staticmethod",
        f'    def of({keywords}) -> "_bs.RoomName[{name}]":',
        '        """Name such a room, to join several at once by `join_all`."""',
        f"        return _bs.RoomName({name}, {literal(room['pattern'])}, {{{given}}})",
    ]


def joined_types(bound: str) -> list[str]:
    """Write the type variables of rooms that are joined together.

    Args:
        bound: Base class of the contract's rooms.
    """
    return [f'{name} = _t.TypeVar("{name}", bound={bound})' for name in _JOINED]


def joining_all(rooms: Sequence[tuple[Entry, str]]) -> list[str]:
    """Write `join_all`; nothing if there is no room to join.

    Checkers take several rooms of different classes for their common base, so that there is an
    overload for each number of them. Only the last takes more, of one class.
    """
    if not rooms:
        return []
    doc = """Join several rooms by one message: all of them, or none.

`await group.ready` waits until they are joined; see `RoomGroup` of `bytesocket_app.client`."""
    several = [_JOINED[:count] for count in range(2, len(_JOINED) + 1)]
    overloads = [line for kinds in several for line in _join_several(kinds)]
    return [
        "",
        *(overloads if len(rooms) > 1 else []),
        *(["    @_t.overload"] if len(rooms) > 1 else []),
        "    def join_all(self, *rooms: _bs.RoomName[_Joined]) -> _bs.RoomGroup[_Joined]:"
        + (" ..." if len(rooms) > 1 else ""),
        *(["    def join_all(self, *rooms: _t.Any) -> _t.Any:"] if len(rooms) > 1 else []),
        *docstring(doc, "        "),
        "        return self._join_all(rooms)",
    ]


def _join_several(kinds: Sequence[str]) -> list[str]:
    arguments = [f"        room{i}: _bs.RoomName[{kind}]," for i, kind in enumerate(kinds, 1)]
    return [
        "    @_t.overload",
        "    def join_all(",
        "        self,",
        *arguments,
        "        /,",
        f"    ) -> _bs.RoomGroup[{' | '.join(kinds)}]: ...",
    ]


def authenticating(credentials: str | None) -> list[str]:
    """Write `set_auth`, if the contract has authentication by message."""
    if credentials is None:
        return []
    doc = """Use these credentials, or this function that makes them, from the next connection on.

`reconnect()` makes one with them now."""
    return [
        "",
        f"    def set_auth(self, auth: _bs.Fresh[{credentials}], /) -> None:",
        *docstring(doc, "        "),
        "        self._set_auth(auth)",
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
