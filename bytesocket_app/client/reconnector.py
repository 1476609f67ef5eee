"""Reconnection loop of a client: connect, run the connection, wait, connect again."""

import logging
import ssl
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

import anyio
from websockets.uri import WebSocketURI

from bytesocket_app.client.auth import Headers, fresh
from bytesocket_app.client.backoff import Backoff
from bytesocket_app.client.connection import Ending, WebSocketConnection
from bytesocket_app.client.dial import Dial
from bytesocket_app.client.ending import EndOfConnection
from bytesocket_app.client.handshake_headers import checked_headers
from bytesocket_app.client.listening_side import ListeningSide
from bytesocket_app.client.messages import ABSENT
from bytesocket_app.client.outgoing import Outgoing
from bytesocket_app.client.payload import plain
from bytesocket_app.client.refusals import told_by_http
from bytesocket_app.client.session import Session
from bytesocket_app.client.signal import Signal
from bytesocket_app.client.user_code import isolated
from bytesocket_app.errors import (
    AuthError,
    ConfigurationError,
    ConnectError,
    Disconnected,
    ErrorCode,
    ErrorContext,
    Phase,
    where,
)
from bytesocket_app.events import PayloadType
from bytesocket_app.wire import CloseCode

log = logging.getLogger("bytesocket.client")

ClientState: TypeAlias = Literal["connecting", "open", "waiting", "closed"]
"""State of a client: connecting or authenticating; ready for use; waiting before the next
attempt; not running."""

_CLOSED: Final = "the client was closed"
_UNAUTHORIZED: Final = {401: ErrorCode.UNAUTHORIZED, 403: ErrorCode.FORBIDDEN}
"""Statuses of servers that want no further attempt, and the code if they give none."""

_NOT_FOUND: Final = 404

