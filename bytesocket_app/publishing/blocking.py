"""`Publisher`: publishing from plain functions and threads."""

import os
import threading
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self, TypeAlias

import anyio
from typing_extensions import override

from bytesocket_app.declarations.rooms import Room
from bytesocket_app.engines import Engine
from bytesocket_app.events import EventSource
from bytesocket_app.publishing.composing import Collection, Composer, Emitted, Message, checked_key
from bytesocket_app.publishing.link import Broker, linked
from bytesocket_app.types import CodecName, UserKey

Send: TypeAlias = Callable[[Sequence[Message]], None]
"""Function that sends messages."""


class Verbs(ABC):
    """Verbs of a `Publisher` and of its pipelines."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer

    @abstractmethod
    def _send(self, messages: Sequence[Message]) -> None:
        """Send messages, now or with others."""

    def emit(self, room: str, event: Emitted, *, codec: CodecName | None = None) -> None:
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
        self._send(self._composer.to_room(room, event, codec))

    def broadcast(self, event: Emitted, *, codec: CodecName | None = None) -> None:
        """Emit to every authenticated socket, in all processes; raises as `emit`."""
        self._send(self._composer.to_everybody(event, codec))

    def publish_raw(self, room: str, payload: str | bytes) -> None:
        """Send an encoded message to all members of a room: text, or bytes as a binary frame."""
        self._send(self._composer.raw(room, payload))

    def user(self, key: UserKey) -> "PublisherUser":
        """One user, on all of their sockets: `publisher.user("ann").emit(...)`.

        Raises:
            TypeError: The key is neither a string nor an integer.
        """
        return PublisherUser(checked_key(key), self._composer, self._send)

    @property
    def bulk(self) -> "PublisherBulk":
        """Emits to several rooms at once."""
        return PublisherBulk(self._composer, self._send)


class PublisherUser:
    """One user, as a `Publisher` reaches them.

    Attributes:
        key: The user's key.
    """

    __slots__ = ("_composer", "_send", "key")

    def __init__(self, key: UserKey, composer: Composer, send: Send) -> None:
        self.key = key
        self._composer = composer
        self._send = send

    def emit(self, event: Emitted, *, codec: CodecName | None = None) -> None:
        """Emit to all sockets of the user; raises as `Publisher.emit`."""
        self._send(self._composer.to_user(self.key, event, codec))


class PublisherBulk:
    """Emitter to several rooms at once: `publisher.bulk`."""

    __slots__ = ("_composer", "_send")

    def __init__(self, composer: Composer, send: Send) -> None:
        self._composer = composer
        self._send = send

    def emit(self, rooms: Iterable[str], event: Emitted, *, codec: CodecName | None = None) -> None:
        """Emit to the members of several rooms; raises as `Publisher.emit`.

        A member of several gets one copy, unless the application's `Policies.bulk_copies` is
        "each".
        """
        self._send(self._composer.to_rooms(rooms, event, codec))


class Publisher(Verbs):
    """Publisher for programs that are not the application: Celery, Django, a cron job.

    ::

        publisher = Publisher(engine="redis://localhost:6379", title="Chat", events=events)
        publisher.emit("lobby", Posted(author="cron", text="good morning"))

    Each call waits until the broker has the event, so that none is lost unnoticed; whether somebody
    is in the room is not told. What one thread emits arrives in its order. If the broker is lost, a
    call waits for it to come back, and for the application's processes. A call that is interrupted
    leaves it open whether what had left already arrives; nothing is sent later.

    It connects at the first call, in a thread of its own with an event loop. Threads may share it.
    A process that was forked connects for itself, so that it may be made before Celery's or
    gunicorn's workers are. `close`, the end of a `with` block and the end of the program
    disconnect; it may be used again. In `async` code it would stop the event loop while it waits:
    use `AsyncPublisher` there.

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
        ConfigurationError: An argument cannot be used, or, at the first call, a package is missing.
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
        self._threads = _Threads(Broker.of(engine, title, deadline))
        # At the end of the program too, while its daemon threads still run.
        weakref.finalize(self, self._threads.close)

    def __enter__(self) -> Self:
        """Return the publisher; the first call connects."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Disconnect."""
        self.close()

    def close(self) -> None:
        """Wait for other threads' calls, tell the application's processes, and disconnect.

        The next call connects again.
        """
        self._threads.close()

    def pipeline(self) -> "Pipeline":
        """Emit many events, faster: they are sent together, and confirmed by the block's end.

        ::

            with publisher.pipeline() as many:
                for name in names:
                    many.emit(f"user:{name}", reminder)
        """
        return Pipeline(self._composer, self._send)

    @override
    def _send(self, messages: Sequence[Message]) -> None:
        self._threads.send(messages)


