"""Plain text when piped, colour on a terminal."""

import io

import pytest
from typing_extensions import override

from bytesocket_cli import console


class Terminal(io.StringIO):
    @override
    def isatty(self) -> bool:
        return True


def be_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    stream = Terminal()
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(f"sys.{name}", stream)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    return stream


def test_piped_text_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    console.say("[bold]said[/bold]")
    console.say()
    console.warn("warned")
    console.fail("failed")
    console.diff(["-old", "+new"])
    printed = capsys.readouterr()
    assert printed.out == "[bold]said[/bold]\n\n-old\n+new\n"
    assert printed.err == "warned\nerror: failed\n"


def test_piped_tables_are_columns(capsys: pytest.CaptureFixture[str]) -> None:
    console.table(["name", "rooms"], [["a", "lobby"], ["longer", "-"]])
    assert capsys.readouterr().out == "name    rooms\na       lobby\nlonger  -\n"


def test_an_empty_table_is_its_heading(capsys: pytest.CaptureFixture[str]) -> None:
    console.table(["name", "rooms"], [])
    assert capsys.readouterr().out == "name  rooms\n"


def test_a_terminal_has_colour_and_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = be_terminal(monkeypatch)
    console.fail("[bold]no[/bold] " + "wide " * 40)
    console.warn("careful")
    console.diff(["+new", " same"])
    console.table(["name"], [["[red]a"]])
    printed = terminal.getvalue()
    assert "\x1b[" in printed
    assert "[bold]no[/bold]" in printed
    assert "[red]a" in printed
    assert max(map(len, printed.splitlines())) > 200  # a line is left to the terminal to wrap


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_can_ask_for_plain_text(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    terminal = be_terminal(monkeypatch)
    monkeypatch.setenv(name, value)
    console.fail("failed")
    assert terminal.getvalue() == "error: failed\n"
