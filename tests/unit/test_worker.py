"""The serving process from within: its runner, its orders, its signals, its last resort."""

import logging
import os
import signal
import socket
import threading
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest
from typing_extensions import override

from bytesocket_app import ByteSocket
from bytesocket_app.serving.runners.listening import listen
from bytesocket_cli import worker
from bytesocket_cli.errors import CliError
from bytesocket_cli.loading import Loaded
from bytesocket_cli.worker import Orders, Service, child, describe, serve, until_signal
from tests.support.imports import fresh_imports
from tests.support.server_process import APP, DEADLINE, get


@pytest.fixture(autouse=True)
def resorts(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Note when the process would be ended, in place of ending it."""
    noted: list[float] = []
    monkeypatch.setattr(worker, "end_within", noted.append)
    return noted


@pytest.fixture(autouse=True)
def signals() -> Generator[None, None, None]:
    numbers = (signal.SIGINT, signal.SIGTERM)
    previous = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, previous, strict=True):
        signal.signal(number, handler)


@pytest.fixture
def listener() -> Generator[socket.socket, None, None]:
    with listen("127.0.0.1", 0) as made:
        yield made


def application() -> Loaded:
    app = ByteSocket(title="T")
    return Loaded(app, (app,), "app:app")


async def at_once() -> None:
    """Stop as soon as it serves."""


@pytest.mark.parametrize(
    ("transport", "backend"),
    [("hypercorn", "asyncio"), ("hypercorn", "trio"), ("uvicorn", "asyncio")],
)
def test_it_serves_until_it_is_told(
    listener: socket.socket, resorts: list[float], transport: str, backend: Any
) -> None:
    served = threading.Event()
    service = Service(
        listener=listener, transport=transport, backend=backend, grace=1.0, started=served.set
    )
    serve(application(), service, at_once)
    assert served.is_set()
    assert resorts == [1.0 + worker.EXTRA]


def test_a_server_that_is_not_installed_is_named(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(_name: str) -> None:
        return None

    monkeypatch.setattr(worker, "find_spec", absent)
    with pytest.raises(CliError, match="--transport uvicorn needs uvicorn: pip install uvicorn"):
        serve(application(), Service(listener=listener, transport="uvicorn"), at_once)


def test_uvicorn_does_not_run_on_trio(listener: socket.socket) -> None:
    service = Service(listener=listener, transport="uvicorn", backend="trio")
    with pytest.raises(CliError, match="uvicorn runs on asyncio only"):
        serve(application(), service, at_once)


def test_an_application_that_cannot_start_is_one_message(listener: socket.socket) -> None:
    async def app(_scope: Any, receive: Any, _send: Any) -> None:
        await receive()
        raise RuntimeError("no database")

    with pytest.raises(CliError, match=r"could not start: .*RuntimeError: no database"):
        serve(Loaded(app, (), "app:app"), Service(listener=listener), at_once)


@pytest.mark.anyio
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_stops_it_and_a_second_one_ends_it(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[int] = []
    monkeypatch.setattr("os._exit", left.append)
    with anyio.fail_after(DEADLINE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(until_signal)
            await anyio.wait_all_tasks_blocked()
            os.kill(os.getpid(), number)
    assert left == []
    os.kill(os.getpid(), number)
    assert left == [0]


def test_the_last_resort_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the real one, with the real end replaced
    ended = threading.Event()

    def end(_code: int) -> None:
        ended.set()

    monkeypatch.setattr("os._exit", end)
    asyncio_log = logging.getLogger("asyncio")
    level = asyncio_log.level
    try:
        worker.end_within(0.01)
        assert ended.wait(DEADLINE)
        assert asyncio_log.level == logging.CRITICAL
    finally:
        asyncio_log.setLevel(level)


def test_a_parent_that_is_gone_hears_nothing() -> None:
    ours, theirs = socket.socketpair()
    ours.close()
    with closing(theirs):
        orders = Orders(theirs)
        orders.report({"started": True})
        assert not orders.wait_to_serve()


class Parent(threading.Thread):
    """The other end: reads the child's reports and gives its orders."""

    def __init__(self, control: socket.socket, port: int, *, serves: bool) -> None:
        super().__init__()
        self._control = control
        self._port = port
        self._serves = serves
        self.reports: list[str] = []
        self.status = 0

    @override
    def run(self) -> None:
        lines = self._control.makefile()
        self.reports.append(lines.readline())
        if self._serves:
            self._control.sendall(b"serve\n")
            self.reports.append(lines.readline())
            self.status, _ = get(self._port, "/ws")
        self._control.shutdown(socket.SHUT_WR)
        self.reports.append(lines.readline())
        lines.close()
        self._control.close()


def run_child(
    folder: Path, listener: socket.socket, app: str, *, serves: bool
) -> tuple[int, Parent]:
    (folder / "app.py").write_text(app)
    ours, theirs = socket.socketpair()
    parent = Parent(ours, listener.getsockname()[1], serves=serves)
    parent.start()
    arguments = {
        "root": str(folder),
        "directory": str(folder),
        "module": "app",
        "attribute": None,
        "backend": "asyncio",
        "grace": 1.0,
        "listener": listener.dup().detach(),
        "control": theirs.detach(),
    }
    with fresh_imports():
        code = child(arguments)
    parent.join(DEADLINE)
    return code, parent


def test_a_child_reports_serves_and_stops(tmp_path: Path, listener: socket.socket) -> None:
    code, parent = run_child(tmp_path, listener, APP, serves=True)
    assert (code, parent.status) == (0, 426)
    assert '"import_string": "app:app"' in parent.reports[0]
    assert parent.reports[1:] == ['{"started": true}\n', ""]


def test_a_child_that_is_not_needed_ends(tmp_path: Path, listener: socket.socket) -> None:
    code, parent = run_child(tmp_path, listener, APP, serves=False)
    assert code == 0
    assert parent.reports[1] == ""


def test_a_child_that_cannot_import_reports_it(tmp_path: Path, listener: socket.socket) -> None:
    code, parent = run_child(tmp_path, listener, "1 / 0", serves=False)
    assert code == 2
    assert '{"error": ' in parent.reports[0]
    assert "ZeroDivisionError" in parent.reports[0]


def test_a_host_is_described_without_a_contract() -> None:
    described = describe(Loaded(object(), (), "app:api"))
    assert "without a ByteSocket" in described.pop("missing")
    assert described == {
        "import_string": "app:api",
        "applications": [],
        "contract": None,
        "has_pages": True,
    }
