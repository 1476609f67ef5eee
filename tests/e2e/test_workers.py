"""Several processes of one application: real servers, real brokers, real ends."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import AsyncExitStack, ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from websockets.sync.client import unix_connect

from bytesocket_app import ClientEvent, ServerEvent
from bytesocket_app.client import ClientSettings, DynamicClient
from tests.support.brokers import BrokerName, running_broker
from tests.support.ports import reserved_port
from tests.support.server_process import (
    DEADLINE,
    RudePeer,
    ServerProcess,
    bytesocket,
    environment,
    get,
    serving,
)

RUN = ("run", "--host", "127.0.0.1", "--port", "0")
SERVERS = ("hypercorn", "uvicorn", "picows")
CROWD = 400

APP = """\
import os
import sys
from pathlib import Path

from bytesocket_app import ByteSocket, ClientEvent, ServerEvent, Settings, Socket
from bytesocket_app.settings import Timeouts


class Who(ClientEvent, name="who"):
    pass


class Shout(ClientEvent, name="shout"):
    text: str


class Shouted(ServerEvent, name="shouted"):
    text: str


settings = Settings(timeouts=Timeouts(engine_grace=0.3))
app = ByteSocket(
    title="Who", events=[Who, Shout, Shouted], serialization="json", settings=settings
)


@app.lifespan
async def life(app: ByteSocket):
    if Path("broken").exists():
        print("the disk is on fire", file=sys.stderr)
        os._exit(3)
    yield


@app.on(Who)
async def who(socket: Socket, event: Who) -> int:
    return os.getpid()


@app.on(Shout)
async def shout(socket: Socket, event: Shout) -> None:
    print("heard:", event.text)
    await app.broadcast(Shouted(text=event.text))
