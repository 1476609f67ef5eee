"""The command table, the version, and how errors become exit codes."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from bytesocket_app import __version__
from bytesocket_app.errors import ConfigurationError
from bytesocket_cli import main as entry
from tests.support.command_line import CommandLine
from tests.support.server_process import environment


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capsys)


def test_the_version_is_the_packages(run: CommandLine) -> None:
    assert run("--version").out == f"bytesocket {__version__}\n"


def test_help_lists_the_commands_in_plain_text(run: CommandLine) -> None:
    done = run("--help")
    assert done.code == 0
    for command in ("new", "dev", "run", "generate", "events"):
        assert f"\n  {command} " in done.out
    assert "│" not in done.out


def test_nothing_at_all_is_answered_with_help(run: CommandLine) -> None:
    done = run()
    assert done.code == 2
    assert "Usage: bytesocket" in done.out + done.err


def test_an_unknown_command_is_a_usage_error(run: CommandLine) -> None:
    done = run("genrate")
    assert done.code == 2
    assert "genrate" in done.err


@pytest.mark.parametrize(
    ("arguments", "ending"),
    [
        (["generate", "pyton"], "'asyncapi', 'contract'. Did you mean 'python'?\n"),
        (["new", "x", "--template", "chatt"], "'minimal'. Did you mean 'chat'?\n"),
        (["run", "--transport", "x"], ": 'x' is not one of 'hypercorn', 'uvicorn', 'picows'.\n"),
        (["run", "--port", "x"], "\n"),
    ],
)
def test_a_value_that_is_no_choice_is_told_its_near_miss(
    run: CommandLine, arguments: list[str], ending: str
) -> None:
    done = run(*arguments)
    assert done.code == 2
    assert "Value error" not in done.err
    assert done.err.endswith(ending)


@pytest.mark.slow
def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from bytesocket_cli.main import app; "
        "print([n for n in ('pydantic', 'jinja2', 'hypercorn', 'anyio', 'watchfiles') "
        "if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.slow
def test_help_comes_at_once() -> None:
    # Processor time, of the best of some: the machine may be busy with other things. Without
    # the tests' own measuring, which traces every line.
    plain = {name: value for name, value in environment().items() if "COV" not in name}
    command = [sys.executable, "-m", "bytesocket_cli", "--help"]

    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, env=plain, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(5)) < 0.5


def test_a_wrong_declaration_found_late_is_one_message(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise ConfigurationError("app.py:3: two events have one name")

    monkeypatch.setattr(entry, "app", fail)
    done = run("events")
    assert (done.code, done.err) == (2, "error: app.py:3: two events have one name\n")


def test_our_own_mistakes_keep_their_traceback(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(entry, "app", fail)
    with pytest.raises(ZeroDivisionError):
        run("events")