_PARTING: Final = 0.5
"""Longest wait in seconds for the answer to a close, where another connection is to follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAddress:
    """Address of the server, with the credentials and headers to connect with.

    Attributes:
        address: The address to connect to.
        auth: Credentials, or a function that returns them; None sends none.
        declared: The type of the credentials, if a contract says it.
        headers: Further headers, or a function that returns them.
        ssl_context: TLS settings for wss; None takes the system's certificates.
        path: The path that the contract says; "" without a contract.
    """

    address: WebSocketURI
    auth: Any = None
    declared: PayloadType | None = None
    headers: Headers | None = None
    ssl_context: ssl.SSLContext | None = None
    path: str = ""


class Reconnector:
    """The connections of one client, one after another.

    Args:
        endpoint: The address and credentials.
        outgoing: The outgoing side of the client.
        listening: The incoming side, which is told of events, states and errors.
    """

    def __init__(
        self, endpoint: ServerAddress, outgoing: Outgoing, listening: ListeningSide
    ) -> None:
        self._endpoint = endpoint
        self._outgoing = outgoing
        self._listening = listening
        self._settings = outgoing.settings
        self._state: ClientState = "closed"
        self._changed = Signal()
        self._connection: WebSocketConnection | None = None
        self._session: Session | None = None
        self._dialling: anyio.CancelScope | None = None
        self._is_closing = False
        self._is_reconnecting = False
        self._ending: Ending | None = None
        self._failure = ""

    @property
    def subprotocol(self) -> str | None:
        """Subprotocol of the open connection."""
        connection = self._outgoing.connection
        return None if connection is None else connection.subprotocol

    def set_auth(self, auth: Any) -> None:
        """Set the credentials, or the function that makes them, for the next connection."""
        self._endpoint = replace(self._endpoint, auth=auth)

    def reconnect(self) -> None:
        """Give up the connection, or the attempt, for a new one at once; see `Client.reconnect`."""
        self._outgoing.check_running()
        if self._outgoing.over is not None:
            raise self._outgoing.over
        if self._is_closing:
            raise Disconnected(_CLOSED)
        self._is_reconnecting = True
        if self._connection is not None:
            self._part(self._connection)
        if self._dialling is not None:
            self._dialling.cancel()
        self._enter("connecting")
        self._changed.notify()

    def _part(self, connection: WebSocketConnection) -> None:
        """Close a connection for good, or for another one."""
        if self._is_closing:
            connection.close(CloseCode.NORMAL, "normal")
        else:
            timeout = min(self._settings.close_timeout, _PARTING)
            connection.close(CloseCode.CLIENT_RECONNECT, "Client reconnect", timeout=timeout)

    @property
    def state(self) -> ClientState:
        """State of the connection."""
        return self._state

    async def wait_open(self) -> None:
        """Wait until the connection is ready for use, and the server has let the client in.

        Raises:
            AuthError: The server refused this client; no further attempt is made. For a declared
                code it is of the code's class as well.
            UnknownContract: The server does not accept this client's contract; no further attempt
                is made.
            ConfigurationError: A header cannot be sent.
            Disconnected: The client was closed, or the server closed for good.
            RuntimeError: The client does not run yet.
        """
        self._outgoing.check_running()
        while not self._is_admitted:
            if self._outgoing.over is not None and self._state == "closed":
                raise self._outgoing.over
            if self._state == "open" and self._session is not None:
                self._session.probe()
            await self._changed.wait()

    @property
    def _is_admitted(self) -> bool:
        """True for an open connection that the server has let in."""
        return self._state == "open" and self._session is not None and self._session.is_admitted

    async def close(self) -> None:
        """Close the connection with 1000, make no other, and wait until that is done.

        Closing goes on if the wait is cancelled.
        """
        self._is_closing = True
        if self._connection is not None:
            self._part(self._connection)
        if self._dialling is not None:
            self._dialling.cancel()
        self._changed.notify()
        while self._state != "closed":
            await self._changed.wait()

    async def run(self) -> None:
        """Connect again and again, until closed or refused for good."""
        backoff = Backoff(self._settings.backoff_base, self._settings.backoff_cap)
        over: Exception = Disconnected(_CLOSED)
        try:
            while not self._is_closing:
                self._is_reconnecting = False
                self._enter("connecting")
                refused = await self._connect(backoff) or self._exhausted(backoff)
                self._report_end(is_final=self._is_closing or refused is not None)
                if refused is not None:
                    over = refused
                    return
                await self._pause(backoff.wait)
        finally:
            unsent = self._outgoing.end(over)
            self._listening.end()
            self._enter("closed")
            self._changed.notify()
            self._listening.lost(
                unsent, "events were dropped, not sent before the end", Phase.CLOSE
            )

    async def _pause(self, seconds: float) -> None:
        if self._is_leaving():
            return
        self._enter("waiting")
        with anyio.move_on_after(seconds):
            while not self._is_leaving():
                await self._changed.wait()

    def _is_leaving(self) -> bool:
        """Return True if what is under way is to end: the client was told to close or reconnect."""
        return self._is_closing or self._is_reconnecting

    def _exhausted(self, backoff: Backoff) -> Exception | None:
        """Count an attempt that ended by itself; return the error if there must be no other."""
        if self._is_leaving():
            backoff.parted()
            return None
        backoff.failed()
        limit = self._settings.max_attempts
        if not 0 < limit <= backoff.attempts:
            return None
        return Disconnected(
            f"{limit} {'attempts' if limit > 1 else 'attempt'} to connect failed in a row "
            f"(max_attempts); the last: {self._failure}"
        )

    def _report_end(self, *, is_final: bool) -> None:
        """Tell the close hooks of the connection that ended, if there was one."""
        ending, self._ending = self._ending, None
        if ending is not None:
            self._listening.closed(EndOfConnection(ending.code, ending.reason, is_final))

    async def _connect(self, backoff: Backoff) -> Exception | None:
        """Run one connection; return the reason if there must be no further one, else None."""
        credentials: Any = None
        try:
            with anyio.CancelScope() as self._dialling:
                credentials = await self._credentials()
                self._connection = await self._dial(await self._headers())
        except ConnectError as error:
            self._failure = str(error)
            self._listening.failed(ErrorContext(Phase.NETWORK, error))
            return _unauthorized(error)
        except Exception as error:
            log.debug("no credentials for %s", self._endpoint.address.host, exc_info=True)
            self._failure = f"no credentials: {type(error).__qualname__}: {error}"
            self._listening.failed(ErrorContext(Phase.AUTH, error))
            return error if isinstance(error, AuthError | ConfigurationError) else None
        finally:
            self._dialling = None
        if self._connection is None:
            return None
        return await self._live(self._connection, credentials, backoff)

    async def _live(
        self, connection: WebSocketConnection, credentials: Any, backoff: Backoff
    ) -> Exception | None:
        if self._is_leaving():
            self._part(connection)
        session = Session(connection, self._outgoing, self._listening, credentials, self._opened)
        self._session = session
        try:
            self._ending = await session.run()
            self._failure = f"the connection ended ({self._ending.code} {self._ending.reason})"
        finally:
            self._connection = self._session = None
        if session.opened_at is not None:
            lasted = anyio.current_time() - session.opened_at
            backoff.lasted(lasted, stable_after=self._settings.stable_after)
        return session.refused

    def _opened(self) -> None:
        if not self._is_leaving():
            self._enter("open")
            self._changed.notify()

    async def _credentials(self) -> Any:
        auth, codec = self._endpoint.auth, self._outgoing.codec
        if auth is None:
            return ABSENT

        async def make() -> Any:
            return plain(await fresh(auth), codec, self._endpoint.declared)

        return await isolated(make, _named("auth", auth))

    async def _headers(self) -> dict[str, str]:
        given = self._endpoint.headers

        async def make() -> dict[str, str]:
            return checked_headers(await fresh(given))

        return await isolated(make, _named("headers", given))

    async def _dial(self, headers: dict[str, str]) -> WebSocketConnection:
        dial = Dial(
            address=self._endpoint.address,
            headers=headers,
            subprotocols=(f"bytesocket.{self._outgoing.codec.name}", *self._settings.subprotocols),
            ssl_context=self._endpoint.ssl_context,
            message_bytes=self._settings.message_bytes,
            close_timeout=self._settings.close_timeout,
        )
        try:
            with anyio.fail_after(self._settings.connect_timeout or None):
                return await dial.connect()
        except ConnectError as error:
            there = self._endpoint.path
            is_elsewhere = there not in {"", self._endpoint.address.path}
            if error.status == _NOT_FOUND and is_elsewhere and there not in str(error):
                error.args = (f"{error}; the contract's socket is at {there}",)
            raise
        except TimeoutError as error:
            host = self._endpoint.address.host
            raise ConnectError(f"{host} did not answer in time") from error

    def _enter(self, state: ClientState) -> None:
        if state != self._state:
            self._state = state
            self._changed.notify()
            self._listening.entered(state)


def _named(argument: str, value: object) -> str:
    """Return the name of an argument for an error message, with the place of a function."""
    return f"{argument} ({where(value)})" if callable(value) else argument


def _unauthorized(error: ConnectError) -> AuthError | None:
    """Return the refusal that an HTTP status is, with what the server says in its answer."""
    code = _UNAUTHORIZED.get(error.status or 0)
    if code is None or error.is_for_now:
        return None
    said = told_by_http(error.body, default=code)
    words = [f"the server refused the connection with HTTP {error.status}"]
    if said.message != said.code:
        words.append(said.message)
    refused = AuthError(": ".join(words), code=said.code, data=said.data)
    refused.__cause__ = error
    return refused