"""


class Who(ClientEvent, name="who"):
    """Ask which process it is."""


class Shout(ClientEvent, name="shout"):
    """Say something to everybody."""

    text: str


class Shouted(ServerEvent, name="shouted"):
    """Somebody said something to everybody."""

    text: str


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


@contextmanager
def workers(
    project: Path, *arguments: str, number: int = 2, broker: BrokerName = "valkey-9.1"
) -> Generator[ServerProcess]:
    """Run the application in several processes over a broker of its own."""
    with running_broker(broker) as found:
        command = (*RUN, "--workers", str(number), "--engine", found.url, *arguments)
        # What they print is to be seen at once, as on a terminal, without Python's being told.
        with serving(*command, cwd=project, variables={"PYTHONUNBUFFERED": ""}) as server:
            yield server


def crowd(stack: ExitStack, port: int, number: int) -> list[tuple[RudePeer, int]]:
    """Connect many; returns each with the process that serves it."""
    peers = [stack.enter_context(closing(RudePeer(port))) for _ in range(number)]
    return [(peer, peer.request("who", {})) for peer in peers]


def until(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Tell whether there is such a process, which is not our child."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with suppress(OSError):
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    return False


@pytest.mark.parametrize("transport", SERVERS)
def test_connections_are_shared_evenly_and_all_are_drained_together(
    project: Path, transport: str
) -> None:
    with workers(project, "--transport", transport) as server, ExitStack() as stack:
        assert f"({transport}, 2 workers)" in server.wait_for("app:app on ")
        peers = crowd(stack, server.port, CROWD)
        shares = Counter(pid for _, pid in peers)
        assert len(shares) == 2
        assert max(shares.values()) / min(shares.values()) <= 1.6, shares
        # One of each worker hears what a client of the other one says to all.
        ears = {pid: peer for peer, pid in peers}
        speaker, _ = peers[0]
        speaker.send({"event": "shout", "data": {"text": "hello"}})
        for peer in ears.values():
            assert b"hello" in peer.receive()[1]
        assert server.wait_for("heard: hello").startswith(("worker 1: ", "worker 2: "))
        server.process.send_signal(signal.SIGTERM)
        assert {peer.close_code() for peer, _ in peers} == {1012}
        for peer, _ in peers:
            peer.close()
        assert server.process.wait(DEADLINE) == 0
        assert not any(is_running(pid) for pid in shares)
        assert "Traceback" not in server.output


class Guest:
    """A client of Python's that stays, and what became of its connection.

    Attributes:
        client: The client.
        home: The process that served it at last.
        lost: Set once a connection was lost.
        heard: What was said to all.
    """

    def __init__(self, client: DynamicClient) -> None:
        self.client = client
        self.home = 0
        self.lost = anyio.Event()
        self._is_open = False
        self.heard: list[str] = []
        client.on_state(self._changed)
        client.on(Shouted, self._hear)

    def _changed(self, state: str) -> None:
        if self._is_open and state != "open":
            self.lost.set()
        self._is_open = state == "open"

    def _hear(self, event: Shouted) -> None:
        self.heard.append(event.text)

    async def ask(self) -> None:
        """Ask where it is."""
        self.home = await self.client.request(Who(), int, timeout=DEADLINE)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize(
    ("transport", "broker"),
    [("hypercorn", "redis-6.2"), ("uvicorn", "nats"), ("picows", "valkey-9.1")],
)
async def test_a_killed_workers_clients_come_back_and_the_others_notice_nothing(
    project: Path, transport: str, broker: BrokerName
) -> None:
    settings = ClientSettings(backoff_base=0.05, backoff_cap=0.5)
    with workers(project, "--transport", transport, broker=broker) as server:
        url = f"ws://127.0.0.1:{server.port}/ws"
        async with AsyncExitStack() as stack:
            guests = [Guest(DynamicClient(url, settings=settings)) for _ in range(30)]
            for guest in guests:
                await stack.enter_async_context(guest.client)
                await guest.ask()
            homes = {guest: guest.home for guest in guests}
            victim = guests[0].home
            os.kill(victim, signal.SIGKILL)
            lost = [guest for guest in guests if homes[guest] == victim]
            others = [guest for guest in guests if homes[guest] != victim]
            assert others
            with anyio.fail_after(DEADLINE):
                for guest in lost:
                    await guest.lost.wait()
            for guest in guests:
                await guest.ask()
            assert victim not in {guest.home for guest in guests}
            assert all(guest.home == homes[guest] and not guest.lost.is_set() for guest in others)
            await anyio.to_thread.run_sync(server.wait_for, "serves again")
            assert "ended by itself (killed by SIGKILL); it is started again" in server.output
            await _reach_all(guests)
        server.stop(signal.SIGTERM)
        assert server.process.returncode == 0


async def _reach_all(guests: Sequence[Guest]) -> None:
    """Shout until everybody hears: over the broker it may take a moment after a start."""
    with anyio.fail_after(DEADLINE):
        while not all(guest.heard for guest in guests):
            await guests[-1].client.emit(Shout(text="all here?"))
            await anyio.sleep(0.1)


@pytest.mark.parametrize("transport", SERVERS)
def test_one_unix_socket_is_shared(project: Path, transport: str) -> None:
    arguments = ("--workers", "2", "--uds", "s", "--transport", transport)
    with (
        running_broker("valkey-9.1") as broker,
        serving("run", *arguments, "--engine", broker.url, cwd=project) as server,
    ):
        server.wait_for("2 workers)")
        assert f"unix:{project / 's'}" in server.output
        seen: set[str] = set()
        with ExitStack() as stack:
            deadline = time.monotonic() + DEADLINE
            while len(seen) < 2 and time.monotonic() < deadline:
                client: Any = unix_connect(str(project / "s"), uri="ws://localhost/ws")
                stack.enter_context(client)
                client.send('{"event": "who", "data": {}, "id": 1}')
                seen.add(client.recv(DEADLINE))
        assert len(seen) == 2
        server.stop()
        assert server.process.returncode == 0
        assert not (project / "s").exists()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_ctrl_c_for_all_of_them_ends_them_in_order(project: Path, backend: str) -> None:
    (project / "pyproject.toml").write_text(f'[tool.bytesocket]\nbackend = "{backend}"\n')
    with workers(project) as server, ExitStack() as stack:
        peers = crowd(stack, server.port, 4)
        os.killpg(server.process.pid, signal.SIGINT)
        assert {peer.close_code() for peer, _ in peers} == {1012}
        for peer, _ in peers:
            peer.close()
        assert server.process.wait(DEADLINE) == 0
        assert "ended by itself" not in server.output
        assert "Traceback" not in server.output


@pytest.mark.parametrize("number", [1, 2])
def test_who_waits_for_a_broker_can_be_stopped(project: Path, number: int) -> None:
    with reserved_port() as port:
        arguments = ("--engine", f"redis://127.0.0.1:{port}", "--engine-timeout", "0")
        with serving(*RUN, "--workers", str(number), *arguments, cwd=project) as server:
            server.wait_for("no connection to", times=number)
            server.stop(signal.SIGTERM)
            assert server.process.returncode == 0
            assert "Traceback" not in server.output


def test_workers_do_not_outlive_their_parent(project: Path) -> None:
    with workers(project) as server, ExitStack() as stack:
        pids = {pid for _, pid in crowd(stack, server.port, 20)}
        os.kill(server.process.pid, signal.SIGKILL)
        until(lambda: not any(is_running(pid) for pid in pids))


def test_one_that_ends_all_the_time_ends_everything_with_its_last_lines(project: Path) -> None:
    with workers(project) as server:
        with closing(RudePeer(server.port)) as peer:
            pid = peer.request("who", {})
        (project / "broken").touch()
        os.kill(pid, signal.SIGKILL)
        assert server.process.wait(DEADLINE) == 1
        server.wait_for("ended 5 times within 30 s")
        server.wait_for("the disk is on fire", times=5)
        assert server.output.endswith("Its last lines:\n    the disk is on fire\n")
        for pause in ("0.5", "1", "2"):
            assert f"it is started again in {pause} s" in server.output
        assert "did not start: the server ended at its start (exit code 3)" in server.output


def test_a_worker_that_cannot_be_imported_ends_the_start_with_one_message(project: Path) -> None:
    (project / "app.py").write_text("1 / 0  # bytesocket\n")
    done = bytesocket(*RUN, "--workers", "2", cwd=project)
    assert done.returncode == 2
    assert done.stderr.startswith("error: app.py:1: ZeroDivisionError")
    assert done.stderr.count("ZeroDivisionError") == 1


@pytest.mark.parametrize("engine", ["", "memory://", "memory://name"])
def test_several_workers_without_an_engine_are_refused_with_reason_and_remedy(
    project: Path, engine: str
) -> None:
    done = bytesocket(*RUN, "--workers", "2", "--engine", engine, cwd=project)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "--workers 2 needs an engine that carries events between processes" in done.stderr
    assert "app:app has memory://" in done.stderr
    assert "--engine redis://localhost:6379, or run one worker" in done.stderr


NOPERM = ("--user", "default", "on", "nopass", "~*", "&*", "+@all")


@pytest.mark.parametrize(
    ("transport", "number"), [("hypercorn", 1), ("uvicorn", 1), ("picows", 1), ("hypercorn", 2)]
)
def test_nobody_at_the_address_is_a_line_a_second_and_then_the_end(
    project: Path, transport: str, number: int
) -> None:
    with reserved_port() as port:
        arguments = ("--engine", f"redis://:secret@127.0.0.1:{port}", "--engine-timeout", "2.5")
        begun = time.monotonic()
        options = ("--transport", transport, "--workers", str(number))
        done = bytesocket(*RUN, *options, *arguments, cwd=project)
        assert time.monotonic() - begun > 2.5
    assert (done.returncode, done.stdout) == (1, "")
    *waiting, last = done.stderr.splitlines()
    shown = f"redis://127.0.0.1:{port}"
    assert 2 * number <= len(waiting) <= 3 * number
    assert all(f"no connection to {shown}: " in line for line in waiting)
    assert last.startswith(f"error: {shown} could not be reached in 2.5 s: [Errno ")
    assert "secret" not in done.stderr


@pytest.mark.parametrize(
    ("broker", "options", "login", "said"),
    [
        ("valkey-9.1", ("--requirepass", "right"), ":wrong-one@", "WRONGPASS"),
        ("redis-6.2", ("--requirepass", "right"), ":wrong-one@", "WRONGPASS"),
        ("redis-6.2", (*NOPERM, "-subscribe"), "", "NOPERM"),
        ("redis-6.2", (*NOPERM, "-publish"), "", "NOPERM"),
        ("valkey-9.1", ("--cluster-enabled", "yes"), "", "part of a Redis Cluster"),
        ("redis-6.2", ("--cluster-enabled", "yes"), "", "part of a Redis Cluster"),
        ("nats", ("--user", "u", "--pass", "right"), "u:wrong-one@", "Authorization Violation"),
    ],
)
def test_a_broker_that_will_not_have_us_is_one_line(
    project: Path, broker: BrokerName, options: tuple[str, ...], login: str, said: str
) -> None:
    with running_broker(broker, *options) as found:
        url = found.url.replace("://", f"://{login}")
        done = bytesocket(*RUN, "--engine", url, cwd=project)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {found.url} will not serve this application: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert "wrong-one" not in done.stderr


def test_nats_on_trio_is_one_line(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.bytesocket]\nbackend = "trio"\n')
    done = bytesocket(*RUN, "--engine", "nats://127.0.0.1:1", cwd=project)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: the application could not start: nats://127.0.0.1:1 needs asyncio, as NATS' client "
        "does: run with it, or use Redis.\n"
    )


def test_a_redis_that_is_too_old_is_one_line(project: Path) -> None:
    """No wheel brings one: what it says is what Redis 6.0 says."""
    info = b"# Server\r\nredis_version:6.0.16\r\nredis_mode:standalone\r\n"

    def answer(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"%1\r\n+server\r\n+redis\r\n")
            connection.recv(4096)
            connection.sendall(b"$%d\r\n%s\r\n" % (len(info), info))
            connection.recv(4096)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=answer, args=(listener,), daemon=True)
        server.start()
        url = f"redis://127.0.0.1:{listener.getsockname()[1]}"
        done = bytesocket(*RUN, "--engine", url, cwd=project)
        server.join(DEADLINE)
    assert done.returncode == 1
    assert done.stderr == (
        f"error: {url} will not serve this application: it is Redis 6.0.16, and 6.2 is the oldest "
        "that can be used.\n"
    )


@pytest.mark.parametrize("transport", SERVERS)
def test_a_lost_broker_shows_in_ready_after_the_grace_and_not_in_health(
    project: Path, transport: str
) -> None:
    with running_broker("valkey-9.1") as broker:
        command = (*RUN, "--transport", transport, "--engine", broker.url)
        with serving(*command, cwd=project) as server:
            port = server.port
            assert get(port, "/ready") == (200, b"ok\n")
            broker.stop()
            until(lambda: get(port, "/ready")[0] == 503)
            status, text = get(port, "/ready")
            assert (status, text[:12]) == (503, b"engine down ")
            assert b" s: " in text
            assert get(port, "/health") == (200, b"ok\n")
            broker.start()
            until(lambda: get(port, "/ready") == (200, b"ok\n"))


@contextmanager
def foreign(command: Sequence[str], folder: Path, log: Path, **more: str) -> Generator[None]:
    """Run somebody else's server for the block, with its output in a file."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(**more),
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(DEADLINE)


