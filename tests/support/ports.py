"""Ports for servers that take a number and open a socket of their own."""

import socket
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def reserved_port() -> Generator[int]:
    """Keep a port of this machine for the block.

    It is bound and not listened on: who asks the kernel for any port gets another, while a server
    that asks for this one and allows it to be reused, as they all do, gets it.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # granian asks for it
        holder.bind(("127.0.0.1", 0))
        port: int = holder.getsockname()[1]
        yield port
