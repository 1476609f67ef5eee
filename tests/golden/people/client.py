# bytesocket People 0.1.0 - contract 8d385cf2b5242744 - generated, do not edit
# ruff: noqa: I001
# fmt: off
"""The client of People 0.1.0."""

import collections.abc as _abc
import ssl as _ssl
import typing as _t

import bytesocket_app.client as _bs
import typing_extensions as _te


class Person(_bs.Model):
    """Somebody at a document."""

    name: str
    isTyping: bool
    picture: _bs.Base64Bytes


CONTRACT = _bs.ClientContract(
    title="People",
    path="/ws",
    fingerprint="8d385cf2b52427448b1bbb1e76957c42f3a8584849737a2fb570736ac4b23c60",
    codec="binary",
)


_DocRoomChanges = _te.TypedDict("_DocRoomChanges", {
    "isTyping": bool,
    "picture": _bs.Base64Bytes,
}, total=False)


class _DocRoomPresence(_bs.Presence[Person]):
    """Users in a room `doc:{doc_id}`, by their keys."""

    _entry: _t.ClassVar[_bs.PayloadType | None] = _bs.PayloadType(Person)

    async def update(self, **changes: _te.Unpack[_DocRoomChanges]) -> _bs.Outcome:
        """Change the client's own entry; members are told ten times a second at most.

        Nobody answers; a refusal reaches the client's error hooks. It is never queued: without a
        connection, and once the room is left, it is dropped.
        """
        return self._update(changes)


class _StageRoomPresence(_bs.Presence[_t.Never]):
    """Users in a room `stage`, by their keys."""


class CellarRoom(_bs.Room):
    """A handle on the room `cellar`."""

    @staticmethod
    def of() -> "_bs.RoomName[CellarRoom]":
        """Name such a room, to join several at once by `join_all`."""
        return _bs.RoomName(CellarRoom, "cellar", {})


class DocRoom(_bs.Room):
    """A handle on the room `doc:{doc_id}`."""

    _parameters: _t.ClassVar[_bs.Parameters] = {"doc_id": int}

    @staticmethod
    def of(*, doc_id: int) -> "_bs.RoomName[DocRoom]":
        """Name such a room, to join several at once by `join_all`."""
        return _bs.RoomName(DocRoom, "doc:{doc_id}", {"doc_id": doc_id})

    _presence: _t.ClassVar[type[_bs.Presence[_t.Any]] | None] = _DocRoomPresence

    @property
    def presence(self) -> _DocRoomPresence:
        """The users in the room, as far as the server told."""
        people: _DocRoomPresence = self._people()
        return people

    def on_presence(self, callback: _abc.Callable[[_bs.PresenceChange], object], /) -> None:
        """Call a function with every change of `presence`, once it is in there."""
        self._on_presence(callback)


class StageRoom(_bs.Room):
    """A handle on the room `stage`."""

    @staticmethod
    def of() -> "_bs.RoomName[StageRoom]":
        """Name such a room, to join several at once by `join_all`."""
        return _bs.RoomName(StageRoom, "stage", {})

    _presence: _t.ClassVar[type[_bs.Presence[_t.Any]] | None] = _StageRoomPresence

    @property
    def presence(self) -> _StageRoomPresence:
        """The users in the room, as far as the server told."""
        people: _StageRoomPresence = self._people()
        return people

    def on_presence(self, callback: _abc.Callable[[_bs.PresenceChange], object], /) -> None:
        """Call a function with every change of `presence`, once it is in there."""
        self._on_presence(callback)


_Joined = _t.TypeVar("_Joined", bound=_bs.Room)
_Joined2 = _t.TypeVar("_Joined2", bound=_bs.Room)
_Joined3 = _t.TypeVar("_Joined3", bound=_bs.Room)
_Joined4 = _t.TypeVar("_Joined4", bound=_bs.Room)


class PeopleClient(_bs.Client):
    """A client of People 0.1.0."""

    contract = CONTRACT
    _credentials: _t.ClassVar[_bs.PayloadType | None] = _bs.PayloadType(str)
    _rooms: _t.ClassVar[_abc.Mapping[str, type[_bs.Room]]] = {
        "cellar": CellarRoom,
        "doc:{doc_id}": DocRoom,
        "stage": StageRoom,
    }

    def __init__(
        self,
        url: str,
        *,
        auth: _bs.Fresh[str],
        codec: _t.Literal["json", "binary"] | None = None,
        headers: _bs.Headers | None = None,
        ssl_context: _ssl.SSLContext | None = None,
        settings: _bs.ClientSettings | None = None,
    ) -> None:
        super().__init__(
            url,
            auth=auth,
            codec=codec,
            headers=headers,
            ssl_context=ssl_context,
            settings=settings,
        )

    def set_auth(self, auth: _bs.Fresh[str], /) -> None:
        """Use these credentials, or this function that makes them, from the next connection on.

        `reconnect()` makes one with them now.
        """
        self._set_auth(auth)

    @_t.overload
    def join(self, room: _t.Literal["cellar"], /) -> CellarRoom: ...
    @_t.overload
    def join(self, room: _t.Literal["doc:{doc_id}"], /, *, doc_id: int) -> DocRoom: ...
    @_t.overload
    def join(self, room: _t.Literal["stage"], /) -> StageRoom: ...
    def join(self, room: str, /, **parameters: _t.Any) -> _t.Any:
        """Join a room; `await room.ready` waits until it is joined."""
        return self._join(room, parameters)

    @_t.overload
    def join_all(
        self,
        room1: _bs.RoomName[_Joined],
        room2: _bs.RoomName[_Joined2],
        /,
    ) -> _bs.RoomGroup[_Joined | _Joined2]: ...
    @_t.overload
    def join_all(
        self,
        room1: _bs.RoomName[_Joined],
        room2: _bs.RoomName[_Joined2],
        room3: _bs.RoomName[_Joined3],
        /,
    ) -> _bs.RoomGroup[_Joined | _Joined2 | _Joined3]: ...
    @_t.overload
    def join_all(
        self,
        room1: _bs.RoomName[_Joined],
        room2: _bs.RoomName[_Joined2],
        room3: _bs.RoomName[_Joined3],
        room4: _bs.RoomName[_Joined4],
        /,
    ) -> _bs.RoomGroup[_Joined | _Joined2 | _Joined3 | _Joined4]: ...
    @_t.overload
    def join_all(self, *rooms: _bs.RoomName[_Joined]) -> _bs.RoomGroup[_Joined]: ...
    def join_all(self, *rooms: _t.Any) -> _t.Any:
        """Join several rooms by one message: all of them, or none.

        `await group.ready` waits until they are joined; see `RoomGroup` of `bytesocket_app.client`.
        """
        return self._join_all(rooms)
