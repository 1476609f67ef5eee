"""A port is opened, or it is said why not and what to do."""

import errno
import socket
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from bytesocket_app.errors import ConfigurationError
from bytesocket_app.serving.runners.listening import listen, listen_unix, url


def test_a_free_port_is_listened_on() -> None:
    with listen("127.0.0.1", 0) as listener:
        address = listener.getsockname()
        with closing(socket.create_connection(address, 10)):
            assert address[0] == "127.0.0.1"


def test_a_host_with_a_colon_is_ipv6() -> None:
    with listen("::1", 0) as listener:
        assert listener.family == socket.AF_INET6


@pytest.mark.parametrize(("port", "free"), [(8000, 8001), (65535, 8000)])
def test_a_port_in_use_names_the_option_and_another_port(
    monkeypatch: pytest.MonkeyPatch, port: int, free: int
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EADDRINUSE, "Address already in use")

    monkeypatch.setattr(socket.socket, "bind", fail)
    with pytest.raises(ConfigurationError) as caught:
        listen("127.0.0.1", port)
    assert f"port {port} on 127.0.0.1 is already in use" in str(caught.value)
    assert f"--port {free}" in str(caught.value)
    with pytest.raises(ConfigurationError, match=f"with port={free}$"):
        listen("127.0.0.1", port, in_code=True)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (errno.EACCES, "needs more rights: choose one above 1023"),
        (errno.EADDRNOTAVAIL, "is not an address of this machine"),
        (errno.ENOBUFS, "cannot listen on 127.0.0.1 port 80: full"),
    ],
)
def test_what_the_system_refuses_is_explained(
    monkeypatch: pytest.MonkeyPatch, code: int, message: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(code, "full")

    monkeypatch.setattr(socket.socket, "bind", fail)
    with pytest.raises(ConfigurationError, match=message):
        listen("127.0.0.1", 80)


def test_a_name_that_is_no_host_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket.socket, "bind", fail)
    with pytest.raises(ConfigurationError, match="'nowhere' is not an address of this machine"):
        listen("nowhere", 0)


def test_a_port_beyond_all_ports_is_explained() -> None:
    with pytest.raises(ConfigurationError, match="port 70000 does not exist"):
        listen("127.0.0.1", 70000)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", "http://127.0.0.1:80/x"),
        ("0.0.0.0", "http://127.0.0.1:80/x"),
        ("::", "http://[::1]:80/x"),
        ("fe80::1", "http://[fe80::1]:80/x"),
    ],
)
def test_an_address_is_one_that_a_browser_opens(host: str, expected: str) -> None:
    assert url("http", host, 80, "/x") == expected


def test_a_unix_socket_that_was_left_behind_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s"
    listen_unix(path).close()
    assert path.is_socket()
    with listen_unix(path), closing(socket.socket(socket.AF_UNIX)) as peer:
        peer.connect(str(path))
    assert path.stat().st_mode & 0o777 == 0o666


def test_a_unix_socket_in_use_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with (
        listen_unix(path),
        pytest.raises(ConfigurationError, match=r"another server listens on .*/s: stop it"),
    ):
        listen_unix(path)
    assert path.is_socket()


def test_a_unix_socket_whose_queue_is_full_is_in_use(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(path))
        listener.listen(0)
        with suppress(BlockingIOError):
            while True:
                peer = stack.enter_context(socket.socket(socket.AF_UNIX))
                peer.setblocking(False)
                peer.connect(str(path))
        with pytest.raises(ConfigurationError, match="another server listens on"):
            listen_unix(path)
    assert path.is_socket()


def test_a_socket_of_another_kind_is_said_to_be_one(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as other:
        other.bind(str(path))
        with pytest.raises(ConfigurationError, match="which is a socket that takes no connection"):
            listen_unix(path)
    assert path.is_socket()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("file", "there is something else, which is no socket"),
        ("nowhere/s", "No such file or directory"),
        ("x" * 200, "path too long"),
        ("x" * 300, "name too long"),
    ],
)
def test_a_unix_socket_that_cannot_be_is_one_line(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(ConfigurationError, match=rf"^cannot listen on .*/{name}: .*{why}"):
        listen_unix(tmp_path / name)
    assert (tmp_path / "file").read_text() == "kept"
