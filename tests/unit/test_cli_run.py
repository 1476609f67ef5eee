"""`run` in this process: what it serves with, and what it says."""

import os
import socket
from pathlib import Path

import pytest

from bytesocket_app.engines.url import VARIABLE
from bytesocket_app.serving.clustering import ENGINE_TIMEOUT
from bytesocket_app.serving.runners.listening import listen_unix
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


def test_a_socket_that_is_served_without_its_host_is_told(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def serve(*_: object) -> None:
        """End at once."""

    monkeypatch.setattr(worker, "serve", serve)
    attached = "from fastapi import FastAPI\napi = FastAPI()\napp.attach(api)\n"
    run.write("house.py", APP + attached)
    assert "name house:api as TARGET" in run("run", "house:app", "--port", "0").err
    for arguments in (["house:api"], ["app.py"], ["house:app", "--transport", "picows"]):
        assert "TARGET" not in run("run", *arguments, "--port", "0").err


def test_a_transport_that_is_none_is_a_usage_error(run: CommandLine) -> None:
    done = run("run", "--transport", "gunicorn")
    assert done.code == 2
    assert "gunicorn" in done.err


def test_the_known_transports_are_listed_for_one_that_is_none(run: CommandLine) -> None:
    done = run("run", "--transport", "node")
    assert done.code == 2
    assert "'hypercorn', 'uvicorn', 'picows'" in done.err


@pytest.mark.parametrize(
    ("transport", "install"),
    [("picows", "pip install 'bytesocket[native]'"), ("uvicorn", "pip install uvicorn")],
)
def test_a_transport_that_is_not_installed_is_one_line_with_its_install(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch, transport: str, install: str
) -> None:
    def found(name: str) -> str | None:
        return None if name == transport else name

    monkeypatch.setattr(worker, "find_spec", found)
    done = run("run", "--port", "0", "--transport", transport)
    assert done.code == 2
    assert done.err == f"error: --transport {transport} needs {transport}: {install}\n"


def test_an_engine_that_is_none_is_one_line(run: CommandLine) -> None:
    done = run("run", "--port", "0", "--engine", "redsi://:secret@localhost")
    assert done.code == 2
    assert done.err.startswith("error: --engine (or BYTESOCKET_ENGINE): no engine has the scheme")
    assert "Did you mean 'redis'?" in done.err
    assert "secret" not in done.err


def test_the_engine_of_the_options_is_put_where_applications_look_for_it(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[tuple[str | None, str | None]] = []

    def serve(*_: object) -> None:
        served.append((os.environ.get(VARIABLE), os.environ.get(ENGINE_TIMEOUT)))

    monkeypatch.setattr(worker, "serve", serve)
    monkeypatch.setenv(VARIABLE, "redis://environment")
    monkeypatch.setenv(ENGINE_TIMEOUT, "4")
    assert run("run", "--port", "0").code == 0
    arguments = ("--engine", "redis://option", "--engine-timeout", "2.5")
    assert run("run", "--port", "0", *arguments).code == 0
    assert served == [("redis://environment", "4"), ("redis://option", "2.5")]


def test_a_certificate_that_cannot_be_read_is_one_line(run: CommandLine) -> None:
    done = run("run", "--port", "0", "--certfile", "none.pem")
    assert done.code == 2
    assert done.err == "error: --certfile none.pem cannot be read: No such file or directory\n"


def test_an_application_that_cannot_be_imported_is_one_message(run: CommandLine) -> None:
    run.write("app.py", "1 / 0  # bytesocket\n")
    done = run("run", "--port", "0")
    assert done.code == 2
    assert done.err.startswith("error: app.py:1: ZeroDivisionError")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--uds", "s", "--port", "1"), "--uds listens on a Unix socket: leave --host and --port"),
        (("--proxy-headers", "all"), "--proxy-headers 'all': 'all' does not appear to be an"),
        (("--proxy-headers", "::1", "--transport", "picows"), "trusted_proxies=('::1',)"),
    ],
)
def test_options_that_do_not_go_together_are_one_line(
    run: CommandLine, arguments: tuple[str, ...], said: str
) -> None:
    done = run("run", *arguments)
    assert done.code == 2
    assert said in done.err
    assert not (run.folder / "s").exists()


def test_a_typed_port_goes_before_a_socket_in_the_environment(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    families: list[socket.AddressFamily] = []

    def serve(_loaded: Loaded, service: Service, _until: object) -> None:
        families.append(service.listener.family)

    monkeypatch.setattr(worker, "serve", serve)
    monkeypatch.setenv("BYTESOCKET_UDS", "s")
    assert run("run", "--port", "0").code == 0
    assert run("run").code == 0
    assert families == [socket.AF_INET, socket.AF_UNIX]


def test_the_socket_of_the_next_server_is_left_alone(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = run.folder / "s"

    def serve(_loaded: Loaded, service: Service, _until: object) -> None:
        service.listener.close()  # as servers do before they wait for their last connections
        listen_unix(path).close()

    monkeypatch.setattr(worker, "serve", serve)
    assert run("run", "--uds", "s").code == 0
    assert path.is_socket()
