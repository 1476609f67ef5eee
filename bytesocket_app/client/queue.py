"""Queue of messages for the next connection: in order, up to a limit."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from bytesocket_app.types import RequestId

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Queued(Generic[T]):
    """A queued message. `request` is its id if its answer is awaited."""

    payload: T
    request: RequestId | None = None


class OfflineQueue(Generic[T]):
    """Messages for the next connection. A full queue refuses further ones (protocol.md 11).

    Args:
        limit: Largest number of messages.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: list[Queued[T]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, payload: T, *, request: RequestId | None = None) -> bool:
        """Add a message; returns False if the queue is full and the message is lost."""
        if len(self._waiting) >= self._limit:
            return False
        self._waiting.append(Queued(payload, request))
        return True

    def forget(self, request: RequestId) -> None:
        """Remove a request whose answer is no longer awaited, so that it is not carried out."""
        self._waiting = [item for item in self._waiting if item.request != request]

    def take(self) -> list[T]:
        """Empty the queue and return its messages, oldest first."""
        waiting, self._waiting = self._waiting, []
        return [item.payload for item in waiting]
