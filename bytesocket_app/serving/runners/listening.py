"""Opening of the listening socket, with errors that name a remedy."""

import errno
import socket
import sys
from contextlib import closing
from pathlib import Path
from typing import Final

from bytesocket_app.errors import ConfigurationError

BACKLOG = 2048
"""Connections that the kernel queues while the server is busy or restarts."""

ACCEPTED_AT_ONCE = 1
"""Connections that asyncio accepts in a turn of its loop; it takes its `backlog` for that as well.
Out of file descriptors it goes on to the last of them, each with a traceback and a timer."""

UNSENT = 64 * 1024
"""Unsent bytes that the kernel buffers per connection. Its default is megabytes for a slow reader,
which the slow-reader policy could not drop."""


BALANCED: Final = sys.platform == "linux"
"""True where the system gives each socket of one address its share of the connections."""

_EVERYBODY = 0o666
_OPTIONS = "--{} {}"
_IN_CODE = "{}={!r}"


def listen(host: str, port: int, *, in_code: bool = False) -> socket.socket:
    """Bind a socket and listen on it.

    Args:
        host: An address or a name; one with a colon is IPv6.
        port: The port; 0 lets the system choose one, see `getsockname()`.
        in_code: True if errors are to name arguments, `port=8001`, not options, `--port 8001`.

    Raises:
        ConfigurationError: The port is taken or not allowed, or the host is not an address of this
            machine.
    """
    listener = _bound(host, port, _IN_CODE if in_code else _OPTIONS)
    listener.listen(BACKLOG)
    return listener


def bind_each(host: str, port: int, number: int) -> list[socket.socket]:
    """Bind a socket for each of several processes to one address, and listen on none of them.

    The system then gives each socket that is listened on its share of the connections; where it
    would not, there is only one, for all processes, and it is listened on.

    Args:
        host: An address or a name; one with a colon is IPv6.
        port: The port; 0 lets the system choose one.
        number: How many processes there are.

    Raises:
        ConfigurationError: As for `listen`.
    """
    if not BALANCED:
        return [listen(host, port)]
    if port:
        # Sockets that share an address are let in beside those of another server that does so.
        _bound(host, port, _OPTIONS).close()
    sockets: list[socket.socket] = []
    try:
        for _ in range(number):
            sockets.append(_bound(host, port, _OPTIONS, is_shared=True))
            port = sockets[0].getsockname()[1]
    except ConfigurationError:
        for one in sockets:
            one.close()
        raise
    return sockets


def _bound(host: str, port: int, spelling: str, *, is_shared: bool = False) -> socket.socket:
    """Bind a socket; with `is_shared` others of this user may be bound to the same address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if is_shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        # A restart must not wait for the last connections of the run before. On Windows this
        # option would let two servers have one port, and the other one says that there is one.
        alone = getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR)
        listener.setsockopt(socket.SOL_SOCKET, alone, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):  # Linux and macOS; accepted sockets inherit it
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)
        listener.bind((host, port))
        listener.settimeout(0)
    except (OSError, OverflowError) as error:
        listener.close()
        raise ConfigurationError(_explain(host, port, error, spelling)) from error
    return listener


def listen_unix(path: Path) -> socket.socket:
    """Bind a Unix socket and listen on it; one that a server left behind there is replaced.

    Everybody may connect who may enter the socket's folder. Peers have no address:
    `Socket.client` is None, and "unix" among `Policies.trusted_proxies` trusts them as a proxy.

    Raises:
        ConfigurationError: Another server listens there, something else is there, or the path is
            too long or not allowed.
    """
    if not hasattr(socket, "AF_UNIX"):
        raise ConfigurationError(f"cannot listen on {path}: Python has no Unix sockets here")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.is_socket():
            _remove_stale(path)
        listener.bind(str(path))
        path.chmod(_EVERYBODY)
        listener.listen(BACKLOG)
        listener.settimeout(0)
    except ConfigurationError:
        listener.close()
        raise
    except OSError as error:
        listener.close()
        why = error.strerror or str(error)
        if error.errno == errno.EADDRINUSE:
            what = "a socket that takes no connection" if path.is_socket() else "no socket"
            why = f"there is something else, which is {what}"
        raise ConfigurationError(f"cannot listen on {path}: {why}") from error
    return listener


def _remove_stale(path: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
        probe.settimeout(0)  # to one whose queue is full it would wait
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except BlockingIOError:
            pass
        except OSError:
            return  # the bind says what it is
    raise ConfigurationError(f"another server listens on {path}: stop it, or choose another path")


def url(scheme: str, host: str, port: int, path: str = "/") -> str:
    """Return a URL to open in a browser: a wildcard host becomes the loopback address."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - read, not bound
    if ":" in name and not name.startswith("["):
        name = f"[{name}]"
    return f"{scheme}://{name}:{port}{path}"


def _explain(host: str, port: int, error: OSError | OverflowError, spelling: str) -> str:
    def said(name: str, value: object) -> str:
        return spelling.format(name, value)

    if isinstance(error, OverflowError):
        return f"port {port} does not exist: use {said('port', '0 to 65535')}"
    if error.errno == errno.EADDRINUSE:
        free = port + 1 if port < 65535 else 8000  # noqa: PLR2004 - the last port
        return (
            f"port {port} on {host} is already in use: stop the other program, "
            f"or choose another port with {said('port', free)}"
        )
    if error.errno == errno.EACCES:
        return (
            f"port {port} on {host} needs more rights: choose one above 1023, "
            f"as with {said('port', 8000)}"
        )
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        here, all_of_it = said("host", "127.0.0.1"), said("host", "0.0.0.0")  # noqa: S104 - said, not bound
        return f"{host!r} is not an address of this machine: use {here} or {all_of_it}"
    return f"cannot listen on {host} port {port}: {error.strerror or error}"
