"""`run` in this process: what it serves with, and what it says."""

from pathlib import Path

import pytest

from bytesocket_cli import worker
from bytesocket_cli.loading import Loaded
from bytesocket_cli.worker import Service
from tests.support.command_line import CommandLine
from tests.support.server_process import APP


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    made = CommandLine(tmp_path, monkeypatch, capsys)
    made.write("app.py", APP)
    return made


def test_it_serves_the_target_for_production(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    services: list[Service] = []

    def serve(loaded: Loaded, service: Service, _until: object) -> None:
        assert loaded.application.title == "Talk"
        assert service.listener.getsockname()[0] == "0.0.0.0"
        services.append(service)
        service.started()

    monkeypatch.setattr(worker, "serve", serve)
    run.write("pyproject.toml", '[tool.bytesocket]\nbackend = "trio"\n')
    done = run("run", "app.py", "--port", "0", "--transport", "uvicorn")
    assert done.code == 0
    assert done.out.startswith("app:app on http://127.0.0.1:")
    assert done.out.endswith("/ (uvicorn)\n")
    (service,) = services
    assert (service.transport, service.backend, service.grace) == ("uvicorn", "trio", 10.0)


def test_a_transport_that_is_none_is_a_usage_error(run: CommandLine) -> None:
    done = run("run", "--transport", "gunicorn")
    assert done.code == 2
    assert "gunicorn" in done.err


def test_an_application_that_cannot_be_imported_is_one_message(run: CommandLine) -> None:
    run.write("app.py", "1 / 0  # bytesocket\n")
    done = run("run", "--port", "0")
    assert done.code == 2
    assert done.err.startswith("error: app.py:1: ZeroDivisionError")
