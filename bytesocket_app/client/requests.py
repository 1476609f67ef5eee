"""Requests that wait for their answer. Each one ends: result, refusal, timeout or disconnection."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import anyio

from bytesocket_app.errors import Disconnected, RequestError, RequestTimeout
from bytesocket_app.types import RequestId


class PendingRequest:
    """One request under way.

    Attributes:
        id: What the answer will name.
        deadline: When to give up, in seconds of the clock that `now` was taken from.
    """

    def __init__(self, request: RequestId, deadline: float) -> None:
        self.id = request
        self.deadline = deadline
        self._done = anyio.Event()
        self._value: Any = None
        self._error: Exception | None = None

    def settle(self, value: Any = None, error: Exception | None = None) -> None:
        """Set the outcome; the first one counts."""
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
    """All requests of one client under way, by id. Ids are never used twice.

    Args:
        limit: How many may wait at a time.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._ids: Iterator[int] = count(1)
        self._waiting: dict[RequestId, PendingRequest] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def open(self, now: float, timeout: float) -> PendingRequest:
        """Begin a request that must be answered within `timeout` seconds from `now`.

        Raises:
            RequestError: Too many are waiting already (code "too_many_requests").
        """
        if len(self._waiting) >= self._limit:
            raise RequestError(
                "too_many_requests", f"{self._limit} requests are waiting for an answer already"
            )
        pending = PendingRequest(next(self._ids), now + timeout)
        self._waiting[pending.id] = pending
        return pending

    def forget(self, pending: PendingRequest) -> None:
        """Drop a request that has ended, however it did; a late answer finds nobody."""
        self._waiting.pop(pending.id, None)

    def answer(self, request: RequestId, data: Any) -> None:
        """Hand a reply to whoever waits for it; an answer to nobody's request is ignored."""
        pending = self._waiting.get(request)
        if pending is not None:
            pending.settle(data)

    def refuse(self, request: RequestId, error: RequestError) -> None:
        """Hand a refusal to whoever waits for it."""
        pending = self._waiting.get(request)
        if pending is not None:
            pending.settle(error=error)

    def disconnect(self, reason: str, *, keep: frozenset[RequestId] = frozenset()) -> None:
        """End every request with `Disconnected`, those in `keep` excepted: they were never sent."""
        for pending in list(self._waiting.values()):
            if pending.id not in keep:
                pending.settle(error=Disconnected(reason))
