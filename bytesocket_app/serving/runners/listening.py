"""Opening the listening socket, with an error that says what to do."""

import errno
import socket

from bytesocket_app.errors import ConfigurationError

BACKLOG = 2048
"""Connections the kernel holds while the server is busy, or while it is being replaced."""

UNSENT = 64 * 1024
"""Bytes that the kernel takes off our hands beyond those on their way. Left alone it takes
megabytes for a slow reader, and nobody can drop them any more."""


def listen(host: str, port: int) -> socket.socket:
    """Bind and listen, before anything else is started.

    Args:
        host: An address or a name; one with a colon is IPv6.
        port: 0 lets the system choose; read it from `getsockname()`.

    Raises:
        ConfigurationError: The port is taken or not allowed, or the host is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        # A restart must not wait for the last connections of the run before.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):  # Linux and macOS; accepted sockets inherit it
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)
        listener.bind((host, port))
        listener.listen(BACKLOG)
        listener.settimeout(0)
    except (OSError, OverflowError) as error:
        listener.close()
        raise ConfigurationError(_explain(host, port, error)) from error
    return listener


def url(scheme: str, host: str, port: int, path: str = "/") -> str:
    """Write the address a person can open: a wildcard host becomes this machine's own name."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - read, not bound
    if ":" in name and not name.startswith("["):
        name = f"[{name}]"
    return f"{scheme}://{name}:{port}{path}"


def _explain(host: str, port: int, error: OSError | OverflowError) -> str:
    if isinstance(error, OverflowError):
        return f"port {port} does not exist: --port takes 0 to 65535"
    if error.errno == errno.EADDRINUSE:
        free = port + 1 if port < 65535 else 8000  # noqa: PLR2004 - the last port
        return (
            f"port {port} on {host} is already in use: stop the other program, "
            f"or choose another port with --port {free}"
        )
    if error.errno == errno.EACCES:
        return f"port {port} on {host} needs more rights: choose one above 1023 with --port"
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"{host!r} is not an address of this machine: --host takes 127.0.0.1 or 0.0.0.0"
    return f"cannot listen on {host} port {port}: {error.strerror or error}"
