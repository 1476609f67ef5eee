"""The door that adaptors knock at: which handshakes are taken, and what then opens."""

import logging
from typing import Any, Final

from anyio import move_on_after
from anyio.abc import TaskGroup

from bytesocket_app.delivery.hub import Hub
from bytesocket_app.dispatch import Dispatcher
from bytesocket_app.errors import ErrorContext, Phase, Refusal
from bytesocket_app.lifecycle import HookKind, Lifecycle
from bytesocket_app.serving.connection import Connection
from bytesocket_app.serving.contracts import Contracts
from bytesocket_app.serving.housekeeping import Housekeeping
from bytesocket_app.serving.origins import Origins
from bytesocket_app.socket import AuthState, Socket
from bytesocket_app.transports import Acceptance, Handshake, Rejection, Transport
from bytesocket_app.transports.http_errors import http_error
from bytesocket_app.transports.null import NullTransport
from bytesocket_app.types import CodecName
from bytesocket_app.wire.close import CloseCode

logger = logging.getLogger("bytesocket")

_REFUSED: Final = 400
"""The statuses from here on refuse (RFC 9110 section 15.5)."""

SUBPROTOCOLS: dict[str, CodecName] = {"bytesocket.json": "json", "bytesocket.binary": "binary"}
"""What a client offers to be sent one codec; see `Socket.codec`."""


class ApplicationEndpoint:
    """Admits, opens and drains the connections of one application.

    Attributes:
        draining: Whether new connections are refused with 503.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        hub: Hub,
        lifecycle: Lifecycle,
        housekeeping: Housekeeping,
        app: Any,
        *,
        origins: Origins,
        contracts: Contracts,
    ) -> None:
        self.draining = False
        self._farewell: tuple[int, str] = (CloseCode.RESTART, "server restart")
        self._dispatcher = dispatcher
        self._hub = hub
        self._lifecycle = lifecycle
        self._housekeeping = housekeeping
        self._app = app
        self._codec: CodecName = app.serialization
        self._origins = origins
        self._contracts = contracts

    async def admit(self, handshake: Handshake) -> Acceptance | Rejection:
        """Decide about a handshake.

        In this order: drain, origin, upgrade hooks, the client's contract, authentication.

        Raises:
            ConfigurationError: Nobody ran the application's life, and its declarations do not go
                together.
        """
        self._app.life.check()
        if self.draining:
            return Rejection(503, "The server is restarting; try again.")
        if not self._origins.allow(handshake):
            origin = handshake.headers.get("origin", "")
            logger.warning("origin %r refused; allow it with ByteSocket(origins=...)", origin[:256])
            return Rejection(403, "This origin is not allowed.")
        if self._lifecycle.has(HookKind.UPGRADE):
            failed = await self._lifecycle.run(HookKind.UPGRADE, None, handshake)
            if failed is not None:
                return _rejection(failed) or Rejection(403, "The upgrade was refused.")
        subprotocol, codec = self._negotiate(handshake)
        socket: Socket[Any] = Socket(
            handshake, NullTransport(), self._hub, app=self._app, codec=codec
        )
        if not await self._contracts.allow(socket.contract):
            socket.auth_state = AuthState.FAILED
            return Acceptance(subprotocol, socket)  # to be told why, and closed, when it is open
        refused = await self._identify(socket)
        return refused or Acceptance(subprotocol, socket)

    def open(
        self, _handshake: Handshake, transport: Transport, accepted: Acceptance, tasks: TaskGroup
    ) -> Connection:
        """Open an accepted connection."""
        socket: Socket[Any] = accepted.context
        socket.connect(transport)
        self._hub.add(socket)
        if self.draining:
            # Admitted before the drain, while authentication or a hook was still deciding.
            socket.shut(*self._farewell)
        elif socket.auth_state is AuthState.FAILED:
            self._contracts.dismiss(socket)
        return Connection(
            socket,
            transport,
            self._dispatcher,
            self._hub,
            self._lifecycle,
            self._housekeeping,
            tasks,
        )

    async def drain(self, grace: float, code: int, reason: str) -> None:
        """Refuse new connections, close all there are, and wait until they are gone.

        Args:
            grace: Seconds to wait for the peers' answers; then the connections are dropped.
            code: The close code.
            reason: The close reason.
        """
        self.draining = True
        self._farewell = (code, reason)
        for socket in tuple(self._hub.sockets.values()):
            socket.shut(code, reason)
        with move_on_after(grace):
            await self._housekeeping.emptied()
        for session in tuple(self._housekeeping.sessions):
            session.abort()

    async def _identify(self, socket: Socket[Any]) -> Rejection | None:
        authenticator = self._dispatcher.authenticator
        if authenticator is None:
            return None
        socket.auth_state = AuthState.IDLE
        if authenticator.credentials is not None:
            return None
        try:
            with move_on_after(self._app.settings.timeouts.auth or None) as scope:
                socket.user = await authenticator.decide(socket, None, socket.codec)
        except Exception as exc:
            rejection = _rejection(exc)
            if rejection is None:
                logger.exception("authentication failed, %s", socket)
                rejection = Rejection(500, "Authentication failed.")
            await self._unidentified(socket, exc)
            return rejection
        if scope.cancelled_caught:
            logger.warning("authentication took too long, %s", socket)
            return Rejection(503, "Authentication took too long; try again.")
        return None

    async def _unidentified(self, socket: Socket[Any], error: Exception) -> None:
        socket.auth_state = AuthState.FAILED
        context = ErrorContext(Phase.AUTH, error, code=int(CloseCode.AUTH_FAILED))
        await self._lifecycle.run(HookKind.AUTH_ERROR, socket, socket, context)

    def _negotiate(self, handshake: Handshake) -> tuple[str | None, CodecName]:
        offered = handshake.subprotocols
        for name in offered:
            if name in SUBPROTOCOLS:
                return name, SUBPROTOCOLS[name]
        # The origin's servers echo the first offer, and browsers insist on an answer.
        return (offered[0] if offered else None), self._codec


def _rejection(error: Exception) -> Rejection | None:
    """The answer to a handshake that an exception stands for; None if it stands for none."""
    if isinstance(error, Refusal):
        return Rejection(401 if error.code == "unauthorized" else 403, error.message)
    answer = http_error(error)
    if answer is None:
        return None
    # A redirection leads to a page, where no socket can go.
    return Rejection(answer.status if answer.status >= _REFUSED else 403, answer.message)
