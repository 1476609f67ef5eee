"""Entry point that server adaptors call for each connection: admit, open, drain."""

import logging
from dataclasses import replace
from functools import partial
from sys import maxsize
from typing import Any, Final, NamedTuple

from anyio import move_on_after
from anyio.abc import TaskGroup

from bytesocket_app import threads
from bytesocket_app.addresses import Proxies
from bytesocket_app.dispatch import Dispatcher, Runtime
from bytesocket_app.dispatch.authentication import TryLater, log_put_off
from bytesocket_app.errors import ConfigurationError, ErrorCode, Phase, Refusal
from bytesocket_app.lifecycle import HookKind, HookTimeout
from bytesocket_app.lifecycle.failures import StandIn
from bytesocket_app.serving.admission import Admission, AdmissionPlace, Full, full
from bytesocket_app.serving.clustering import Cluster
from bytesocket_app.serving.connection import Connection
from bytesocket_app.serving.contracts import Contracts
from bytesocket_app.serving.dismissal import Dismissal, judges
from bytesocket_app.serving.housekeeping import Housekeeping
from bytesocket_app.serving.origins import Forwarded, Origins
from bytesocket_app.socket import AuthState, SendingSide, Socket, new_id
from bytesocket_app.telemetry import Count, Operation
from bytesocket_app.transports import Acceptance, Handshake, Rejection, Transport
from bytesocket_app.transports.headers import TOO_LARGE, is_key, is_token, told
from bytesocket_app.transports.http_errors import http_error
from bytesocket_app.transports.null import NullTransport
from bytesocket_app.types import CodecName
from bytesocket_app.wire.close import CloseCode

logger = logging.getLogger("bytesocket")

_FOR_NOW: Final = (("retry-after", "1"),)
"""Headers of a 403 that is no refusal by the application: our clients come back."""

_REFUSED: Final = 400
"""The statuses from here on refuse (RFC 9110 section 15.5)."""

_STARLETTES_KEY: Final = "testserver=="
"""Key that the test clients of Starlette and FastAPI send, straight to the application."""

SUBPROTOCOLS: dict[str, CodecName] = {"bytesocket.json": "json", "bytesocket.binary": "binary"}
"""Subprotocols by which a client asks to be sent one codec; see `Socket.codec`."""


_ACCEPTED: Final = "accepted"


class Admitted(NamedTuple):
    """Connection whose handshake is answered with 101; with a dismissal it is closed at once."""

    socket: Socket[Any]
    sending: SendingSide
    dismissal: Dismissal | None


