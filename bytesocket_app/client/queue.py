"""Queue of messages for the next connection, or for their turn: in order, up to a limit."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from bytesocket_app.client.pacing import AnyPace
from bytesocket_app.types import RequestId

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Queued(Generic[T]):
    """A queued message.

    Attributes:
        payload: The message.
        request: Its id if its answer is awaited.
        pace: The pace that it keeps to; None if it has none.
        is_binary: True for a binary frame, False for a text frame; None for that of the codec.
        room: The one room that it is for; None for none or several.
    """

    payload: T
    request: RequestId | None = None
    pace: AnyPace | None = None
    is_binary: bool | None = None
    room: str | None = None


class OfflineQueue(Generic[T]):
    """Messages that wait. A full queue refuses further ones (protocol.md 11).

    Args:
        limit: Largest number of messages.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: deque[Queued[T]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Queued[T]]:
        return iter(self._waiting)

    @property
    def first(self) -> Queued[T] | None:
        """The oldest message; None without any."""
        return self._waiting[0] if self._waiting else None

    def put(
        self,
        payload: T,
        *,
        request: RequestId | None = None,
        pace: AnyPace | None = None,
        is_binary: bool | None = None,
        room: str | None = None,
    ) -> bool:
        """Add a message; returns False if the queue is full and the message is lost."""
        if len(self._waiting) >= self._limit:
            return False
        self._waiting.append(Queued(payload, request, pace, is_binary, room))
        return True

    def forget(self, request: RequestId) -> None:
        """Remove a request whose answer is no longer awaited, so that it is not carried out."""
        self._waiting = deque(item for item in self._waiting if item.request != request)

    def take_room(self, room: str) -> list[Queued[T]]:
        """Remove the messages for a room and return them, oldest first."""
        gone = [item for item in self._waiting if item.room == room]
        self._waiting = deque(item for item in self._waiting if item.room != room)
        return gone

    def drop_first(self) -> None:
        """Remove the oldest message."""
        self._waiting.popleft()

    def take(self) -> list[T]:
        """Empty the queue and return its messages, oldest first."""
        waiting, self._waiting = self._waiting, deque()
        return [item.payload for item in waiting]
