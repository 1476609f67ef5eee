"""Session of one connection: authenticate, send pings, read until the connection ends."""

from collections.abc import Callable
from typing import Any

import anyio
from pydantic import ValidationError

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
    Replied,
    ServerComplained,
    classify,
    lifecycle_frame,
)
from bytesocket_app.client.outgoing import Outgoing
from bytesocket_app.errors import (
    AuthError,
    DecodeError,
    ErrorContext,
    Phase,
    Refusal,
    UnknownContract,
)
from bytesocket_app.types import CodecName
from bytesocket_app.wire import CloseCode, MessageType, decode


class Session:
    """The session of one connection.

    Args:
        connection: The new connection.
        outgoing: The outgoing side of the client.
        listening: The incoming side, which is told of events and errors.
        credentials: Credentials to send; ABSENT sends none.
        opened: Called when the connection is ready for use.

    Attributes:
        opened_at: Time at which the connection was ready for use, on anyio's clock; None before.
        refused: The server's final refusal of the client; None without one.
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
        self._heartbeat: Heartbeat | None = None
        self.opened_at: float | None = None
        self.refused: Refusal | None = None

    async def run(self) -> Ending:
        """Run until the connection ends, then detach it from the outgoing side."""
        ending = Ending(CloseCode.ABNORMAL, "")
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._begin)
                if self._outgoing.pacing is not None:
                    tasks.start_soon(self._outgoing.keep_pace)
                ending = await self._connection.run(self._received)
                tasks.cancel_scope.cancel()
        finally:
            self._outgoing.closed(f"the connection ended ({ending.code} {ending.reason})".rstrip())
        return ending

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
            verdict = heartbeat.check(anyio.current_time())
            if verdict == "ping":
                self._connection.send(b"", is_binary=True)
            elif verdict == "dead":
                self._connection.close(CloseCode.PONG_TIMEOUT, "Pong timeout", timeout=0.5)
                return

    async def _received(self, payload: bytes, is_binary: bool) -> None:  # noqa: FBT001
        if is_binary and not payload:
            if self._heartbeat is not None:
                self._heartbeat.pong()
            return
        try:
            message = classify(decode(payload, is_binary))
        except DecodeError as error:
            self._listening.failed(ErrorContext(Phase.DECODE, error))
            return
        if isinstance(message, EventArrived):
            await self._listening.arrived(message, "binary" if is_binary else "json")
        elif message is not None:
            self._obey(message, "binary" if is_binary else "json")

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
            case Replied(request, data, is_refused):
                if is_refused:
                    self._outgoing.refused(data)
                    self._outgoing.requests.refuse(request, self._outgoing.refusals.error(data))
                else:
                    self._outgoing.requests.answer(request, data)
            case EventArrived():  # pragma: no cover - taken by the caller
                pass

    def _presence(self, room: str, data: object, codec: CodecName) -> None:
        presence = self._outgoing.rooms.presence(room)
        if presence is not None:
            try:
                presence.take(data, codec)
            except ValidationError as error:
                self._listening.failed(ErrorContext(Phase.VALIDATION, error))

    def _turned_away(self, context: object) -> None:
        error = self._outgoing.refusals.error(context, default="unauthorized")
        if error.code == UnknownContract.__refusal_code__:
            self.refused, phase = UnknownContract(error.message), Phase.UPGRADE
        else:
            self.refused = AuthError(error.message, code=error.code, data=error.data)
            phase = Phase.AUTH
        self._listening.failed(ErrorContext(phase, self.refused))
        self._connection.close(CloseCode.CLIENT_AUTH_FAILED, "Authentication failed")

    def _membership(self, answer: MembershipAnswered) -> None:
        refusals = self._outgoing.refusals
        error = None if answer.is_granted else refusals.error(answer.context)
        for room in answer.rooms:
            self._outgoing.rooms.answered(room, is_join=answer.is_join, error=error)
        if error is not None:
            self._listening.failed(refusals.server_error(answer.context))
