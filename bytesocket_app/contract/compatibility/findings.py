"""Findings: a change with its place, its levels and what to do about it."""

from dataclasses import dataclass, field
from typing import Any

from typing_extensions import override

from bytesocket_app.contract.compatibility.changes import Change
from bytesocket_app.contract.compatibility.codes import Code
from bytesocket_app.contract.compatibility.levels import Level, Way
from bytesocket_app.contract.compatibility.rules import RULES, Levels
from bytesocket_app.contract.shape import compact
from bytesocket_app.types import EventName


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the contract something changed.

    Attributes:
        event: The event, if it is about one.
        room: The room's pattern, if it is about one.
        part: What of it: `payload`, `reply`, `credentials`, `refusal muted`; empty for the whole.
    """

    event: EventName | None = None
    room: str | None = None
    part: str = ""

    @override
    def __str__(self) -> str:
        """Name the place for a person."""
        words = [] if self.event is None else [compact(self.event).strip('"')]
        words += [f"room {self.room}"] if self.room is not None else []
        words += [self.part] if self.part else []
        return " ".join(words) or "application"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a verdict.

    Attributes:
        code: What changed.
        way: Who sends the data it is about; None where that does not matter.
        place: The event or room.
        path: Where in the payload, `$.items[].name`; empty outside of payloads.
        old: What was there, in a few words.
        new: What is there now.
    """

    code: Code
    way: Way | None = None
    place: Place = field(default_factory=Place)
    path: str = ""
    old: str = ""
    new: str = ""

    @property
    def levels(self) -> Levels:
        """How bad it is, worst first."""
        return RULES[self.code].levels(self.way or Way.C2S)

    @property
    def level(self) -> Level:
        """The worst of its levels."""
        return self.levels[0]

    @property
    def message(self) -> str:
        """What happened, in one sentence without a full stop."""
        step = f" ({self.old} -> {self.new})" if self.old and self.new else ""
        step = step or (f" ({self.old or self.new})" if self.old or self.new else "")
        return RULES[self.code].meaning + step

    @property
    def advice(self) -> str:
        """What to do; empty where nothing needs doing."""
        return "" if self.level is Level.SAFE else RULES[self.code].advice

    def order(self) -> tuple[Any, ...]:
        """Sort by level, then by place."""
        event, room = self.place.event, self.place.room
        name = "" if event is None else str(event)
        key = name, isinstance(event, str), room or "", self.place.part, self.path
        return (self.level.rank, *key, self.code, self.way or "", self.old, self.new)

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as JSON values, with stable keys."""
        return {
            "code": self.code.value,
            "level": self.level.value,
            "levels": [level.value for level in self.levels],
            "direction": None if self.way is None else self.way.value,
            "event": self.place.event,
            "room": self.place.room,
            "part": self.place.part or None,
            "path": self.path or None,
            "message": self.message,
            "old": self.old or None,
            "new": self.new or None,
            "advice": self.advice or None,
        }


def of_change(change: Change, way: Way, place: Place) -> Finding:
    """Make a finding of a change inside a payload."""
    return Finding(change.code, way, place, change.path, change.old, change.new)