def _foreign(server: str, port: int, *arguments: str) -> list[str]:
    command = [sys.executable, "-m", server, "app:app", "--port", str(port), *arguments]
    return [*command, "--interface", "asgi"] if server == "granian" else command


STARTED = {"uvicorn": "Application startup complete", "granian": "Started worker-"}
WARNING = "runs several worker processes, and Who has the engine memory://"


@pytest.mark.parametrize("server", ["uvicorn", "granian"])
def test_workers_of_somebody_elses_server_without_an_engine_are_warned_of_once(
    project: Path, server: str
) -> None:
    log = project / "log"
    with reserved_port() as port, foreign(_foreign(server, port, "--workers", "2"), project, log):
        until(lambda: log.read_text().count(STARTED[server]) == 2)
        until(lambda: WARNING in log.read_text())
    assert log.read_text().count(f"{server} {WARNING}") == 1


def test_workers_by_the_environment_are_warned_of_as_well(project: Path) -> None:
    log = project / "log"
    with (
        reserved_port() as port,
        foreign(_foreign("uvicorn", port), project, log, WEB_CONCURRENCY="2"),
    ):
        until(lambda: log.read_text().count(STARTED["uvicorn"]) == 2)
    assert log.read_text().count(f"uvicorn {WARNING}") == 1


