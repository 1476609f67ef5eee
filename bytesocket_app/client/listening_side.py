"""Incoming side of a client: its listeners, its room handles, its state and error hooks."""

import logging
from collections import Counter
from collections.abc import Mapping

from bytesocket_app.client.callback_queue import MOST, Callback, CallbackQueue
from bytesocket_app.client.ending import EndOfConnection
from bytesocket_app.client.listeners import Delivery, Listener, Listeners
from bytesocket_app.client.messages import EventArrived
from bytesocket_app.errors import (
    ConnectError,
    DecodeError,
    Disconnected,
    ErrorCode,
    ErrorContext,
    Phase,
    Refusal,
    RequestError,
)
from bytesocket_app.logs import text_of
from bytesocket_app.types import CodecName, EventName

log = logging.getLogger("bytesocket.client")


def _told(error: BaseException) -> str:
    """Return what a line says of an error: its text only if that is this package's own."""
    if isinstance(error, ConnectError | DecodeError | Disconnected):
        return str(error)
    kind = error.code if isinstance(error, Refusal | RequestError) else type(error).__qualname__
    return f"{kind}{text_of(error)}"


class ListeningSide:
    """The incoming side of one client.

    Args:
        limit: Number of waiting calls from which on the socket is not read, unless something else
            than events is awaited.
        most: Bytes that the waiting calls may count for; see `CallbackQueue`.

    Attributes:
        listeners: The client's own listeners; each room handle has its own as well.
        callbacks: Queue that makes all calls.
        hears_frames: True if there is a message hook.
    """

    def __init__(self, limit: int, most: int = MOST) -> None:
        self.listeners = Listeners()
        self.callbacks = CallbackQueue(limit, self._callback_failed, most)
        self._dropped: Counter[EventName] = Counter()
        self._rooms: dict[str, list[Listeners]] = {}
        self._is_ended = False
        self._state_hooks: list[Callback] = []
        self._error_hooks: list[Callback] = []
        self._close_hooks: list[Callback] = []
        self._frame_hooks: list[Callback] = []
        self.hears_frames = False

    def on_state(self, hook: Callback) -> None:
        """Call a function with every new state."""
        self._state_hooks.append(hook)

    def on_error(self, hook: Callback) -> None:
        """Call a function with every `ErrorContext`."""
        self._error_hooks.append(hook)

    def on_close(self, hook: Callback) -> None:
        """Call a function with every `EndOfConnection`."""
        self._close_hooks.append(hook)

    def on_message(self, hook: Callback) -> None:
        """Call a function with every frame."""
        self._frame_hooks.append(hook)
        self.hears_frames = True

    def enter_room(self, name: str) -> Listeners:
        """Return the listeners of a new handle of a room; after the end they have ended too."""
        listeners = Listeners()
        if self._is_ended:
            listeners.end()
        self._rooms.setdefault(name, []).append(listeners)
        return listeners

    def leave_room(self, name: str, listeners: Listeners) -> None:
        """End a handle's listeners; no further events reach them."""
        listeners.end()
        handles = self._rooms.get(name, [])
        if listeners in handles:
            handles.remove(listeners)
        if not handles:
            self._rooms.pop(name, None)

    def entered(self, state: str) -> None:
        """Report a new state to the state hooks."""
        for hook in self._state_hooks:
            self.callbacks.post(hook, state)

    def closed(self, ending: EndOfConnection) -> None:
        """Report the end of a connection to the close hooks."""
        for hook in self._close_hooks:
            self.callbacks.post(hook, ending)

    def framed(self, payload: bytes, *, is_binary: bool) -> None:
        """Report a frame to the message hooks: bytes if it was binary, else text.

        Not if so much waits for listeners that its event would be dropped too.
        """
        for hook in () if self.callbacks.is_overfull else self._frame_hooks:
            self.callbacks.post(hook, payload if is_binary else payload.decode(errors="replace"))

    def failed(self, context: ErrorContext) -> None:
        """Report an error to the error hooks; log it if there are none or too much waits."""
        is_reported = bool(self._error_hooks) and not self.callbacks.is_overfull
        if not is_reported:
            log.warning("%s: %s", context.phase.value, _told(context.error))
            return
        self._report(context)

    def _report(self, context: ErrorContext) -> None:
        for hook in self._error_hooks:
            self.callbacks.post(hook, context, is_error_hook=True)

    def lost(self, names: Mapping[EventName, int], what: str, phase: Phase) -> None:
        """Log events that are dropped, and report them to the error hooks.

        Args:
            names: How many there are of each name.
            what: What did not happen to them, and why.
            phase: When that was.
        """
        if not names:
            return
        listed = ", ".join(f"{name!r} ({count})" for name, count in names.items())
        text = f"{what}: {listed}"
        log.warning("%s", text)
        self._report(ErrorContext(phase, RequestError(ErrorCode.DROPPED, text, dict(names))))

    def arrived(self, event: EventArrived, codec: CodecName) -> None:
        """Deliver an event to the handles of its rooms, then to the client's own listeners.

        If too much is queued already, it is dropped for callbacks, which is reported.
        """

        def failed(error: BaseException) -> None:
            self.failed(ErrorContext(Phase.VALIDATION, error, event=event.name))

        def drop(callback: Callback, _event: object) -> None:
            if isinstance(callback, Listener):
                callback.missed()
            self._drop(event.name)

        callbacks = self.callbacks
        post = drop if callbacks.is_full and callbacks.is_overfull else callbacks.post
        delivery = Delivery(event, codec, post, failed)
        for name in dict.fromkeys(event.rooms):
            for listeners in tuple(self._rooms.get(name, ())):
                delivery.to(listeners)
        delivery.to(self.listeners)

    def warn_of_calls(self) -> None:
        """Log that a listener is cancelled, and others are not called, as the client is left."""
        log.warning(
            "a listener was cancelled, and %s calls of listeners were dropped: the client was left",
            len(self.callbacks),
        )

    def _drop(self, name: EventName) -> None:
        if not self._dropped:
            log.warning(
                "listeners are too slow: %r is dropped, and others until they caught up", name
            )
            self.callbacks.message_bytes = 0
            self.callbacks.post(self._tell_dropped, None, is_error_hook=True)
        self._dropped[name] += 1

    def _tell_dropped(self, _: object) -> None:
        names, self._dropped = self._dropped, Counter()
        self.lost(names, "calls of listeners that were too slow were dropped", Phase.MESSAGE)

    def end(self) -> None:
        """Remove all listeners and end their iterators."""
        self._is_ended = True
        self.listeners.end()
        for handles in self._rooms.values():
            for listeners in handles:
                listeners.end()

    def _callback_failed(self, error: BaseException) -> None:
        if self._error_hooks:
            self.failed(ErrorContext(Phase.HANDLER, error))
