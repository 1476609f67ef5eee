"""A child process: it reports, serves when told to, and ends."""

import os
import signal
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import anyio
import pytest
from anyio import to_thread

from bytesocket_app.serving.runners.listening import listen
from bytesocket_cli.child import PATIENCE, Child
from bytesocket_cli.targets import resolve
from tests.support.server_process import APP, DEADLINE, RudePeer, environment

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture(autouse=True)
def setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
    # A busy machine may need longer to end a child than `dev` lets people wait.
    monkeypatch.setattr("bytesocket_cli.child.PATIENCE", DEADLINE)


@asynccontextmanager
async def started(folder: Path, app: str = APP) -> AsyncGenerator[tuple[Child, socket.socket]]:
    (folder / "app.py").write_text(app)
    with listen("127.0.0.1", 0) as listener, anyio.fail_after(DEADLINE):
        child = await Child.start(resolve("app.py", folder), listener)
        try:
            yield child, listener
        finally:
            child.kill()
            await child.stop()


async def test_it_reports_serves_and_drains(tmp_path: Path) -> None:
    async with started(tmp_path) as (child, listener):
        ready = (await child.report())["ready"]
        assert ready["import_string"] == "app:app"
        assert ready["applications"] == [{"title": "Talk", "path": "/ws"}]
        assert len(ready["contract"]["events"]) == 3
        child.serve()
        assert await child.report() == {"started": True}
        peer = await to_thread.run_sync(RudePeer, listener.getsockname()[1])
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(child.stop)
            with closing(peer):
                assert await to_thread.run_sync(peer.close_code) == 1012
        assert await child.wait() == 0
        assert not child.is_wanted


async def test_it_reports_why_the_application_cannot_be_imported(tmp_path: Path) -> None:
    async with started(tmp_path, "1 / 0") as (child, _):
        report = await child.report()
        assert report["error"].endswith("app.py:1: ZeroDivisionError: division by zero\n    1 / 0")
        assert await child.report() == {}
        assert await child.wait() == 2


async def test_it_reports_why_the_application_cannot_start(tmp_path: Path) -> None:
    fails = (
        "async def app(scope, receive, send):\n"
        "    await receive()\n"
        "    raise RuntimeError('no database')\n"
    )
    async with started(tmp_path, fails) as (child, _):
        assert (await child.report())["ready"]["contract"] is None
        child.serve()
        failed = (await child.report())["failed"]
        assert failed.startswith("the application could not start: ")
        assert failed.endswith("app.py:3: RuntimeError: no database")
        assert await child.wait() == 2


async def test_it_ends_when_it_is_not_told_to_serve(tmp_path: Path) -> None:
    async with started(tmp_path) as (child, _):
        await child.report()
        await child.stop()
        assert await child.wait() == 0


async def test_a_ctrl_c_is_the_parents_business(tmp_path: Path) -> None:
    blocks = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n" + APP
    async with started(tmp_path, blocks) as (child, _):
        assert "ready" in await child.report()
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


async def test_sigterm_drains_it_too(tmp_path: Path) -> None:
    async with started(tmp_path, APP) as (child, _):
        await child.report()
        child.serve()
        await child.report()
        os.kill(child.pid, signal.SIGTERM)
        assert await child.wait() == 0
        assert child.is_wanted


async def test_one_that_does_not_listen_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bytesocket_cli.child.PATIENCE", PATIENCE / 10)
    async with started(tmp_path, "import time\ntime.sleep(60)\n") as (child, _):
        await child.stop()
        assert await child.wait() == -signal.SIGKILL
