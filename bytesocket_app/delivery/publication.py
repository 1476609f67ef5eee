"""Publication: an event to be delivered to sockets."""

from collections.abc import Hashable, Sequence
from enum import Enum
from typing import Any, Final

from bytesocket_app.events import EventSpec
from bytesocket_app.events.catalogue import RoomKey
from bytesocket_app.types import CodecName, EventName, UserKey
from bytesocket_app.wire import CODECS, decode
from bytesocket_app.wire.frame import Frame

DEPTH: Final = 200
"""Nesting of what another process encoded: as deep as any server lets in."""


class _Absent(Enum):
    ABSENT = "no data"


ABSENT: Final = _Absent.ABSENT
"""Marker for a missing payload: the message that is relayed has no member `data`."""


class PublicationTarget(Enum):
    """Whom a publication is for."""

    ROOM = "room"
    """Members of one room."""
    ROOMS = "rooms"
    """Members of several rooms; the message names all of these."""
    EVERYBODY = "everybody"
    """Every authenticated socket."""
    USER = "user"
    """All sockets of one user."""
    SOCKETS = "sockets"
    """Sockets by their ids."""


# The members as globals: looking one up in its Enum costs a dozen times as much.
_ROOM: Final = PublicationTarget.ROOM
_ROOMS: Final = PublicationTarget.ROOMS


class Publication:
    """Event to be delivered, its receivers, and its encoded form for each codec.

    Attributes:
        target: The kind of receivers.
        rooms: The rooms of `ROOM` and `ROOMS`.
        user: The key of `USER`.
        sockets: The ids of `SOCKETS`.
        spec: The event; None for an encoded message.
        payload: The validated payload; in rooms also ABSENT.
        exclude: The id of a socket to leave out.
        codec: The codec for all, instead of each socket's own.
        shown: The `rooms` in the message if they differ from `rooms`, as in a bulk message that
            some of its rooms refused.
    """

    __slots__ = (
        "_frames",
        "codec",
        "exclude",
        "payload",
        "rooms",
        "shown",
        "sockets",
        "spec",
        "target",
        "user",
    )

    def __init__(
        self,
        target: PublicationTarget,
        spec: EventSpec | None,
        payload: Any,
        rooms: Sequence[str] = (),
        exclude: str | None = None,
        codec: CodecName | None = None,
    ) -> None:
        self.target = target
        self.spec = spec
        self.payload = payload
        self.rooms = rooms
        self.exclude = exclude
        self.codec: CodecName | None = codec
        self.user: UserKey | None = None
        self.sockets: Sequence[str] = ()
        self.shown: Sequence[str] | None = None
        self._frames: dict[CodecName, Frame] = {}

    @classmethod
    def ready(cls, room: str, frame: Frame, exclude: str | None = None) -> "Publication":
        """Make a publication of a frame that is encoded already, the same for all codecs."""
        made = cls(PublicationTarget.ROOM, None, None, (room,), exclude)
        made._frames = dict.fromkeys(CODECS, frame)
        return made

    @classmethod
    def arrived(
        cls,
        target: PublicationTarget,
        text: bytes | None,
        binary: bytes | None,
        *,
        slot: str | None,
        is_raw: bool,
    ) -> "Publication":
        """Make a publication of what another process encoded, as JSON, MessagePack or both.

        A codec that is missing is made of the other one, or, if it is raw, is the other one.
        """
        made = cls(target, None, None)
        if text is not None:
            made._frames["json"] = Frame(text, is_binary=False, slot=slot)
        if binary is not None:
            made._frames["binary"] = Frame(binary, is_binary=True, slot=slot)
        if is_raw:
            (frame,) = list(made._frames.values())[:1]
            made._frames = dict.fromkeys(CODECS, frame)
        return made

    @property
    def event(self) -> EventName | None:
        """The event's name; None for an encoded message."""
        return None if self.spec is None else self.spec.name

    def frame(self, codec: CodecName) -> Frame:
        """Return the encoded message for one codec, which is cached.

        Raises:
            EncodeError: The codec cannot encode the payload.
        """
        frame = self._frames.get(codec)
        if frame is None:
            frame = self._frames[codec] = self._encode(codec)
        return frame

    def _encode(self, codec: CodecName) -> Frame:
        spec, payload, target = self.spec, self.payload, self.target
        if spec is None:
            return self._recoded(codec)
        names: str | list[str] | None = None
        key: RoomKey = "room"
        if target is _ROOM:
            names = self.rooms[0]
        elif target is _ROOMS:
            names, key = list(self.rooms if self.shown is None else self.shown), "rooms"
        if names is None:
            text = spec.writer(codec)(payload)
        elif payload is ABSENT:
            text = CODECS[codec].encode({key: names, "event": spec.name})
        else:
            text = spec.room_writer(codec, key)(names, payload)
        return Frame(text, codec == "binary", self._slot(spec, names) if spec.volatile else None)

    def _recoded(self, codec: CodecName) -> Frame:
        """Make a frame of the one for the other codec, which another process encoded."""
        (frame,) = self._frames.values()
        value = decode(frame.payload, frame.is_binary, max_depth=DEPTH)
        return Frame(CODECS[codec].encode(value), codec == "binary", frame.slot)

    def _slot(self, spec: EventSpec, names: str | list[str] | None) -> Hashable:
        """Return the key of a volatile event, of which a slow reader needs only the newest per key.

        The excluded socket, usually the sender, is part of the key.
        """
        place = tuple(names) if isinstance(names, list) else names
        return spec.name, place, self.exclude, spec.subject_of(self.payload)
