"""The end of a connection whose peer may go on talking."""

import asyncio
from collections.abc import Callable
from typing import Final

from typing_extensions import override


class Sink(asyncio.BufferedProtocol):
    """Reads what a peer still sends, and throws it away.

    Args:
        lose: Called when the connection is closed.
    """

    _scratch: Final = bytearray(64 * 1024)

    def __init__(self, lose: Callable[[], None]) -> None:
        self._lose = lose

    @override
    def get_buffer(self, sizehint: int) -> bytearray:
        """The same bytes for everybody: nobody looks at them."""
        return self._scratch

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed."""
        self._lose()
