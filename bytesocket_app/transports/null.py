"""The way out of a connection that is not accepted yet: there is none."""

from collections.abc import Collection
from typing import Self

from bytesocket_app.wire.frame import Frame


class NullTransport:
    """Stands in for the transport while a handshake is being decided; nothing goes anywhere."""

    buffered = 0

    def write(self, _frame: Frame) -> int:
        """Drop the frame: there is no connection to send it on."""
        return 0

    @classmethod
    def write_many(
        cls,
        _links: Collection[Self],
        _frame: Frame,
        *,
        skip: Self | None = None,  # noqa: ARG003
    ) -> list[Self]:
        """Drop the frame."""
        return []

    def drop_oldest(self, *, volatile: bool = False) -> int:  # noqa: ARG002 - nothing at all
        """Nothing waits."""
        return 0

    def close(self, code: int, reason: str) -> None:
        """Nothing to close."""

    def abort(self) -> None:
        """Nothing to drop."""

    def resume(self) -> None:
        """Nothing was paused."""

    def cork(self) -> None:
        """Nothing to hold."""

    def flush(self) -> None:
        """Nothing was held."""

    async def park(self) -> None:
        """Nobody runs a connection that is not there."""

    def wake(self) -> None:
        """Nobody waits."""
