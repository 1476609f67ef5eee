"""The client: its lifetime, its state, and the protected methods behind generated classes."""

import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import wraps
from types import TracebackType
from typing import Any, ClassVar, Final, Self, TypeVar, cast, overload

import anyio

from bytesocket_app.client.address import address
from bytesocket_app.client.auth import Headers
from bytesocket_app.client.background import Background
from bytesocket_app.client.ending import EndOfConnection
from bytesocket_app.client.group import RoomGroup, RoomName, RoomType
from bytesocket_app.client.handshake_headers import checked_headers
from bytesocket_app.client.listeners import EventClasses, Listening, event_class
from bytesocket_app.client.listening_side import ListeningSide
from bytesocket_app.client.outgoing import Outcome, Outgoing, sent_name
from bytesocket_app.client.reconnector import ClientState, Reconnector, ServerAddress
from bytesocket_app.client.refusals import Refusals
from bytesocket_app.client.room import ClientRoom, Replies
from bytesocket_app.client.room_names import no_name, no_room
from bytesocket_app.client.settings import ClientContract, ClientSettings
from bytesocket_app.client.signal import Ready
from bytesocket_app.client.streams import EventStream
from bytesocket_app.errors import ConfigurationError, ErrorContext
from bytesocket_app.event_loop import is_being_cancelled
from bytesocket_app.events import PayloadType, ServerEvent
from bytesocket_app.types import CodecName, EventName
from bytesocket_app.wire import CODECS

StateHook = TypeVar("StateHook", bound=Callable[[ClientState], object])
ErrorHook = TypeVar("ErrorHook", bound=Callable[[ErrorContext], object])
S = TypeVar("S", bound=ServerEvent)
T = TypeVar("T")
CloseHook = TypeVar("CloseHook", bound=Callable[[EndOfConnection], object])
FrameHook = TypeVar("FrameHook", bound=Callable[[bytes | str], object])

_LAST_CALLS: Final = 0.5
"""Seconds for what the hooks hear last, of a close that took all of its time."""

Join = TypeVar("Join", bound=Callable[..., ClientRoom])


def joins(method: Join) -> Join:
    """Decorate `join` of a generated client with one room, so that errors say how to join it.

    Without it, a call that lacks a parameter would raise Python's own TypeError.
    """

    @wraps(method)
    def join(client: Any, room: str, /, **parameters: object) -> Any:
        return client._join(room, parameters)  # noqa: SLF001 - a method of that class

    return cast("Join", join)


