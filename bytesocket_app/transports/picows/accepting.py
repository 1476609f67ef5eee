"""Accepting connections on a listening socket.

aiofastnet's transports write at once, which makes a fan-out faster. Its own listening stops for
good when the process has no file descriptors left, so this module listens instead.
"""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from typing import Final

logger = logging.getLogger("bytesocket")

LOT: Final = 64
"""Connections accepted before the event loop runs other callbacks."""
PAUSE: Final = 0.5
"""Seconds until the next try after the process ran out of file descriptors."""

_NO_ROOM: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Acceptor:
    """Acceptor of connections, until it is stopped.

    Args:
        listener: A listening socket; closed at the end.
        accepted: Called with each connection.
    """

    def __init__(
        self, listener: socket.socket, accepted: Callable[[socket.socket], object]
    ) -> None:
        self._listener = listener
        self._accepted = accepted
        self._loop = asyncio.get_running_loop()
        self._later: asyncio.TimerHandle | None = None
        listener.settimeout(0)
        self._watch()

    def stop(self) -> None:
        """Stop accepting; connections that wait in the kernel's queue are refused."""
        if self._later is not None:
            self._later.cancel()
        self._loop.remove_reader(self._listener)
        self._listener.close()

    def _watch(self) -> None:
        self._later = None
        self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        for _ in range(LOT):
            try:
                connection, _address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _NO_ROOM:
                    raise
                logger.warning("no room for another connection (%s); next try soon", error.strerror)
                self._loop.remove_reader(self._listener)
                self._later = self._loop.call_later(PAUSE, self._watch)
                return
            connection.settimeout(0)
            self._accepted(connection)
