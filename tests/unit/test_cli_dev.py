"""`dev` in this process: what it shows, what it writes, and how it hands over."""

import signal
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bytesocket_cli import reload
from bytesocket_cli.commands.dev import Screen
from bytesocket_cli.generation import text
from bytesocket_cli.reload import ReloadPlan
from tests.support.command_line import CommandLine
from tests.support.contracts import chat, sealed
from tests.support.server_process import APP

SETTINGS = (
    '[tool.bytesocket]\napp = "app:app"\n'
    '[[tool.bytesocket.generate]]\ntarget = "contract"\noutput = "contract.json"\n'
)

Supervise = Callable[[ReloadPlan], Any]


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    made = CommandLine(tmp_path, monkeypatch, capsys)
    made.write("app.py", APP)
    return made


def report(contract: dict[str, Any] | None, *paths: str, has_pages: bool = True) -> dict[str, Any]:
    return {
        "import_string": "chat.app:app",
        "applications": [{"title": "Chat", "path": path} for path in paths],
        "contract": contract,
        "has_pages": has_pages,
    }


def test_the_banner_has_addresses_reload_and_fingerprint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = chat()
    Screen(tmp_path, "0.0.0.0", 81, reload=True).ready(report(document, "/ws"))
    assert capsys.readouterr().out.splitlines() == [
        "bytesocket dev: chat.app:app",
        "  page      http://127.0.0.1:81/",
        "  socket    ws://127.0.0.1:81/ws",
        f"  reload    on, watching {tmp_path}",
        f"  contract  {document['fingerprint'][:16]} ({len(document['events'])} events)",
        "  stop      Ctrl-C",
    ]


def test_the_banner_of_a_host_with_many_sockets_stays_short(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Screen(tmp_path, "::1", 81, reload=False).ready(report(None, *(f"/{n}" for n in range(9))))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 8
    assert "  socket    ws://[::1]:81/0" in lines
    assert "  reload    off" in lines


def test_an_application_without_pages_has_no_page_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Screen(tmp_path, "::1", 81, reload=False).ready(report(None, "/ws", has_pages=False))
    assert "page" not in capsys.readouterr().out


def test_what_is_not_served_is_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = Screen(tmp_path, "::1", 81, reload=False)
    for _ in range(2):
        screen.ready({**report(None, "/ws"), "missing": "name main:api"})
    assert capsys.readouterr().err.count("name main:api") == 1


def test_a_reload_says_whether_the_contract_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = Screen(tmp_path, "127.0.0.1", 81, reload=True)
    screen.ready(report(chat(), "/ws"))
    capsys.readouterr()
    screen.ready(report(chat(), "/ws"))
    assert capsys.readouterr().out == "reloaded\n"
    screen.ready(report(sealed({**chat(), "title": "Other"}), "/ws"))
    assert capsys.readouterr().out.endswith("~ application (title changed)\n")
    screen.ready(report(None))
    assert capsys.readouterr().out == "reloaded\n"


def test_configured_targets_are_written_when_they_are_not_current(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    screen = Screen(tmp_path, "127.0.0.1", 81, reload=True)
    screen.ready(report(chat(), "/ws"))
    assert "wrote contract.json\n" in capsys.readouterr().out
    assert (tmp_path / "contract.json").read_text() == text(chat(), "contract")
    screen.ready(report(chat(), "/ws"))
    assert capsys.readouterr().out == "reloaded\n"


def test_a_target_that_cannot_be_written_is_reported_and_serving_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    (tmp_path / "contract.json").mkdir()
    Screen(tmp_path, "127.0.0.1", 81, reload=True).ready(report(chat(), "/ws"))
    assert "contract.json is a folder" in capsys.readouterr().err


def test_the_supervisor_gets_the_target_the_socket_and_the_generated_files(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans: list[ReloadPlan] = []

    async def supervise(plan: ReloadPlan) -> None:
        plans.append(plan)
        assert plan.listener.getsockname()[0] == "127.0.0.1"

    monkeypatch.setattr(reload, "supervise", supervise)
    run.write("pyproject.toml", SETTINGS)
    assert run("dev", "--port", "0", "--no-reload").code == 0
    (plan,) = plans
    assert (plan.target.module, plan.reload) == ("app", False)
    assert plan.ignored == (run.folder / "contract.json",)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_early_signal_ends_it_quietly(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    async def supervise(_plan: ReloadPlan) -> None:
        signal.raise_signal(number)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(reload, "supervise", supervise)
    done = run("dev", "--port", "0")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_port_in_use_is_one_line(run: CommandLine) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = str(other.getsockname()[1])
        done = run("dev", "--port", port)
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    assert port in done.err


def test_a_target_that_is_not_there_is_one_line(run: CommandLine) -> None:
    assert run("dev", "nowhere/x.py").err == "error: no such file or folder: nowhere/x.py\n"