class ApplicationEndpoint:
    """Admits, opens and drains the connections of one application.

    Args:
        runtime: The parts of the application.
        dispatcher: Handles the connections' messages, and authenticates them.
        housekeeping: Lists running connections.
        origins: Pages that may connect.
        contracts: Contracts of clients that may connect.

    Attributes:
        draining: True while new connections are refused with 503.
        admission: Counts of the connections.
    """

    def __init__(
        self,
        runtime: Runtime,
        dispatcher: Dispatcher,
        housekeeping: Housekeeping,
        *,
        origins: Origins,
        contracts: Contracts,
    ) -> None:
        self.draining = False
        self._farewell: tuple[int, str] = (CloseCode.RESTART, "server restart")
        self._runtime = runtime
        self._dispatcher = dispatcher
        self._memberships = runtime.memberships
        self._lifecycle = runtime.lifecycle
        self._housekeeping = housekeeping
        self._telemetry = runtime.telemetry
        self._app = runtime.app
        self._origins = origins
        self._proxies = Proxies(runtime.settings.policies.trusted_proxies)
        self.admission = Admission(runtime.settings.limits)
        self._contracts = contracts
        self._policies = runtime.settings.policies

    @property
    def unready(self) -> str:
        """Reason for a balancer to send connections elsewhere; empty if there is none."""
        if self.draining:
            return "draining"
        cluster: Cluster | None = self._app.cluster
        outage = None if cluster is None else cluster.outage()
        grace = self._runtime.settings.timeouts.engine_grace
        if outage is None or not grace or self._policies.engine_down == "ready":
            return ""
        seconds, reason = outage
        return f"engine down {seconds:.0f} s: {reason}" if seconds >= grace else ""

    async def admit(self, handshake: Handshake) -> Acceptance | Rejection:
        """Decide about a handshake.

        In this order: drain, the request itself, limits on connections, origin, upgrade hooks, the
        client's contract, authentication.

        Raises:
            ConfigurationError: Nobody runs the application's life, and its declarations do not go
                together, or its engine needs it.
        """
        self._app.life.check()
        # Routes of a host are without the prefix of a proxy before it.
        proxied: str = handshake.native.get("app_root_path", "")
        root: str = handshake.native.get("root_path", "")
        self._app.life.met(root.removeprefix(proxied), handshake.path)
        share = threads.current.set(self._runtime.threads.share())
        try:
            return await self._observe(handshake, new_id())
        finally:
            threads.current.reset(share)

    async def _observe(self, handshake: Handshake, socket_id: str) -> Acceptance | Rejection:
        telemetry = self._telemetry
        if telemetry.listener is None:
            return await self._admit(handshake, socket_id)
        values = {"path": handshake.path, "socket": socket_id}
        token = telemetry.began(Operation.HANDSHAKE, values)
        outcome = "cancelled"
        try:
            decision = await self._admit(handshake, socket_id)
            outcome = _outcome(decision)
        finally:
            telemetry.ended(token, outcome)
        if isinstance(decision, Full):
            telemetry.count(Count.REFUSED, code=outcome, reason=decision.reached)
        elif outcome != _ACCEPTED:
            telemetry.count(Count.REFUSED, code=outcome)
        return decision

    async def _admit(self, handshake: Handshake, socket_id: str) -> Acceptance | Rejection:
        if self.draining:
            return Rejection(503, "The server is restarting; try again.")
        malformed = self._check_head(handshake)
        if malformed is not None:
            return malformed
        peer = handshake.client
        via = Forwarded(self._proxies.host(peer, handshake.headers), peer)
        client = self._proxies.client(peer, handshake.headers)
        # An adaptor may use a handshake again: each connection has notes of its own.
        handshake = replace(handshake, client=client, state=dict(handshake.state))
        authenticator = self._dispatcher.authentication.authenticator
        waits = authenticator is not None and authenticator.credentials is not None
        place = self.admission.admit(client, self._housekeeping.clock(), waits=waits)
        if isinstance(place, Rejection):
            return place
        try:
            decision = await self._decide(handshake, socket_id, place, via)
        except BaseException:
            place.give_back()
            raise
        if isinstance(decision, Rejection):
            place.give_back()
        return decision

    async def _decide(
        self, handshake: Handshake, socket_id: str, place: AdmissionPlace, via: Forwarded
    ) -> Acceptance | Rejection:
        if not self._origins.allow(handshake, via):
            self._origins.tell(handshake, via)
            return Rejection(403, "This origin is not allowed.", _FOR_NOW)
        subprotocol, sending = self._negotiate(handshake, socket_id)
        sending.place = place
        socket: Socket[Any] = Socket(handshake, sending, self._runtime.hub, app=self._app)
        refused = (
            await self._upgrade(socket)
            or await self._contracts.refusal(socket)
            or await self._identify(socket, sending)
        )
        if isinstance(refused, Rejection):
            sending.lose(CloseCode.ABNORMAL, "")  # for whoever waits for its end
            return refused
        if refused is not None:
            sending.auth_state = AuthState.FAILED
        admitted = Admitted(socket, sending, refused)
        return Acceptance(subprotocol, admitted, partial(_abandon, sending))

    def open(
        self, _handshake: Handshake, transport: Transport, accepted: Acceptance, tasks: TaskGroup
    ) -> Connection:
        """Open an accepted connection.

        Raises:
            ConfigurationError: The transport is not derived from `Transport`.
        """
        if not isinstance(transport, Transport):  # pyright: ignore[reportUnnecessaryIsInstance] - what adaptors give
            raise ConfigurationError(
                f"{type(transport).__name__} is no transport: derive it from "
                "bytesocket_app.transports.Transport, or from QueuedTransport, which has an outbox."
            )
        admitted: Admitted = accepted.context
        socket, sending, dismissal = admitted
        sending.connect(transport)
        self._memberships.add(socket, sending)
        if sending.close_sent is not None:
            # Closed while its handshake was authenticated: no connection was there to close.
            sending.released()
            transport.close(*sending.close_sent)
        elif self.draining:
            # Admitted before the drain, while authentication or a hook was still deciding.
            sending.shut(*self._farewell)
        elif dismissal is not None:
            dismissal.tell(sending)
        return Connection(
            socket,
            sending,
            transport,
            self._runtime,
            self._dispatcher,
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
        for socket in tuple(self._memberships.sockets.values()):
            side = self._memberships.side(socket)
            if side is not None:
                side.shut(code, reason)
        with move_on_after(grace):
            await self._housekeeping.emptied()
        for connection in tuple(self._housekeeping.connections):
            connection.abort()

    def _check_head(self, handshake: Handshake) -> Rejection | None:
        """Refuse a request that is too large, or that we could not answer."""
        limits = self._runtime.settings.limits
        if 0 < limits.headers < handshake.header_count:
            return Rejection(told(TOO_LARGE), f"A handshake has at most {limits.headers} headers.")
        if 0 < limits.header_bytes < handshake.header_bytes:
            return Rejection(
                told(TOO_LARGE), f"A handshake has at most {limits.header_bytes} bytes."
            )
        key = handshake.headers.get("sec-websocket-key")
        if key is not None and key != _STARLETTES_KEY and not is_key(key):
            logger.info("handshake refused: its key is none")
            return Rejection(400, "Sec-WebSocket-Key is 16 bytes in base64, once.")
        if not all(map(is_token, handshake.subprotocols)):
            logger.info("handshake refused: a subprotocol is no token")
            return Rejection(400, "Subprotocols are tokens (RFC 6455 section 4.1).")
        return None

    async def _upgrade(self, socket: Socket[Any]) -> Rejection | Dismissal | None:
        """Run the upgrade hooks; returns their refusal, None without one."""
        if not self._lifecycle.has(HookKind.UPGRADE):
            return None
        codec = socket.codec if self._tells(socket) else None
        handshake = socket.handshake
        failed = await self._lifecycle.run(HookKind.UPGRADE, None, handshake, codec=codec)
        if failed is None:
            return None
        if isinstance(failed, HookTimeout):
            return Rejection(503, "The upgrade took too long; try again.")
        refused = self._answer(Phase.UPGRADE, failed, socket)
        return refused or Rejection(403, "The upgrade was refused.", _FOR_NOW)

    def _tells(self, socket: Socket[Any]) -> bool:
        """Return True if a client is told of a refusal by a dismissal, not by an HTTP status."""
        policy = self._policies.handshake_refusal
        return policy == "close" or (policy == "auto" and socket.contract is not None)

    def _answer(
        self, phase: Phase, failed: BaseException, socket: Socket[Any]
    ) -> Rejection | Dismissal | None:
        """Return the answer to a handshake that a failure stands for; None for a crash.

        Args:
            phase: What failed.
            failed: The exception, or the refusal that the client gets in its place.
            socket: The connection.
        """
        error = failed.error if isinstance(failed, StandIn) else failed
        if isinstance(error, Refusal) and error.code == ErrorCode.INTERNAL:
            return None  # it stands for something else
        if isinstance(failed, Refusal) and judges(error) and self._tells(socket):
            return Dismissal(phase, failed)
        return _rejection(error)

    async def _identify(
        self, socket: Socket[Any], sending: SendingSide
    ) -> Rejection | Dismissal | None:
        authentication = self._dispatcher.authentication
        try:
            with move_on_after(self._runtime.settings.timeouts.auth or None) as scope:
                await authentication.by_handshake(socket, sending)
        except TryLater as later:
            log_put_off(later, socket)
            return full(later.reached, later.message, seconds=later.seconds)
        except BaseException as exc:  # noqa: BLE001 - ends in the boundary
            refusal = await authentication.failed(socket, sending, exc, tell=False)
            refused = self._answer(Phase.AUTH, refusal, socket)
            return refused or Rejection(500, "Authentication failed.")
        if scope.cancelled_caught:
            self._telemetry.count(Count.LATE, socket=socket.id, phase=Phase.AUTH.value)
            logger.warning("authentication %s took too long, %s", authentication.source, socket)
            return Rejection(503, "Authentication took too long; try again.")
        return None

    def _negotiate(self, handshake: Handshake, socket_id: str) -> tuple[str | None, SendingSide]:
        """Choose the subprotocol and the codec; returns it with the sending side that has it."""
        # The origin's servers echo the first offer, and browsers insist on an answer.
        offered: tuple[str, ...] = handshake.subprotocols
        codec: CodecName = self._app.serialization
        chosen = offered[0] if offered else None
        for name in offered:
            if name in SUBPROTOCOLS:
                chosen, codec = name, SUBPROTOCOLS[name]
                break
        settings = self._runtime.settings
        return chosen, SendingSide(
            socket_id,
            NullTransport(),
            codec=codec,
            limit=settings.limits.outbox_bytes or maxsize,
            drop_oldest=settings.policies.slow_reader == "drop_oldest",
            telemetry=self._telemetry,
        )


def _abandon(sending: SendingSide) -> None:
    """Take note that an accepted connection will not be opened; nothing if it is open."""
    if isinstance(sending.transport, NullTransport):
        sending.lose(CloseCode.ABNORMAL, "")  # for whoever waits for its end


def _outcome(decision: Acceptance | Rejection) -> str:
    """Return the outcome of a handshake for telemetry: the HTTP status, or the close code."""
    if isinstance(decision, Rejection):
        return str(decision.status)
    admitted: Admitted = decision.context
    return _ACCEPTED if admitted.dismissal is None else str(int(admitted.dismissal.code))


def _rejection(error: BaseException) -> Rejection | None:
    """Return the answer to a handshake that an exception stands for; None if for none."""
    if isinstance(error, Refusal):
        return Rejection(401 if error.code == "unauthorized" else 403, error.message)
    answer = http_error(error)
    if answer is None:
        return None
    # A redirection leads to a page, where no socket can go.
    return Rejection(answer.status if answer.status >= _REFUSED else 403, answer.message)
