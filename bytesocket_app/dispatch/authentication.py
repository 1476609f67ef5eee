"""Authentication of connections by the application's function."""

import logging
from typing import Any, Final

from pydantic import ValidationError

from bytesocket_app.addresses import address_key
from bytesocket_app.buckets import buckets_for
from bytesocket_app.declarations.auth import Authenticator
from bytesocket_app.declarations.keys import key_of
from bytesocket_app.dispatch.answers import send, turn_away, validation_details
from bytesocket_app.dispatch.runtime import Runtime
from bytesocket_app.dispatch.step import Step
from bytesocket_app.errors import AuthError, ErrorContext, Phase, Refusal, UndeclaredAnswer
from bytesocket_app.lifecycle import HookKind, StandIn
from bytesocket_app.lifecycle.failures import leaf
from bytesocket_app.lifecycle.promises import meant_otherwise, named
from bytesocket_app.socket import AuthState, SendingSide, Socket, of_user
from bytesocket_app.telemetry import Count, Operation
from bytesocket_app.transports.http_errors import http_error
from bytesocket_app.types import CodecName, UserKey
from bytesocket_app.wire.close import CloseCode
from bytesocket_app.wire.shapes import auth_success

logger = logging.getLogger("bytesocket")

_LATE: Final = "not authenticated in time"
_REFUSED: Final = "Authentication failed."
_FAILED: Final = 500
"""The HTTP statuses from here on are failures."""
_REPLACED: Final = AuthError(
    "Another connection of this user took this one's place.", code="replaced"
)
LATER: Final = 5
"""Seconds after which to try again where nobody knows when a connection will end."""


class TryLater(Refusal):
    """Refusal that does not judge the credentials: the client is to come back.

    Attributes:
        reached: The name of the limit.
        whose: Whose it is, for the log.
        seconds: Time after which the client may come back.
    """

    def __init__(
        self, message: str, *, code: str, reached: str, whose: str, seconds: float
    ) -> None:
        super().__init__(message, code=code)
        self.reached = reached
        self.whose = whose
        self.seconds = seconds


def log_put_off(later: TryLater, socket: object) -> None:
    """Log that a connection is to come back, with the limit and whose it is."""
    logger.warning("refused for now: %s%s, %s", later.reached, later.whose, socket)


