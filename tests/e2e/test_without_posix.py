"""`dev` and `run` where event loops take no signals and children inherit nothing, as on Windows.

Simulated: what Windows lacks is taken away from the processes, and sockets are shared through a
stand-in for its `socket.share`. It was not run there.
"""

import os
import signal
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.server_process import (
    APP,
    DEADLINE,
    RudePeer,
    ServerProcess,
    environment,
    serving,
)

SITE = """
import asyncio, os, signal, socket, sys, tempfile, threading

del signal.pthread_sigmask
sys.modules["uvloop"] = None


def refuse(*_):
    raise NotImplementedError


asyncio.SelectorEventLoop.add_signal_handler = refuse


def share(self, _pid):
    path = os.path.join(tempfile.mkdtemp(), "s")
    waiting = socket.socket(socket.AF_UNIX)
    waiting.bind(path)
    waiting.listen()
    descriptor = os.dup(self.fileno())

    def give():
        peer, _ = waiting.accept()
        with peer, waiting:
            socket.send_fds(peer, [b"x"], [descriptor])
        os.close(descriptor)

    threading.Thread(target=give, daemon=True).start()
    return path.encode()


def fromshare(data):
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(data.decode())
        return socket.socket(fileno=socket.recv_fds(asking, 1, 1)[1][0])


socket.socket.share = share
socket.fromshare = fromshare

if any("bytesocket_cli" in part for part in sys.orig_argv):
    from bytesocket_cli import handover

    handover.INHERITED = False
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(SITE)
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


def variables(project: Path) -> dict[str, str]:
    """The variables of commands that have not what POSIX has."""
    return {"PYTHONPATH": f"{project / 'site'}{os.pathsep}{environment()['PYTHONPATH']}"}


def ask(process: ServerProcess) -> object:
    with closing(RudePeer(process.port)) as peer:
        return peer.request("chat:post", {"text": "hi"})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_dev_starts_reloads_and_stops(project: Path, number: int) -> None:
    lacking = variables(project)
    with serving("dev", "--port", "0", cwd=project, variables=lacking) as process:
        process.wait_for("Ctrl-C")
        assert ask(process) == "hi ONE"
        (project / "app.py").write_text(APP.replace("ONE", "TWO"))
        process.wait_for("reloaded")
        assert ask(process) == "hi TWO"
        process.stop(number, group=number == signal.SIGINT)  # Ctrl-C is for all of them
        assert process.process.returncode == 0
    assert "Traceback" not in process.output


@pytest.mark.parametrize("transport", ["hypercorn", "uvicorn", "picows"])
def test_run_starts_and_stops(project: Path, transport: str) -> None:
    arguments = ("run", "--host", "127.0.0.1", "--port", "0", "--transport", transport)
    with serving(*arguments, cwd=project, variables=variables(project)) as process:
        with closing(RudePeer(process.port)) as peer:
            assert peer.request("chat:post", {"text": "hi"}) == "hi ONE"
            process.process.send_signal(signal.SIGTERM)
            assert peer.close_code() == 1012
        assert process.process.wait(DEADLINE) == 0
    assert "Traceback" not in process.output
