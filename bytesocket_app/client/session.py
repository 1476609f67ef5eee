"""Session of one connection: authenticate, send pings, read until the connection ends."""

from collections.abc import Callable
from typing import Any, Final

import anyio

from bytesocket_app.client.connection import Ending, WebSocketConnection
from bytesocket_app.client.heartbeat import Heartbeat
from bytesocket_app.client.listening_side import ListeningSide
from bytesocket_app.client.messages import (
    ABSENT,
    AuthAccepted,
    AuthRefused,
    EventArrived,
    Incoming,
    MembershipAnswered,
    PresenceTold,
    Removed,
    Replied,
    ServerComplained,
    classify,
    events_of,
    lifecycle_frame,
)
from bytesocket_app.client.outgoing import Outgoing
from bytesocket_app.client.refusals import close_code, phase_of
from bytesocket_app.errors import (
    AuthError,
    DecodeError,
    Disconnected,
    ErrorContext,
    Phase,
    Refusal,
    RequestError,
    UnknownContract,
)
from bytesocket_app.types import CodecName
from bytesocket_app.wire import CloseCode, MessageType, decode
from bytesocket_app.wire.close import is_final

ADMISSION: Final = 2.0
"""Seconds to wait for the first frame of a server that is asked for none before."""


class Session:
    """The session of one connection.

    Args:
        connection: The new connection.
        outgoing: The outgoing side of the client.
        listening: The incoming side, which is told of events and errors.
        credentials: Credentials to send; ABSENT sends none.
        opened: Called when the connection is ready for use, and again when it is known that the
            server has let the client in.

    Attributes:
        opened_at: Time at which the connection was ready for use, on anyio's clock; None before.
        refused: Why the server will not have this client again; None while it may come back.
    """

    def __init__(
        self,
        connection: WebSocketConnection,
        outgoing: Outgoing,
        listening: ListeningSide,
        credentials: Any,
        opened: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._outgoing = outgoing
        self._listening = listening
        self._opened = opened
        self._credentials = credentials
        self._is_open = anyio.Event()
        self._is_unsure = credentials is ABSENT
        if self._is_unsure:
            connection.doubtful = []
        self._first = anyio.Event()
        self._is_probed = False
        self._heartbeat: Heartbeat | None = None
        self.opened_at: float | None = None
        self.refused: Refusal | Disconnected | None = None

    async def run(self) -> Ending:
        """Run until the connection ends, then detach it from the outgoing side."""
        ending = Ending(CloseCode.ABNORMAL, "")
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._begin)
                if self._is_unsure:
                    tasks.start_soon(self._admit_in_time)
                if self._outgoing.pacing is not None:
                    tasks.start_soon(self._outgoing.keep_pace)
                ending = await self._connection.run(self._received)
                tasks.cancel_scope.cancel()
        finally:
            error = self._lost(ending)
            self._outgoing.closed(str(error), error)
        return ending

    def _lost(self, ending: Ending) -> Exception:
        """Return the error of what was not answered, given how the connection ended."""
        if self.refused is not None:
            return self.refused
        said = f"{ending.code} {ending.reason}".rstrip()
        if not (ending.is_peers and is_final(ending.code)):
            return _ended(f"the connection ended ({said})", ending)
        self.refused = _ended(f"the server closed the connection for good ({said})", ending)
        self._outgoing.over = self.refused
        self._listening.failed(ErrorContext(Phase.CLOSE, self.refused, code=ending.code))
        return self.refused

    async def _begin(self) -> None:
        if self._credentials is ABSENT:
            self._open()
        else:
            self._send(MessageType.AUTH, data=self._credentials)
            with anyio.move_on_after(self._outgoing.settings.auth_timeout or None):
                await self._is_open.wait()
        if self._heartbeat is None:
            self._connection.close(CloseCode.CLIENT_AUTH_TIMEOUT, "Auth timeout")
        else:
            await self._beat(self._heartbeat)

    @property
    def is_admitted(self) -> bool:
        """True once the server has let the client in: by a type 5, or by anything but a type 6.

        Without credentials a connection is open before that is known.
        """
        return not self._is_unsure and self.opened_at is not None and self.refused is None

    def probe(self) -> None:
        """Ask an open connection for its first frame, once, which tells if the client is in."""
        if self._is_unsure and not self._is_probed and self._outgoing.settings.ping_interval > 0:
            self._is_probed = True
            self._connection.send(b"", is_binary=True)

    async def _admit_in_time(self) -> None:
        """Take a silent server for one that has let the client in."""
        with anyio.move_on_after(ADMISSION):
            await self._first.wait()
            return
        self._admit()

    def _admit(self) -> None:
        """Take note of the first frame."""
        self._is_unsure, self._connection.doubtful = False, None
        self._first.set()
        self._opened()

    def _open(self) -> None:
        """Start using the connection, once; a further message of type 5 is ignored (Q38)."""
        if self._heartbeat is not None:
            return
        now = anyio.current_time()
        settings = self._outgoing.settings
        self._heartbeat = Heartbeat(settings.ping_interval, settings.pong_timeout, now)
        self.opened_at = now
        self._outgoing.opened(self._connection)
        self._opened()
        self._is_open.set()

    def _send(self, kind: MessageType, **members: object) -> None:
        codec = self._outgoing.codec
        self._connection.send(lifecycle_frame(codec, kind, **members), is_binary=codec.is_binary)

    async def _beat(self, heartbeat: Heartbeat) -> None:
        while True:
            await anyio.sleep_until(heartbeat.due)
            connection = self._connection
            verdict = heartbeat.check(anyio.current_time(), has_heard=connection.has_heard)
            if verdict == "ping":
                connection.has_heard = False
                connection.send(b"", is_binary=True)
            elif verdict == "dead" and await connection.is_silent():
                connection.close(CloseCode.PONG_TIMEOUT, "Pong timeout", timeout=0.5)
                return

    async def _received(self, payload: bytes, is_binary: bool) -> None:  # noqa: FBT001
        listening = self._listening
        callbacks, message = listening.callbacks, None
        callbacks.message_bytes = len(payload)
        if listening.hears_frames:
            listening.framed(payload, is_binary=is_binary)
        try:
            if payload or not is_binary:
                message = classify(decode(payload, is_binary))
        except DecodeError as error:
            listening.failed(ErrorContext(Phase.DECODE, error))
        if isinstance(message, EventArrived):
            listening.arrived(message, "binary" if is_binary else "json")
        elif message is not None:
            self._obey(message, "binary" if is_binary else "json")
        callbacks.message_bytes = 0
        if self._is_unsure:
            self._admit()
        if callbacks.is_full:
            await self._pause()

    async def _pause(self) -> None:
        """Read nothing while too much waits for listeners, unless an answer must be read."""
        callbacks, connection = self._listening.callbacks, self._connection
        connection.stirred = callbacks.less
        try:
            await callbacks.room(self._is_awaited)
        finally:
            connection.stirred = None

    def _is_awaited(self) -> bool:
        """Return True if something else than an event must be read.

        An event on the way may stand before it: it is read too. A server that waits until it has
        sent its events reads nothing, so whoever waits to send needs them read as well.
        """
        connection, heartbeat = self._connection, self._heartbeat
        if heartbeat is None or not connection.is_open or connection.is_clogged:
            return True
        is_pong_due = heartbeat.is_waiting and not connection.has_heard
        return is_pong_due or self._outgoing.is_awaiting

    def _obey(self, message: Incoming, codec: CodecName) -> None:
        match message:
            case AuthAccepted():
                self._open()
            case AuthRefused(context):
                self._turned_away(context)
            case ServerComplained(context):
                self._outgoing.refused(context)
                self._listening.failed(self._outgoing.refusals.server_error(context))
            case MembershipAnswered():
                self._membership(message)
            case PresenceTold(room, data):
                self._presence(room, data, codec)
            case Removed(room, code, text):
                error = self._outgoing.refusals.error({"error": {"code": code, "message": text}})
                lost = self._outgoing.removed(room, error)
                what = f"events were dropped, as the server took the client out of room {room!r}"
                self._listening.lost(lost, what, Phase.MESSAGE)
            case Replied(request, data, is_refused):
                if is_refused:
                    self._outgoing.refused(data)
                    self._outgoing.requests.refuse(request, self._outgoing.refusals.error(data))
                else:
                    self._outgoing.requests.answer(request, data)
            case EventArrived():  # pragma: no cover - taken by the caller
                pass

    def _presence(self, room: str, data: object, codec: CodecName) -> None:
        presence = self._outgoing.rooms.presence(room, joined=True)
        if presence is not None:
            for error in presence.take(data, codec):
                self._listening.failed(ErrorContext(Phase.VALIDATION, error))

    def _turned_away(self, context: object) -> None:
        error = self._outgoing.refusals.error(context, default="unauthorized")
        if error.code == UnknownContract.__refusal_code__:
            self.refused, phase = UnknownContract(error.message), Phase.UPGRADE
        else:
            self.refused = _unwelcome(error)
            phase = Phase.UPGRADE if phase_of(context) is Phase.UPGRADE else Phase.AUTH
        self._outgoing.over = self.refused
        self._listening.failed(ErrorContext(phase, self.refused, code=close_code(context)))
        doubtful, self._connection.doubtful = self._connection.doubtful, None
        what = "events were sent before the server refused this client"
        self._listening.lost(events_of(doubtful or ()), what, phase)
        self._connection.close(CloseCode.CLIENT_AUTH_FAILED, "Authentication failed")

    def _membership(self, answer: MembershipAnswered) -> None:
        refusals = self._outgoing.refusals
        error = None if answer.is_granted else refusals.error(answer.context)
        for room in answer.rooms:
            self._outgoing.rooms.answered(room, is_join=answer.is_join, error=error)
        if error is not None:
            self._listening.failed(refusals.server_error(answer.context))


def _ended(text: str, ending: Ending) -> Disconnected:
    return Disconnected(text, close_code=ending.code, close_reason=ending.reason)


def _unwelcome(error: RequestError) -> AuthError:
    """Return the AuthError of a refusal. For a declared code it is of the code's class as well."""
    declared = type(error)
    if declared is RequestError:
        return AuthError(error.message, code=error.code, data=error.data)
    both: Any = type(declared.__name__, (declared, AuthError), {"__module__": declared.__module__})
    made: AuthError = both.__new__(both, str(error))
    vars(made).update(vars(error))
    return made
