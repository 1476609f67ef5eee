"""`bytesocket run` as a real process: picows from its start to its end, and TLS on every server."""

import json
import re
import signal
import ssl
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import trustme
from websockets.sync.client import connect, unix_connect

from tests.support.server_process import (
    APP,
    DEADLINE,
    RudePeer,
    ServerProcess,
    bytesocket,
    get,
    serving,
)

PICOWS = ("run", "--host", "127.0.0.1", "--port", "0", "--transport", "picows")
PAGES = APP.replace(
    "app = ByteSocket(",
    "from starlette.applications import Starlette\n\napp = ByteSocket(http=Starlette(), ",
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


@pytest.fixture
def picows(project: Path) -> Generator[ServerProcess, None, None]:
    with serving(*PICOWS, cwd=project) as process:
        yield process


def test_picows_serves_probes_and_ends_with_1012(picows: ServerProcess) -> None:
    port = picows.port
    assert get(port, "/health") == (200, b"ok\n")
    assert get(port, "/ready") == (200, b"ok\n")
    assert get(port, "/ws")[0] == 426
    assert get(port, "/")[0] == 404
    with closing(RudePeer(port)) as peer:
        assert peer.request("chat:post", {"text": "hi"}) == "hi ONE"
        picows.process.send_signal(signal.SIGTERM)
        assert peer.close_code() == 1012
        # As long as somebody has not answered the close, the server is there, and says so.
        assert get(port, "/ready") == (503, b"draining\n")
        assert get(port, "/health") == (200, b"ok\n")
    assert picows.process.wait(DEADLINE) == 0
    assert len(picows.output.splitlines()) == 1, picows.output


def test_picows_says_that_it_serves_no_pages(project: Path) -> None:
    (project / "app.py").write_text(PAGES)
    with serving(*PICOWS, cwd=project) as process:
        assert get(process.port, "/")[0] == 404
        assert "picows serves sockets, and no pages" in process.output


def test_picows_runs_on_asyncio_only(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.bytesocket]\nbackend = "trio"\n')
    done = bytesocket(*PICOWS, cwd=project)
    assert (done.returncode, done.stdout) == (2, "")
    assert "picows runs on asyncio only" in done.stderr


@pytest.mark.parametrize("transport", ["picows", "hypercorn", "uvicorn"])
def test_a_certificate_makes_it_wss(project: Path, transport: str) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(project / "cert.pem")
    issued.private_key_pem.write_to_path(project / "key.pem")
    trusting = ssl.create_default_context()
    trusting.load_verify_locations(cadata=authority.cert_pem.bytes().decode())
    arguments = (*PICOWS[:-1], transport, "--certfile", "cert.pem", "--keyfile", "key.pem")
    with serving(*arguments, cwd=project) as process:
        found = re.search(r"https://127\.0\.0\.1:(\d+)", process.wait_for("https://"))
        assert found is not None
        url = f"wss://127.0.0.1:{found[1]}/ws"
        client: Any = connect(url, ssl=trusting, open_timeout=DEADLINE, proxy=None)
        with client:
            for size in (10, 100_000):
                said = {"event": "chat:post", "data": {"text": "x" * size}, "id": 1}
                client.send(json.dumps(said))
                assert len(json.loads(client.recv(DEADLINE))["data"]) == size + len(" ONE")
            process.process.send_signal(signal.SIGTERM)
            with pytest.raises(Exception, match="1012"):
                client.recv(DEADLINE)
        assert process.process.wait(DEADLINE) == 0
        assert "Traceback" not in process.output


WHO = """
from bytesocket_app import ByteSocket, ClientEvent, Socket
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route


class Who(ClientEvent):
    pass


def seen(request):
    host = None if request.client is None else request.client.host
    return PlainTextResponse(f"{host} {request.url.scheme}")


app = ByteSocket(title="Who", serialization="json", http=Starlette(routes=[Route("/", seen)]))


@app.on(Who)
async def who(socket: Socket) -> str:
    host = None if socket.client is None else socket.client[0]
    return f"{host} {socket.handshake.scheme}"
"""


def asked(client: Any) -> str:
    """Ask the server who we are."""
    with client:
        client.send(json.dumps({"event": "who", "id": 1}))
        return str(json.loads(client.recv(DEADLINE))["data"])


SERVERS = [(name, "asyncio") for name in ("hypercorn", "uvicorn", "picows")]


@pytest.mark.parametrize(("transport", "backend"), [*SERVERS, ("hypercorn", "trio")])
def test_a_unix_socket_is_served_and_removed(project: Path, transport: str, backend: str) -> None:
    (project / "app.py").write_text(WHO)
    (project / "pyproject.toml").write_text(f'[tool.bytesocket]\nbackend = "{backend}"\n')
    path = project / "s"
    arguments = ("run", "--uds", "s", "--transport", transport)
    with serving(*arguments, cwd=project) as process:
        process.wait_for(f"app:app on unix:{path} ({transport})")
        opened: Any = unix_connect(str(path), "ws://localhost/ws", open_timeout=DEADLINE)
        assert asked(opened) == "None ws"
        second = bytesocket(*arguments, cwd=project)
        assert second.returncode == 2
        assert second.stderr.endswith(
            f"error: another server listens on {path}: stop it, or choose another path\n"
        )
        process.process.send_signal(signal.SIGTERM)
        assert process.process.wait(DEADLINE) == 0
    assert not path.exists()


@pytest.mark.parametrize("transport", ["hypercorn", "uvicorn"])
def test_trusted_proxies_tell_pages_and_sockets_who_the_client_is(
    project: Path, transport: str
) -> None:
    (project / "app.py").write_text(WHO)
    arguments = ("run", "--host", "127.0.0.1", "--port", "0", "--transport", transport)
    told = {"X-Forwarded-For": "203.0.113.9, 10.1.2.3", "X-Forwarded-Proto": "https"}

    def both(port: int) -> tuple[str, str]:
        asking = Request(f"http://127.0.0.1:{port}/", headers=told)
        with urlopen(asking, timeout=DEADLINE) as answer:
            page = answer.read().decode()
        opened: Any = connect(
            f"ws://127.0.0.1:{port}/ws", additional_headers=told, open_timeout=DEADLINE, proxy=None
        )
        return page, asked(opened)

    with serving(*arguments, "--proxy-headers", "127.0.0.0/8, 10.0.0.0/8", cwd=project) as process:
        assert both(process.port) == ("203.0.113.9 https", "203.0.113.9 wss")
    with serving(*arguments, "--proxy-headers", "10.0.0.0/8", cwd=project) as process:
        assert both(process.port) == ("127.0.0.1 http", "127.0.0.1 ws")


def test_every_option_has_an_environment_variable(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "app.py").write_text(WHO)
    for name, value in {"HOST": "127.0.0.1", "PORT": "0", "TRANSPORT": "uvicorn"}.items():
        monkeypatch.setenv(f"BYTESOCKET_{name}", value)
    monkeypatch.setenv("BYTESOCKET_PROXY_HEADERS", "unix")
    with serving("run", cwd=project) as process:
        assert "http://127.0.0.1:" in process.wait_for("app:app on")
        assert "(uvicorn)" in process.output
