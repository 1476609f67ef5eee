"""Pending requests. Each ends with a result, a refusal, a timeout or a disconnection."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import anyio

from bytesocket_app.errors import Disconnected, RequestError, RequestTimeout
from bytesocket_app.types import RequestId


class PendingRequest:
    """A request whose answer is awaited.

    Attributes:
        id: The id that the answer will carry.
        deadline: Time at which to give up, in seconds on anyio's clock.
    """

    def __init__(self, request: RequestId, deadline: float) -> None:
        self.id = request
        self.deadline = deadline
        self._done = anyio.Event()
        self._value: Any = None
        self._error: Exception | None = None

    def settle(self, value: Any = None, error: Exception | None = None) -> None:
        """Set the outcome; only the first call has an effect."""
        if not self._done.is_set():
            self._value, self._error = value, error
            self._done.set()

    async def outcome(self) -> Any:
        """Wait for the answer.

        Raises:
            RequestError: The server refused.
            Disconnected: The connection ended first.
            RequestTimeout: The deadline passed.
        """
        with anyio.CancelScope(deadline=self.deadline):
            await self._done.wait()
        if not self._done.is_set():
            raise RequestTimeout(f"request {self.id} was not answered in time")
        if self._error is not None:
            raise self._error
        return self._value


class Requests:
    """The pending requests of one client, by id. Ids are not reused.

    Args:
        limit: Largest number of pending requests.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._ids: Iterator[int] = count(1)
        self._waiting: dict[RequestId, PendingRequest] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def open(self, now: float, timeout: float) -> PendingRequest:
        """Add a request that must be answered within `timeout` seconds from `now`.

        Raises:
            RequestError: Too many requests are pending already (code "too_many_requests").
        """
        if len(self._waiting) >= self._limit:
            raise RequestError(
                "too_many_requests", f"{self._limit} requests are waiting for an answer already"
            )
        pending = PendingRequest(next(self._ids), now + timeout)
        self._waiting[pending.id] = pending
        return pending

    def forget(self, pending: PendingRequest) -> None:
        """Remove a request that has ended; a late answer to it is ignored."""
        self._waiting.pop(pending.id, None)

    def answer(self, request: RequestId, data: Any) -> None:
        """Settle a request with its reply; an answer to no pending request is ignored."""
        pending = self._waiting.get(request)
        if pending is not None:
            pending.settle(data)

    def refuse(self, request: RequestId, error: RequestError) -> None:
        """Settle a request with a refusal; a refusal of no pending request is ignored."""
        pending = self._waiting.get(request)
        if pending is not None:
            pending.settle(error=error)

    def disconnect(
        self,
        reason: str,
        error: Exception | None = None,
        *,
        keep: frozenset[RequestId] = frozenset(),
    ) -> None:
        """End every request, except those in `keep`, which were never sent.

        Args:
            reason: Text of the `Disconnected` to end them with.
            error: Error to end them with instead.
            keep: Ids of those that go on.
        """
        for pending in list(self._waiting.values()):
            if pending.id not in keep:
                pending.settle(error=error or Disconnected(reason))
