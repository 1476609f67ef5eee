"""Taking connections off a listening socket, one readiness at a time.

aiofastnet's transports write at once, which a fan-out to many gains from; its own listening stops
for good when the process has no file descriptors left, so that part is here.
"""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from typing import Final

logger = logging.getLogger("bytesocket")

LOT: Final = 64
"""Connections taken before the event loop gets its turn."""
PAUSE: Final = 0.5
"""Seconds until the next try when there was no room for a connection."""

_NO_ROOM: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Acceptor:
    """Accepts connections until it is stopped.

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
        """Accept nothing more; who still waits in the kernel's queue is refused."""
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
