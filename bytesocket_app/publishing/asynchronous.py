"""`AsyncPublisher`: publishing from asyncio and trio."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self, TypeAlias

from typing_extensions import override

from bytesocket_app.declarations.rooms import Room
from bytesocket_app.engines import Engine
from bytesocket_app.errors import ConfigurationError
from bytesocket_app.events import EventSource
from bytesocket_app.publishing.composing import Collection, Composer, Emitted, Message, checked_key
from bytesocket_app.publishing.link import Broker, Link, linked
from bytesocket_app.types import CodecName, UserKey

SendAsync: TypeAlias = Callable[[Sequence[Message]], Awaitable[None]]
"""Function that sends messages."""


class AsyncVerbs(ABC):
    """Verbs of an `AsyncPublisher` and of its pipelines."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer

    @abstractmethod
    async def _send(self, messages: Sequence[Message]) -> None:
        """Send messages, now or with others."""

    async def emit(self, room: str, event: Emitted, *, codec: CodecName | None = None) -> None:
        """Emit to all members of a room, in all processes.

        Args:
            room: The name of the room.
            event: An event of the application's.
            codec: The codec for all, instead of each socket's own.

        Raises:
            UndeclaredEvent: The event is not among `events=`, or only clients send it.
            UndeclaredRoom: The room is not among `rooms=`.
            ValueError: The name is not the one that the declared room has, as `doc:07`.
            EncodeError: No codec can encode the payload.
            EngineError: The broker did not take it.
        """
        await self._send(self._composer.to_room(room, event, codec))

    async def broadcast(self, event: Emitted, *, codec: CodecName | None = None) -> None:
        """Emit to every authenticated socket, in all processes; raises as `emit`."""
        await self._send(self._composer.to_everybody(event, codec))

    async def publish_raw(self, room: str, payload: str | bytes) -> None:
        """Send an encoded message to all members of a room: text, or bytes as a binary frame."""
        await self._send(self._composer.raw(room, payload))

    def user(self, key: UserKey) -> "AsyncPublisherUser":
        """One user, on all of their sockets: `await publisher.user("ann").emit(...)`.

        Raises:
            TypeError: The key is neither a string nor an integer.
        """
        return AsyncPublisherUser(checked_key(key), self._composer, self._send)

    @property
    def bulk(self) -> "AsyncPublisherBulk":
        """Emits to several rooms at once."""
        return AsyncPublisherBulk(self._composer, self._send)


class AsyncPublisherUser:
    """One user, as an `AsyncPublisher` reaches them.

    Attributes:
        key: The user's key.
    """

    __slots__ = ("_composer", "_send", "key")

    def __init__(
        self,
        key: UserKey,
        composer: Composer,
        send: SendAsync,
    ) -> None:
        self.key = key
        self._composer = composer
        self._send = send

    async def emit(self, event: Emitted, *, codec: CodecName | None = None) -> None:
        """Emit to all sockets of the user; raises as `AsyncPublisher.emit`."""
        await self._send(self._composer.to_user(self.key, event, codec))


class AsyncPublisherBulk:
    """Emitter to several rooms at once: `publisher.bulk`."""

    __slots__ = ("_composer", "_send")

    def __init__(self, composer: Composer, send: SendAsync) -> None:
        self._composer = composer
        self._send = send

    async def emit(
        self, rooms: Iterable[str], event: Emitted, *, codec: CodecName | None = None
    ) -> None:
        """Emit to the members of several rooms; raises as `AsyncPublisher.emit`.

        A member of several gets one copy, unless the application's `Policies.bulk_copies` is
        "each".
        """
        await self._send(self._composer.to_rooms(rooms, event, codec))


class AsyncPublisher(AsyncVerbs):
    """Publisher for programs that are not the application, on asyncio or trio.

    ::

        async with AsyncPublisher(engine="redis://localhost", title="Chat", events=events) as chat:
            await chat.emit("lobby", Posted(author="cron", text="good morning"))

    Each call waits until the broker has the event, so that none is lost unnoticed; whether somebody
    is in the room is not told. What one task emits arrives in its order. If the broker is lost, a
    call waits for it to come back, and for the application's processes. A call that is cancelled
    leaves it open whether what had left already arrives; nothing is sent later.

    Args:
        engine: The broker's URL, as the application has it; not `memory://`, which is one process
            alone. Or a function that makes an `Engine`, called inside the event loop. The
            environment's `BYTESOCKET_ENGINE` goes before it.
        title: The application's title, by which its channels are told apart; `?namespace=` of the
            URL goes before it.
        events: The application's events: a module, or a list. Only these can be emitted.
        rooms: The application's rooms, or their patterns (`"doc:{doc_id}"`), to check names by:
            `app.declared_rooms()`. Without them any name is taken.
        deadline: Seconds to wait for the broker before a call raises EngineError.

    Raises:
        ConfigurationError: An argument cannot be used, or a package is missing.
    """

    def __init__(
        self,
        *,
        engine: str | Callable[[], Engine],
        title: str,
        events: EventSource = (),
        rooms: Iterable[Room | str] | None = None,
        deadline: float = 5.0,
    ) -> None:
        super().__init__(Composer(events, rooms))
        self._broker = Broker.of(engine, title, deadline)
        self._stack: AsyncExitStack | None = None
        self._link: Link | None = None

    async def __aenter__(self) -> Self:
        """Begin to connect; does not wait for it.

        Raises:
            ConfigurationError: It is open already, a package is missing, or the event loop is not
                one for this engine.
        """
        if self._stack is not None:
            raise ConfigurationError("this AsyncPublisher is open already: make another one.")
        self._stack = stack = AsyncExitStack()
        try:
            self._link = await stack.enter_async_context(linked(self._broker))
        except BaseException:
            self._stack = None
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Wait for calls of other tasks, tell the application's processes, and disconnect."""
        stack, self._stack = self._stack, None
        self._link = None
        if stack is not None:
            await stack.aclose()

    def pipeline(self) -> "AsyncPipeline":
        """Emit many events, faster: they are sent together, and confirmed by the block's end.

        ::

            async with publisher.pipeline() as many:
                for name in names:
                    await many.emit(f"user:{name}", reminder)
        """
        return AsyncPipeline(self._composer, self._send)

    async def processes(self, seconds: float = 0.5) -> int:
        """Return how many processes the application has, as far as they have answered.

        Args:
            seconds: How long to wait for the first one.
        """
        return await self._opened().known(seconds)

    @override
    async def _send(self, messages: Sequence[Message]) -> None:
        await self._opened().send(messages)

    def _opened(self) -> Link:
        if self._link is None:
            raise ConfigurationError(
                "this AsyncPublisher is not open: use it inside `async with publisher:`."
            )
        return self._link


class AsyncPipeline(AsyncVerbs):
    """Many emits that are sent together: `publisher.pipeline()`.

    A call waits only now and then, when much is to be sent; the end of the block waits for all,
    also after an exception in it. Then, or in a call, EngineError is raised if the broker did not
    take all. If the block is cancelled, what was not sent by then is not.
    """

    def __init__(self, composer: Composer, send: SendAsync) -> None:
        super().__init__(composer)
        self._forward = send
        self._collected = Collection()

    async def __aenter__(self) -> Self:
        """Begin to collect."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Send what is collected, and wait for it."""
        if error is None or isinstance(error, Exception):
            await self._forward(self._collected.take())

    @override
    async def _send(self, messages: Sequence[Message]) -> None:
        if self._collected.add(messages):
            await self._forward(self._collected.take())
