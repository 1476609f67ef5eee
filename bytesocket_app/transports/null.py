"""Transport for a connection that is not accepted yet."""

from typing_extensions import override

from bytesocket_app.transports.interface import Transport
from bytesocket_app.wire.frame import Frame


class NullTransport(Transport):
    """Null object for a transport during the handshake: it drops all frames."""

    __slots__ = ()

    @property
    @override
    def buffered(self) -> int:
        """Zero bytes, as nothing waits."""
        return 0

    @override
    def write(self, _frame: Frame) -> int:
        """Drop the frame, and say so by -1: there is no connection to send it on."""
        return -1

    @override
    def drop_oldest(self, *, volatile: bool = False) -> int:
        """Drop nothing: no frame waits."""
        return 0

    @override
    def close(self, code: int, reason: str) -> None:
        """Do nothing: there is no connection to close."""

    @override
    def abort(self) -> None:
        """Do nothing: there is no connection to drop."""

    @override
    def resume(self) -> None:
        """Do nothing: nothing was paused."""