class Client:
    """A client that reconnects: `async with ChatClient(url) as chat: ...`.

    Entering starts connecting and returns at once; `await chat.ready` waits until the connection
    is open. Leaving sends what is queued, for `drain_timeout` seconds at most, which includes
    connecting; then it closes the connection and waits for running listeners, for `close_timeout`
    seconds at most. What is not sent by then is logged, and reported to `on_error` with the code
    `dropped`. A client can be entered once, by any task, and left by any other. A listener that
    leaves it does not wait for itself: it goes on, and those that wait behind it are called too.

    Listeners are called one after another, in the order of the events. An exception in one is
    logged and reported to `on_error`; the next listener is called all the same.

    Args:
        url: URL with the scheme ws, wss, http or https; without a path, the contract's is used.
        auth: Credentials, or a function called for each connection; None sends none. The client
            gives up if the function raises AuthError, and tries again after any other exception.
        codec: The wire format to use; the contract's by default.
        headers: Further headers of the handshake, or a function called for each connection. They
            replace those of the same names, such as Host; of those that make the handshake, such as
            Upgrade, none can be given.
        ssl_context: TLS settings for wss; by default the system's certificates.
        settings: Timeouts and limits.
        refusals: Further classes of refusals, as in `class TooLowError(RequestError,
            code="too_low"): data: TooLow`; generated clients have those of their contract.

    Raises:
        ConfigurationError: The URL is no WebSocket address, a header cannot be sent, or a refusal's
            class has no code of its own.
    """

    contract: ClassVar[ClientContract] = ClientContract()
    _arriving: ClassVar[EventClasses] = {}
    _credentials: ClassVar[PayloadType | None] = None
    _replies: ClassVar[Replies] = {}
    _rooms: ClassVar[Mapping[str, type[ClientRoom]]] = {}
    _refusals: ClassVar[Refusals] = ()

    def __init__(
        self,
        url: str,
        *,
        auth: Any = None,
        codec: CodecName | None = None,
        headers: Headers | None = None,
        ssl_context: ssl.SSLContext | None = None,
        settings: ClientSettings | None = None,
        refusals: Refusals = (),
    ) -> None:
        contract = type(self).contract
        self._settings = settings or ClientSettings()
        place = address(
            url,
            path=contract.path,
            fingerprint=contract.fingerprint,
            ping_interval=self._settings.ping_interval,
        )
        self._outgoing = Outgoing(
            CODECS[codec or contract.codec],
            self._settings,
            contract.rates,
            [*self._refusals, *refusals],
        )
        name = type(self).__name__
        self._outgoing.not_running = (
            f"this client is not running: use it inside `async with {name}(...) as client`"
        )
        self._listening = ListeningSide(self._settings.event_buffer, self._settings.event_bytes)
        if not callable(headers):
            checked_headers(headers)
        endpoint = ServerAddress(
            address=place,
            auth=auth,
            declared=type(self)._credentials,  # noqa: SLF001 - its own class
            headers=headers,
            ssl_context=ssl_context,
            path=contract.path,
        )
        self._reconnector = Reconnector(endpoint, self._outgoing, self._listening)
        self._background: Background | None = None

    async def __aenter__(self) -> Self:
        if self._background is not None:
            raise RuntimeError("a client lives once: make a new one to connect again")
        self._outgoing.not_running = None
        self._background = Background(self._listening.callbacks.run, self._reconnector.run)
        self._background.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        background = self._background
        if background is None:
            return None
        try:
            is_sending = error is None or isinstance(error, Exception)
            await self._leave(background, is_sending=is_sending and not is_being_cancelled())
        finally:
            if background.is_around:
                self._listening.callbacks.finish()
            else:
                await background.stop()
        if background.crash is not None and isinstance(error, KeyboardInterrupt | None):
            raise background.crash
        return None

    async def _leave(self, background: Background, *, is_sending: bool) -> None:
        try:
            if is_sending:
                await self._outgoing.flushed(self._settings.drain_timeout)
        finally:
            timeout = self._settings.close_timeout
            deadline = anyio.current_time() + timeout
            # A close that nobody answers ends by itself then; the hooks hear of it.
            with anyio.move_on_after(timeout + _LAST_CALLS, shield=True):
                await self._reconnector.close()
            if not background.is_around:
                await self._called(deadline)

    async def _called(self, deadline: float) -> None:
        """Wait for running listeners, and for what the hooks hear last."""
        deadline = max(deadline, anyio.current_time() + _LAST_CALLS)
        with anyio.CancelScope(deadline=deadline, shield=True) as scope:
            await self._listening.callbacks.idle()
        if scope.cancelled_caught:
            self._listening.warn_of_calls()

    async def close(self) -> None:
        """Close the connection for good, and wait until that is done.

        What is queued is sent first, for `drain_timeout` seconds at most. Pending requests raise
        `Disconnected`, iterators end. If the wait is cancelled, nothing more is sent and closing
        goes on.
        """
        try:
            await self._outgoing.flushed(self._settings.drain_timeout)
        finally:
            await self._reconnector.close()

    @property
    def state(self) -> ClientState:
        """State of the connection: connecting, open, waiting before the next attempt, or closed."""
        return self._reconnector.state

    @property
    def ready(self) -> Awaitable[None]:
        """Awaitable that waits until the connection is open and authenticated.

        Raises:
            AuthError: The server refused this client, which makes no further attempt. For a
                declared code it is of the code's class as well.
            UnknownContract: The server does not accept this client's contract; the client makes no
                further attempt.
            ConfigurationError: A header that the function returned cannot be sent.
            Disconnected: The client was closed, or the server closed the connection for good.
            RuntimeError: The client does not run yet: use it inside `async with`.
        """
        return Ready(self._reconnector.wait_open)

    @property
    def ended(self) -> Exception | None:
        """The error for which this client will not connect again; None while it may.

        It is what `ready` and `request` raise then. All but a `ConfigurationError` have a `code`, a
        `message` and `data`; a `Disconnected` also has the `close_code` and the `close_reason` of a
        close that was final.
        """
        return self._outgoing.over

    @overload
    def once(self, event: type[S], /) -> Listening[S]: ...
    @overload
    def once(self, event: type[S], callback: Callable[[S], T], /) -> Callable[[S], T]: ...
    @overload
    def once(self, event: EventName, /) -> Listening[Any]: ...
    @overload
    def once(self, event: EventName, callback: Callable[[Any], T], /) -> Callable[[Any], T]: ...
    def once(self, event: Any, callback: Callable[[Any], object] | None = None, /) -> Any:
        """Call a function with the next event of this class, in rooms or not, and then no more.

        `off` takes it back. Added twice, it is called twice. Returns the function.
        """
        return self._listening.listeners.once(event_class(event, self._arriving), callback)

    def on_state(self, callback: StateHook) -> StateHook:
        """Call a function with every new state. Returns the function."""
        self._listening.on_state(callback)
        return callback

    def on_error(self, callback: ErrorHook) -> ErrorHook:
        """Call a function with an `ErrorContext` for every error. Returns the function.

        Errors are failed connection attempts, refusals, invalid messages, and exceptions of
        listeners. Without such a function they are logged.
        """
        self._listening.on_error(callback)
        return callback

    def on_close(self, callback: CloseHook) -> CloseHook:
        """Call a function with an `EndOfConnection` for each connection that ends.

        It has the close code and reason, and says whether the client comes back. An attempt that
        makes no connection is an error, which `on_error` hears of. Returns the function.
        """
        self._listening.on_close(callback)
        return callback

    def on_message(self, callback: FrameHook) -> FrameHook:
        """Call a function with every frame that arrives, as it came: bytes if binary, else text.

        Answers to pings, `b""`, and frames that cannot be read are among them. The function is
        called before the listeners of the event that the frame holds. Returns the function.
        """
        self._listening.on_message(callback)
        return callback

    @property
    def rooms(self) -> tuple[str, ...]:
        """Names of the rooms that the client is in now, on the current connection."""
        return tuple(self._outgoing.rooms.joined())

    @property
    def subprotocol(self) -> str | None:
        """Subprotocol that the server chose of those offered; None without one or a connection."""
        return self._reconnector.subprotocol

    def reconnect(self) -> None:
        """Close the connection with 4100 `Client reconnect`, and connect again at once.

        Returns at once; `await client.ready` waits for the new connection. New credentials and
        headers are made for it, rooms are joined again, what is queued stays queued, and requests
        that were sent and not answered raise `Disconnected`. An attempt under way is given up for
        a new one, a wait before the next attempt ends.

        Raises:
            AuthError, UnknownContract, Disconnected: The client makes no further connection, as
                `ready` says.
            RuntimeError: The client does not run yet.
        """
        self._reconnector.reconnect()

    async def send_raw(self, frame: bytes | str) -> Outcome:
        """Send a frame as it is, bytes as a binary and text as a text frame, or queue it.

        It is the caller's to encode; the contract, its rates and the codec do not count. It is sent
        when the connection is open and authenticated, in its turn behind what is queued. Waits
        while the network is behind.

        Raises:
            RuntimeError: The client does not run yet.
            TypeError: The frame is neither bytes nor text.
        """
        return await self._outgoing.send_raw(frame)

    def _set_auth(self, auth: Any) -> None:
        self._reconnector.set_auth(auth)

    def _on(self, event: Any, callback: Callable[[Any], object] | None = None) -> Any:
        return self._listening.listeners.on(event_class(event, self._arriving), callback)

    def _off(self, event: Any, callback: Callable[[Any], object]) -> None:
        self._listening.listeners.remove(event_class(event, self._arriving), callback)

    def _events(self, event: Any) -> EventStream[Any]:
        model = event_class(event, self._arriving)
        limit, check = self._settings.event_buffer, self._outgoing.check_running
        return self._listening.listeners.stream(model, limit, check)

    async def _emit(self, event: Any) -> Outcome:
        return await self._outgoing.emit(event)

    async def _request(
        self, event: Any, timeout: float | None, reply: PayloadType | None = None
    ) -> Any:
        expected = reply or self._replies.get(sent_name(event))
        return await self._outgoing.request(event, expected, timeout=timeout)

    def _join(
        self, pattern: str, parameters: Mapping[str, object], kind: type[ClientRoom] | None = None
    ) -> Any:
        room = kind or self._rooms.get(pattern)
        if room is None:
            kinds: Mapping[str, Any] = self._rooms
            known = {each: kind._parameters for each, kind in kinds.items()}  # noqa: SLF001
            raise ConfigurationError(no_room(pattern, known))
        name = room.named(pattern, parameters)
        return room(name, self._outgoing, self._listening, pattern)

    def _join_all(self, rooms: Sequence[RoomName[RoomType]]) -> RoomGroup[RoomType]:
        for room in rooms:
            if not isinstance(room, RoomName):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise TypeError(no_name(room, self._rooms))
        sides = self._outgoing, self._listening
        first = {room.name: room for room in rooms}.values()
        wanted = {room.name: room.kind.wanted(room.name, *sides, room.pattern) for room in first}
        batch = self._outgoing.join_all(wanted)
        return RoomGroup(*(room.kind(room.name, *sides, room.pattern, batch) for room in first))