class Pipeline(Verbs):
    """Many emits that are sent together: `publisher.pipeline()`; for one thread.

    A call waits only now and then, when much is to be sent; the end of the block waits for all,
    also after an exception in it. Then, or in a call, EngineError is raised if the broker did not
    take all.
    """

    def __init__(self, composer: Composer, send: Send) -> None:
        super().__init__(composer)
        self._forward = send
        self._collected = Collection()

    def __enter__(self) -> Self:
        """Begin to collect."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Send what is collected, and wait for it."""
        if error is None or isinstance(error, Exception):
            self._forward(self._collected.take())

    @override
    def _send(self, messages: Sequence[Message]) -> None:
        if self._collected.add(messages):
            self._forward(self._collected.take())


class _Threads:
    """The threads with a link that a publisher has, one in each process that uses it.

    After a fork the child has the objects of its parent, but not its threads.

    Args:
        broker: The broker.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._locks: dict[int, threading.Lock] = {}
        self._threads: dict[int, _Thread] = {}

    def send(self, messages: Sequence[Message]) -> None:
        """Send messages by this process' thread, and wait for the broker."""
        while not self._thread().send(messages):
            pass  # another thread closed it in between

    def close(self) -> None:
        """End this process' thread, if there is one."""
        with self._lock():
            thread = self._threads.pop(os.getpid(), None)
        if thread is not None:
            thread.close()

    def _thread(self) -> "_Thread":
        with self._lock():
            thread = self._threads.get(os.getpid())
            if thread is None:
                thread = self._threads[os.getpid()] = _Thread(self._broker)
            return thread

    def _lock(self) -> threading.Lock:
        # One for each process: that of the parent may be held by a thread that is not here.
        return self._locks.setdefault(os.getpid(), threading.Lock())


class _Thread:
    """A thread with an event loop and a link in it.

    A child that was forked gets a copy of it without its thread; nothing happens when that is
    thrown away.

    Args:
        broker: The broker.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._is_closed = False
        self._error: BaseException | None = None
        self._begun = threading.Event()
        # A daemon: the end of the program does not wait for it, but closes it.
        self._thread = threading.Thread(target=self._run, name="bytesocket-publisher", daemon=True)
        self._thread.start()
        _ = self._begun.wait()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            anyio.run(self._serve)
        except BaseException as error:  # noqa: BLE001 - raised where the thread was started
            self._error = error
        finally:
            self._begun.set()

    async def _serve(self) -> None:
        from anyio.from_thread import BlockingPortal

        async with linked(self._broker) as self._link, BlockingPortal() as self._portal:
            self._begun.set()
            await self._portal.sleep_until_stopped()

    def send(self, messages: Sequence[Message]) -> bool:
        """Send messages and wait for the broker; returns False if the thread was closed before."""
        try:
            future = self._portal.start_task_soon(self._link.send, messages)
        except RuntimeError:
            if self._is_closed:
                return False
            raise
        try:
            future.result()
        except BaseException:
            _ = future.cancel()
            raise
        return True

    def close(self) -> None:
        """End it, once what is being sent is sent or refused."""
        self._is_closed = True
        if threading.current_thread() is self._thread:  # the garbage collector may run anywhere
            threading.Thread(target=self.close, daemon=True).start()
            return
        with suppress(RuntimeError):  # it ended by itself
            self._portal.call(self._portal.stop)
        self._thread.join()
