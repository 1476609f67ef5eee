"""Findings: changes with their place, their levels and advice."""

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
    """Place of a change in the contract.

    Attributes:
        event: Name of the event; None for a change outside events.
        room: Pattern of the room; None for a change outside rooms.
        part: Changed part: `payload`, `reply`, `credentials`, `refusal muted`; empty for the whole.
    """

    event: EventName | None = None
    room: str | None = None
    part: str = ""

    @override
    def __str__(self) -> str:
        """Return the place as readable text."""
        words = [] if self.event is None else [compact(self.event).strip('"')]
        words += [f"room {self.room}"] if self.room is not None else []
        words += [self.part] if self.part else []
        return " ".join(words) or "application"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a verdict.

    Attributes:
        code: The kind of change.
        way: Sender of the data; None where the direction does not matter.
        place: The event or room.
        path: Path in the payload, `$.items[].name`; empty outside payloads.
        old: Short text for the old schema or value.
        new: Short text for the new one.
    """

    code: Code
    way: Way | None = None
    place: Place = field(default_factory=Place)
    path: str = ""
    old: str = ""
    new: str = ""

    @property
    def levels(self) -> Levels:
        """Levels of the change, worst first."""
        return RULES[self.code].levels(self.way or Way.C2S)

    @property
    def level(self) -> Level:
        """Worst level of the change."""
        return self.levels[0]

    @property
    def message(self) -> str:
        """Description of the change: one sentence without a full stop."""
        step = f" ({self.old} -> {self.new})" if self.old and self.new else ""
        step = step or (f" ({self.old or self.new})" if self.old or self.new else "")
        return RULES[self.code].meaning + step

    @property
    def advice(self) -> str:
        """Advice on what to do; empty for a safe change."""
        return "" if self.level is Level.SAFE else RULES[self.code].advice

    def order(self) -> tuple[Any, ...]:
        """Return the sort key: by level, then by place."""
        event, room = self.place.event, self.place.room
        name = "" if event is None else str(event)
        key = name, isinstance(event, str), room or "", self.place.part, self.path
        return (self.level.rank, *key, self.code, self.way or "", self.old, self.new)

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as JSON values, with stable keys.

        `source` is for the place in the code, which a contract does not know.
        """
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
            "source": None,
        }


def of_change(change: Change, way: Way, place: Place) -> Finding:
    """Return the finding for a change inside a payload."""
    return Finding(change.code, way, place, change.path, change.old, change.new)
