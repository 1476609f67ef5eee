"""The command table, the version, and how errors become exit codes."""

import os
import pty
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from bytesocket_app import __version__
from bytesocket_app.errors import ConfigurationError
from bytesocket_cli import main as entry
from tests.support.command_line import CommandLine
from tests.support.server_process import APP, environment


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


def shell(script: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of a shell in which `$B` is the command."""
    made = environment(B=f"{sys.executable} -m bytesocket_cli", **variables)
    return subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=made,
        check=False,
        capture_output=True,
        timeout=60,
    )


COMMANDS = ("--version", "--help", "events", "generate typescript --stdout")


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk_behind_stdout_is_one_line(tmp_path: Path, command: str) -> None:
    (tmp_path / "app.py").write_text(APP)
    done = shell(f"$B {command} > /dev/full", tmp_path)
    said = b"error: cannot write to the standard output: No space left on device\n"
    assert (done.returncode, done.stderr) == (2, said)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_reader_that_has_gone_ends_a_command_quietly(tmp_path: Path, command: str) -> None:
    (tmp_path / "app.py").write_text(APP)
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "bytesocket_cli", *command.split()],
            cwd=tmp_path,
            env=environment(),
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_closed_stdout_loses_messages_but_no_generated_text(tmp_path: Path, command: str) -> None:
    (tmp_path / "app.py").write_text(APP)
    done = shell(f"$B {command} >&-", tmp_path)
    if "--stdout" in command:
        said = b"error: the standard output is closed: there is nowhere to write to\n"
        assert (done.returncode, done.stderr) == (2, said)
    else:
        assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.slow
def test_a_closed_stdout_takes_no_file(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    done = shell("$B generate typescript -o /dev/stdout >&-", tmp_path)
    said = b"error: cannot write /dev/stdout: it is closed, there is nowhere to write to\n"
    assert (done.returncode, done.stderr) == (2, said)


@pytest.mark.slow
def test_a_link_to_stdout_has_the_text_alone(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "link.py").symlink_to("/dev/stdout")
    direct = shell("$B generate python -o /dev/stdout", tmp_path)
    linked = shell("$B generate python -o link.py", tmp_path)
    assert (linked.returncode, linked.stdout) == (0, direct.stdout)


@pytest.mark.slow
def test_a_folder_that_is_gone_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    done = shell("cd gone && rmdir ../gone && $B events", tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        b"error: the current folder does not exist any more: go to another one\n"
    )


@pytest.mark.slow
def test_piped_text_is_utf_8_whatever_the_console_is(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "from bytesocket_app import ByteSocket, ServerEvent\n\n\n"
        'class Cry(ServerEvent, name="schön"):\n    """Ein Schrei: ☃."""\n\n\n'
        "app = ByteSocket(title='Cries', events=[Cry])\n",
        encoding="utf-8",
    )
    latin = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    assert "☃".encode() in shell("$B generate typescript --stdout", tmp_path, **latin).stdout
    assert "schön".encode() in shell("$B events", tmp_path, **latin).stdout
    assert "schön".encode() in shell("$B events app:schön", tmp_path, **latin).stderr
    through = shell("$B generate typescript -o /dev/stdout | cat", tmp_path, **latin)
    assert "☃".encode() in through.stdout
    assert b"wrote" not in through.stdout


@pytest.mark.slow
def test_a_terminal_shows_what_it_lacks_as_escapes() -> None:
    terminal, end = pty.openpty()
    try:
        code = "from bytesocket_cli import console; console.prepare(); console.say('\u2603')"
        made = environment(PYTHONIOENCODING="ascii", PYTHONUTF8="0")
        subprocess.run([sys.executable, "-c", code], env=made, stdout=end, check=True, timeout=60)
        assert os.read(terminal, 100) == b"\\u2603\r\n"
    finally:
        os.close(terminal)
        os.close(end)
