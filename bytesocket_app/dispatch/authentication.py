"""Authentication of connections by the application's function."""

import logging
from typing import Any, Final

from pydantic import ValidationError

from bytesocket_app.declarations.auth import Authenticator
from bytesocket_app.declarations.keys import key_of
from bytesocket_app.dispatch.answers import protocol_frame, send
from bytesocket_app.dispatch.runtime import Runtime
from bytesocket_app.dispatch.step import Step
from bytesocket_app.errors import AuthError, ErrorContext, Phase, Refusal
from bytesocket_app.lifecycle import HookKind, StandIn
from bytesocket_app.lifecycle.failures import leaf
from bytesocket_app.socket import AuthState, SendingSide, Socket
from bytesocket_app.telemetry import Count, Operation
from bytesocket_app.transports.http_errors import http_error
from bytesocket_app.types import CodecName
from bytesocket_app.wire.close import CloseCode
from bytesocket_app.wire.shapes import auth_error, auth_success, error_context

logger = logging.getLogger("bytesocket")

_REFUSED: Final = "Authentication failed."


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
        self._policies = runtime.settings.policies
        self._telemetry = runtime.telemetry

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
        """Authenticate a client by its credentials, and send it the result."""
        socket, sending, authenticator = step.socket, step.sending, self.authenticator
        if authenticator is None or authenticator.credentials is None:
            return
        if sending.auth_state is not AuthState.IDLE:
            return
        sending.auth_state = AuthState.PENDING
        step.start(Phase.AUTH, self._timeouts.auth, since=step.opened_at)
        try:
            await self._observe(socket, sending, data, codec)
        except BaseException as exc:  # noqa: BLE001 - ends in the boundary
            step.done()
            await self.failed(socket, sending, exc, tell=True)
        else:
            step.done()
            if not sending.is_closed:
                sending.auth_state = AuthState.SUCCESS
                send(sending, auth_success())
                await self._welcome(socket)

    async def failed(
        self, socket: Socket[Any], sending: SendingSide, error: BaseException, *, tell: bool
    ) -> Refusal:
        """Handle an exception of authentication: tell the client, if possible, and call the hooks.

        Returns:
            The refusal for the client.
        """
        code, http = CloseCode.AUTH_FAILED, http_error(leaf(error))
        if http is not None and not tell:  # the handshake is answered with its status
            error = StandIn(leaf(error), http.message, code="refused")
        refusals: list[Refusal] = []

        def answer(refusal: Refusal) -> None:
            if isinstance(refusal, StandIn) and refusal.code == "internal":
                refusal = Refusal(_REFUSED, code="internal")
            refusals.append(refusal)
            sending.auth_state = AuthState.FAILED
            if tell and not sending.is_closed:
                self._refuse(sending, refusal, code)

        was_closed = sending.is_closed
        ended = await self._lifecycle.failures.end(
            error, Phase.AUTH, "authentication", socket=socket, code=int(code), answer=answer
        )
        if not (tell and was_closed):
            cause = ended.error if isinstance(ended, StandIn) else ended
            context = ErrorContext(Phase.AUTH, cause, code=int(code))
            await self._lifecycle.run(HookKind.AUTH_ERROR, socket, socket, context)
        return refusals[0]

    async def late(self, socket: Socket[Any], sending: SendingSide) -> None:
        """Close a connection that did not authenticate in time."""
        self._telemetry.count(Count.LATE, socket=sending.socket_id, phase=Phase.AUTH.value)
        sending.auth_state = AuthState.FAILED
        if self._policies.auth_timeout == "retry" or sending.is_closed:
            logger.warning("not authenticated in time, %s", socket)
            sending.shut(CloseCode.TRY_LATER, "authentication took too long")
            return
        error = AuthError("Authentication took too long.", code="timeout")
        code = CloseCode.AUTH_TIMEOUT
        self._refuse(sending, error, code)
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
        user = await ask(authenticator, socket, data, codec)
        if authenticator.key is not None:
            sending.user_key = key_of(user, authenticator.key)
        socket.user = user

    async def _welcome(self, socket: Socket[Any]) -> None:
        self._memberships.authenticated(socket)
        await self._lifecycle.run(HookKind.AUTH_SUCCESS, socket, socket)
        await self._lifecycle.run(HookKind.OPEN, socket, socket)

    def _refuse(self, sending: SendingSide, refusal: Refusal, code: CloseCode) -> None:
        context = error_context(Phase.AUTH, refusal, code=int(code))
        # `write`, as `deliver` sends nothing to a socket that is not authenticated.
        sending.write(protocol_frame(sending, auth_error(context)))
        sending.shut(code, "auth")


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
    """
    credentials = None
    if authenticator.credentials is not None:
        try:
            credentials = authenticator.credentials.validate(data, codec)
        except ValidationError as exc:
            problems = "; ".join(
                f"{'.'.join(map(str, e['loc'])) or 'credentials'}: {e['msg']}"
                for e in exc.errors(include_url=False, include_input=False)[:3]
            )
            raise AuthError(f"The credentials cannot be read: {problems}") from exc
    return await authenticator.bound.invoke(socket, credentials, socket.handshake)
