"""Methods that receive events: `on`, `off` and `events`, by the event's class or by its name.

Every name needs one overload in `on` and one in `events`, which slow type checkers down. So names
are accepted in contracts with up to `NAMED` arriving events only, classes in all. `off` has one
overload for all names.
"""

from collections.abc import Sequence

from bytesocket_cli.codegen.python_events import EventClass
from bytesocket_cli.codegen.python_names import literal

NAMED = 150
"""Maximum number of arriving events that can be named; more overloads cost checkers seconds."""

_ON = [
    "    @_t.overload",
    "    def on(self, event: type[_Event], /) -> _bs.Listening[_Event]: ...",
    "    @_t.overload",
    "    def on(",
    "        self, event: type[_Event], callback: _abc.Callable[[_Event], _Returned], /",
    "    ) -> _abc.Callable[[_Event], _Returned]: ...",
]
_ON_BODY = [
    '        """Have a function called with every such event, as a decorator or at once."""',
    "        return self._on(event, callback)",
]
_OFF = [
    "    def off(",
    "        self, event: type[_Event], callback: _abc.Callable[[_Event], object], /",
    "    ) -> None:",
]
_OFF_BODY = [
    '        """Call a function no more."""',
    "        self._off(event, callback)",
]
_EVENTS = "    def events(self, event: type[_Event], /) -> _bs.EventStream[_Event]:"
_EVENTS_BODY = [
    '        """Iterate over such events, from now on."""',
    "        return self._events(event)",
]


def named(arriving: Sequence[EventClass]) -> list[EventClass]:
    """List the events that can be named: none if there are too many, and no fractions."""
    if len(arriving) > NAMED:
        return []
    return [event for event in arriving if isinstance(event.entry["name"], str | int)]


def hearing(arriving: Sequence[EventClass]) -> list[str]:
    """Write the methods.

    Args:
        arriving: Events that the server sends.
    """
    events = named(arriving)
    if not arriving:
        return []
    if not events:
        on = "    def on(self, event: type[_Event], callback: _t.Any = None, /) -> _t.Any:"
        return ["", *_ON, on, *_ON_BODY, "", *_OFF, *_OFF_BODY, "", _EVENTS, *_EVENTS_BODY]
    names = [(f"_t.Literal[{literal(e.entry['name'])}]", e.identifier) for e in events]
    lines = ["", *_ON]
    for name, event in names:
        lines.append("    @_t.overload")
        lines.append(f"    def on(self, event: {name}, /) -> _bs.Listening[{event}]: ...")
    lines += ["    def on(self, event: _t.Any, callback: _t.Any = None, /) -> _t.Any:", *_ON_BODY]
    lines += ["", "    @_t.overload", *_OFF[:2], f"{_OFF[2]} ..."]
    lines += ["    @_t.overload", "    def off(", "        self,", "        event: _t.Literal["]
    lines += [f"            {literal(event.entry['name'])}," for event in events]
    lines += [
        "        ],",
        "        callback: _bs.AnyCallback,",
        "        /,",
        "    ) -> None: ...",
    ]
    lines += ["    def off(self, event: _t.Any, callback: _t.Any, /) -> None:", *_OFF_BODY]
    lines += ["", "    @_t.overload", f"{_EVENTS} ..."]
    for name, event in names:
        lines.append("    @_t.overload")
        lines.append(f"    def events(self, event: {name}, /) -> _bs.EventStream[{event}]: ...")
    lines.append("    def events(self, event: _t.Any, /) -> _bs.EventStream[_t.Any]:")
    return [*lines, *_EVENTS_BODY]


def names_table(arriving: Sequence[EventClass]) -> list[str]:
    """Write the table of event classes by name."""
    events = named(arriving)
    if not events:
        return []
    table = [f"        {literal(event.entry['name'])}: {event.identifier}," for event in events]
    return ["    _arriving: _t.ClassVar[_bs.EventClasses] = {", *table, "    }"]
