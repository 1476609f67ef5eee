"""Output of the commands: colour and tables on a terminal, plain UTF-8 text when piped."""

import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, TextIO

from bytesocket_cli.errors import CliError


def prepare() -> None:
    """Make the standard streams take every text.

    What is piped is UTF-8, whatever the console's code page; a terminal shows what its encoding
    lacks as escapes. A stream that is closed takes text and loses it.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - for the whole run
        elif isinstance(stream, io.TextIOWrapper):
            encoding = None if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


def show_lines_at_once() -> None:
    """Have each line of stdout written when it is complete, as on a terminal, piped or not."""
    stream: Any = sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(line_buffering=True)


def is_closed(descriptor: int) -> bool:
    """Return True for the descriptor of a standard stream that was closed before we started."""
    stream = {1: sys.stdout, 2: sys.stderr}.get(descriptor)
    return getattr(stream, "name", None) == os.devnull


def leave(stream: TextIO) -> None:
    """Give up a stream that takes no more: what is still in its buffer is lost in silence."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        return


def is_fancy(stream: TextIO | None) -> bool:
    """Return True if the stream is a terminal and no setting asks for plain text."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream is not None and stream.isatty()


def write(text: str) -> None:
    """Write a generated text to stdout as it would be in a file: UTF-8, line feeds.

    Raises:
        CliError: The standard output is closed.
    """
    if is_closed(1):
        raise CliError("the standard output is closed: there is nowhere to write to")
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:
        sys.stdout.write(text)
        return
    sys.stdout.flush()
    binary.write(text.encode())
    binary.flush()


def say(text: str = "", *, style: str | None = None) -> None:
    """Print one line to stdout.

    Args:
        text: The line.
        style: Style on a terminal, as rich names it: `bold red`.
    """
    _print(text, sys.stdout, style=style)


def warn(text: str) -> None:
    """Print a warning to stderr: the command goes on."""
    _print(text, sys.stderr, style="yellow")


def pass_on(text: str, *, is_error: bool) -> None:
    """Print a line of another process to the stream that it was meant for, if that takes it."""
    with suppress(OSError):
        _print(text, sys.stderr if is_error else sys.stdout, style=None)


def fail(text: str) -> None:
    """Print an error to stderr."""
    _print(text, sys.stderr, style="red", label="error: ")


def diff(lines: Sequence[str]) -> None:
    """Print a unified diff."""
    styles = {"+": "green", "-": "red", "@": "cyan"}
    for line in lines:
        _print(line, sys.stdout, style=styles.get(line[:1]))


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under column headings."""
    if is_fancy(sys.stdout):
        _rich_table(columns, rows)
        return
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    for row in [columns, *rows]:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        _print("  ".join(cells).rstrip(), sys.stdout, style=None)


def _rich_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*map(Text, row))
    Console().print(drawn)


def _print(text: str, stream: TextIO, *, style: str | None, label: str = "") -> None:
    if style is not None and is_fancy(stream):
        from rich.console import Console
        from rich.text import Text

        shown = Text.assemble((label, f"bold {style}"), text) if label else Text(text, style=style)
        Console(file=stream).print(shown, soft_wrap=True)
        return
    stream.write(f"{label}{text}\n")
    stream.flush()