@pytest.mark.parametrize(
    ("server", "arguments"), [("uvicorn", ()), ("uvicorn", ("--reload",)), ("granian", ())]
)
def test_one_worker_of_somebody_elses_server_is_not_warned_of(
    project: Path, server: str, arguments: tuple[str, ...]
) -> None:
    log = project / "log"
    (project / "watched").mkdir()
    if arguments:
        arguments = (*arguments, "--reload-dir", "watched")
    with reserved_port() as port, foreign(_foreign(server, port, *arguments), project, log):
        until(lambda: STARTED[server] in log.read_text())
        until(lambda: _answers(port))
    assert WARNING not in log.read_text()


def _answers(port: int) -> bool:
    with suppress(OSError, IndexError):
        return get(port, "/health")[0] == 200
    return False


@pytest.mark.parametrize("server", ["uvicorn", "granian"])
def test_the_environment_gives_somebody_elses_workers_an_engine(project: Path, server: str) -> None:
    log = project / "log"
    with (
        running_broker("redis-6.2") as broker,
        reserved_port() as port,
        foreign(
            _foreign(server, port, "--workers", "2"), project, log, BYTESOCKET_ENGINE=broker.url
        ),
        ExitStack() as stack,
    ):
        until(lambda: log.read_text().count(STARTED[server]) == 2)
        until(lambda: _answers(port))
        homes: dict[int, RudePeer] = {}
        deadline = time.monotonic() + DEADLINE
        while len(homes) < 2 and time.monotonic() < deadline:
            peer = stack.enter_context(closing(RudePeer(port)))
            homes[peer.request("who", {})] = peer
        one, other = homes.values()
        one.send({"event": "shout", "data": {"text": "across"}})
        assert b"across" in other.receive()[1]
    assert WARNING not in log.read_text()