class Authentication:
    """Authentication of connections, by the client's auth message or from the handshake.

    Args:
        runtime: The parts of the application.

    Attributes:
        authenticator: The application's function; None for no authentication.
    """

    def __init__(self, runtime: Runtime) -> None:
        self.authenticator: Authenticator | None = None
        self._memberships = runtime.memberships
        self._lifecycle = runtime.lifecycle
        self._timeouts = runtime.settings.timeouts
        self._limits = runtime.settings.limits
        self._policies = runtime.settings.policies
        self._telemetry = runtime.telemetry
        self._attempts = buckets_for(self._limits.authentications_per_second, 10)
        self._clock = runtime.clock

    @property
    def source(self) -> str:
        """Place of the application's function, for the log."""
        return "" if self.authenticator is None else self.authenticator.bound.source

    async def opened(self, step: Step) -> None:
        """Begin an accepted connection: run its open hooks, or wait for its credentials."""
        if step.sending.close_sent is not None:
            return  # a drain closed it since it was accepted
        if self.authenticator is None:
            self._memberships.authenticated(step.socket)
            await self._lifecycle.run(HookKind.OPEN, step.socket, step.socket)
        elif self.authenticator.credentials is None:
            # Accepted by the handshake: for the protocol, a connection without authentication.
            step.sending.auth_state = AuthState.SUCCESS
            await self._memberships.expected(step.sending.user_key)
            try:
                # Others of the user may have opened since the handshake was answered.
                self._check_connections(step.sending.user_key)
            except TryLater as later:
                self._put_off(step.sending, later)
            else:
                await self._welcome(step.socket)

    async def by_handshake(self, socket: Socket[Any], sending: SendingSide) -> None:
        """Authenticate from the handshake, if the application does so.

        Raises:
            BaseException: Any exception of the function, for the caller to handle.
        """
        authenticator = self.authenticator
        if authenticator is None:
            return
        sending.auth_state = AuthState.IDLE
        if authenticator.credentials is None:
            await self._observe(socket, sending, None, sending.codec)

    async def by_message(self, step: Step, data: Any, codec: CodecName) -> None:
        """Authenticate a client by its credentials, and send it the result.

        Credentials that nobody asks for are accepted unread: their client waits for a type 5.
        """
        socket, sending, authenticator = step.socket, step.sending, self.authenticator
        if authenticator is None or authenticator.credentials is None:
            if sending.is_authenticated and self._policies.unasked_credentials == "accept":
                send(sending, auth_success())
            return
        if sending.auth_state is not AuthState.IDLE:
            return
        sending.auth_state = AuthState.PENDING
        step.start(Phase.AUTH, self._timeouts.auth, since=step.opened_at)
        try:
            await self._observe(socket, sending, data, codec)
        except TryLater as later:
            step.done()
            self._put_off(sending, later)
        except BaseException as exc:  # noqa: BLE001 - ends in the boundary
            step.done()
            await self.failed(socket, sending, exc, tell=True)
        else:
            step.done()
            if not sending.is_closed:
                sending.auth_state = AuthState.SUCCESS
                if sending.place is not None:
                    sending.place.authenticated()
                send(sending, auth_success())
                await self._welcome(socket)

    async def failed(
        self, socket: Socket[Any], sending: SendingSide, error: BaseException, *, tell: bool
    ) -> Refusal:
        """Handle an exception of authentication: tell the client, if possible, and call the hooks.

        Args:
            socket: The connection.
            sending: Its sending side.
            error: The exception.
            tell: False while the handshake is not answered: the caller tells the client.

        Returns:
            The refusal for the client.
        """
        code, http = CloseCode.AUTH_FAILED, http_error(leaf(error))
        if http is not None and http.status >= _FAILED and not tell:
            # Nothing failed here: the handshake is answered with this status.
            error = StandIn(leaf(error), http.message, code="refused")
        refusals: list[Refusal] = []

        def answer(refusal: Refusal) -> None:
            if isinstance(refusal, StandIn) and refusal.code == "internal":
                refusal = Refusal(_REFUSED, code="internal")
            refusals.append(refusal)
            sending.auth_state = AuthState.FAILED
            if tell and not sending.is_closed:
                turn_away(sending, Phase.AUTH, refusal, code, "auth")

        was_closed = sending.is_closed
        ended = await self._lifecycle.failures.end(
            error, Phase.AUTH, "authentication", socket=socket, code=int(code), answer=answer
        )
        if not (tell and was_closed):
            cause = ended.error if isinstance(ended, StandIn) else ended
            context = ErrorContext(Phase.AUTH, cause, code=int(code))
            await self._lifecycle.run(HookKind.AUTH_ERROR, socket, socket, context)
        return refusals[0]

    async def late(
        self, socket: Socket[Any], sending: SendingSide, *, is_at_work: bool = False
    ) -> None:
        """Close a connection that did not authenticate in time.

        Args:
            socket: The connection.
            sending: Its sending side.
            is_at_work: True if the application's function took too long, and was cancelled.
        """
        self._telemetry.count(Count.LATE, socket=sending.socket_id, phase=Phase.AUTH.value)
        sending.auth_state = AuthState.FAILED
        if self._policies.auth_timeout == "retry" or sending.is_closed:
            what = f"authentication {self.source} took too long" if is_at_work else _LATE
            logger.warning("%s, %s", what, socket)
            sending.shut(CloseCode.TRY_LATER, "authentication took too long")
            return
        error = AuthError("Authentication took too long.", code="timeout")
        code = CloseCode.AUTH_TIMEOUT
        turn_away(sending, Phase.AUTH, error, code, "auth")
        context = ErrorContext(Phase.AUTH, error, code=int(code))
        await self._lifecycle.run(HookKind.AUTH_ERROR, socket, socket, context)

    async def _observe(
        self, socket: Socket[Any], sending: SendingSide, data: Any, codec: CodecName
    ) -> None:
        telemetry = self._telemetry
        if telemetry.listener is None:
            await self._decide(socket, sending, data, codec)
            return
        values = {"socket": sending.socket_id}
        token = telemetry.began(Operation.AUTHENTICATION, values)
        outcome = "failed"
        try:
            await self._decide(socket, sending, data, codec)
            outcome = "accepted"
        except Refusal as refusal:
            outcome = refusal.code
            raise
        finally:
            telemetry.ended(token, outcome)

    async def _decide(
        self, socket: Socket[Any], sending: SendingSide, data: Any, codec: CodecName
    ) -> None:
        """Call the authentication function, and store the user on the socket."""
        authenticator = self.authenticator
        assert authenticator is not None  # noqa: S101 - asked by the callers
        self._check_attempts(socket)
        user = await ask(authenticator, socket, data, codec)
        if authenticator.key is not None:
            key = key_of(user, authenticator.key)
            self._check_connections(key)
            if self._memberships.occupancy is not None and authenticator.credentials is not None:
                await self._memberships.expected(key)
                self._check_connections(key)  # others may have come meanwhile
            sending.user_key = key
        socket.user = user

    def _check_attempts(self, socket: Socket[Any]) -> None:
        """Raise TryLater if connections from a socket's address authenticate too often."""
        if self._attempts is None:
            return
        address = address_key(socket.client)
        wait = self._attempts.take(address, self._clock())
        if wait:
            raise TryLater(
                "Too many authentications; try again later.",
                code="too_many_authentications",
                reached="authentications_per_second",
                whose=f" of {address}",
                seconds=wait,
            )

    def _check_connections(self, key: UserKey | None) -> None:
        """Raise TryLater if a user has as many connections as one may have."""
        most = self._limits.connections_per_user
        if not most or key is None or self._policies.connections_per_user != "refuse":
            return
        if self._memberships.users.count(key) >= most:
            raise TryLater(
                f"A user may have {most} connections at once; try again later.",
                code="too_many_connections",
                reached="connections_per_user",
                whose=of_user(key),
                seconds=LATER,
            )

    def _put_off(self, sending: SendingSide, later: TryLater) -> None:
        """Close a connection whose client is to come back."""
        sending.auth_state = AuthState.FAILED
        if sending.is_closed:
            return
        log_put_off(later, sending)
        self._telemetry.count(
            Count.REFUSED, socket=sending.socket_id, code=later.code, reason=later.reached
        )
        sending.shut(CloseCode.TRY_LATER, later.code.replace("_", " "))

    def _replace_oldest(self, socket: Socket[Any]) -> None:
        """Close as many of a user's connections, oldest first, as a new one leaves no room for."""
        most, key = self._limits.connections_per_user, socket.user_key
        if not most or key is None or self._policies.connections_per_user != "close_oldest":
            return
        sockets = self._memberships.users.of(key)
        for oldest in sockets[: max(len(sockets) - most + 1, 0)]:
            sending = self._memberships.side(oldest)
            if sending is not None:
                logger.info("replaced by another connection of the user, %s", sending)
                turn_away(sending, Phase.AUTH, _REPLACED, CloseCode.AUTH_FAILED, "replaced")

    async def _welcome(self, socket: Socket[Any]) -> None:
        if not socket.is_closed:
            self._replace_oldest(socket)
        self._memberships.authenticated(socket)
        await self._lifecycle.run(HookKind.AUTH_SUCCESS, socket, socket)
        await self._lifecycle.run(HookKind.OPEN, socket, socket)


async def ask(
    authenticator: Authenticator, socket: Socket[Any], data: Any, codec: CodecName
) -> Any:
    """Call the application's authentication function.

    Args:
        authenticator: The function.
        socket: The connection.
        data: The auth message's data; ignored when the handshake decides.
        codec: The codec that `data` came in.

    Returns:
        The user.

    Raises:
        AuthError: The credentials are refused, or not of the declared type.
        UndeclaredAnswer: It returned False, or an exception, which is meant as a refusal.
    """
    credentials = None
    if authenticator.credentials is not None:
        try:
            credentials = authenticator.credentials.validate_large(data, codec)
        except ValidationError as exc:
            problems = "; ".join(
                f"{'.'.join(map(str, each['loc'])) or 'credentials'}: {each['msg']}"
                for each in validation_details(exc)[:3]
            )
            raise AuthError(f"The credentials cannot be read: {problems}") from exc
    user = await authenticator.bound.invoke(socket, credentials, socket.handshake)
    if user is False or meant_otherwise(user):
        raise UndeclaredAnswer(
            f"authentication {authenticator.bound.source} returned {named(user)}: it says no by "
            'raising, as in `raise AuthError("Unknown token.")`, and yes by returning the user.'
        )
    return user
