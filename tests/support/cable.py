"""The way to a server, which can be pinched and cut."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

DEADLINE = 30.0


class Cable:
    """A port that leads to another: `with Cable(port) as cable:`, and clients dial `cable.port`.

    Args:
        port: Of the server, on this machine.
    """

    def __init__(self, port: int) -> None:
        self._server = port
        self._flows, self._always = threading.Event(), threading.Event()
        self._flows.set()
        self._always.set()
        self._is_whole = True
        self._ends: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(DEADLINE)
        for end in self._ends:
            end.close()

    def pinch(self) -> None:
        """Let nothing more through to the clients; the server can write until all buffers fill."""
        self._flows.clear()

    def release(self) -> None:
        """Let through what waited, and whatever comes."""
        self._flows.set()

    def cut(self) -> None:
        """Break every connection; what waited in them is lost, and new ones break at once."""
        with self._lock:
            self._is_whole = False
            for end in self._ends:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        self._flows.set()

    def mend(self) -> None:
        """Let new connections through."""
        with self._lock:
            self._is_whole = True

    def aim(self, port: int) -> None:
        """Lead new connections to another server."""
        with self._lock:
            self._server = port

    def _start(self, work: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if not self._is_whole:
                    client.close()
                    continue
                server = socket.socket()
                # Small, so that a pinch is felt at the other end.
                server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                server.connect(("127.0.0.1", self._server))
                self._ends += [client, server]
            self._start(self._pump, client, server, self._always)
            self._start(self._pump, server, client, self._flows)

    def _pump(self, source: socket.socket, target: socket.socket, flows: threading.Event) -> None:
        with suppress(OSError):
            while data := source.recv(4096):
                flows.wait(DEADLINE)
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
