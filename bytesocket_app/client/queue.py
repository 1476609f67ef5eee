"""What is said while nobody listens: kept in order, up to a bound."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from bytesocket_app.types import RequestId

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Queued(Generic[T]):
    """One message that waits. `request` is its id if somebody waits for its answer."""

    payload: T
    request: RequestId | None = None


class OfflineQueue(Generic[T]):
    """Messages for the next connection. A full queue refuses the newest (protocol.md 11).

    Args:
        limit: How many messages it holds at most.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: list[Queued[T]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, payload: T, *, request: RequestId | None = None) -> bool:
        """Keep a message; False if the queue is full and the message is lost."""
        if len(self._waiting) >= self._limit:
            return False
        self._waiting.append(Queued(payload, request))
        return True

    def forget(self, request: RequestId) -> None:
        """Take back a request that nobody waits for any more: it must not be carried out."""
        self._waiting = [item for item in self._waiting if item.request != request]

    def take(self) -> list[T]:
        """Empty the queue and return what it held, oldest first."""
        waiting, self._waiting = self._waiting, []
        return [item.payload for item in waiting]
