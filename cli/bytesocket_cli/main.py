"""Command line: the commands, the version, and exit codes for errors."""

import errno
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typing_extensions import override

from bytesocket_cli import console
from bytesocket_cli.commands.conformance import conformance
from bytesocket_cli.commands.dev import dev
from bytesocket_cli.commands.diff import diff
from bytesocket_cli.commands.emit import emit
from bytesocket_cli.commands.events import events
from bytesocket_cli.commands.generate import generate
from bytesocket_cli.commands.new import new
from bytesocket_cli.commands.run import run
from bytesocket_cli.errors import USAGE, CliError

_NO_ROOM = frozenset({errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC})
"""Errors of writing to a stream."""


class Commands(TyperGroup):
    """The commands, with near misses for a value that is none of an option's choices."""

    @override
    def invoke(self, ctx: Any) -> Any:
        """Run the command that the arguments name."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = _with_near_miss(error.message)
            raise


app = typer.Typer(
    cls=Commands,
    name="bytesocket",
    help="Typed real-time applications: make a project, serve it, generate its clients.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Boxes and colours only where somebody looks at them.
    rich_markup_mode="rich" if console.is_fancy(sys.stdout) else None,
)
for command in (new, dev, run, generate, diff, events, emit, conformance):
    app.command()(command)


def _show_version(*, wanted: bool) -> None:
    if wanted:
        from bytesocket_app import __version__

        console.say(f"bytesocket {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Typed real-time applications: make a project, serve it, generate its clients."""


def main() -> None:
    """Run the command line: the console entry point.

    Exit codes: 0 success, 1 findings of a check, or nobody reads the output any more, 2 errors that
    the user can fix.
    """
    console.prepare()
    try:
        _check_folder()
        app(prog_name="bytesocket")
    except CliError as error:
        console.fail(str(error))
        sys.exit(error.code)
    except Exception as error:
        if isinstance(error, OSError) and _is_of_stream(error):
            console.leave(sys.stdout)
            console.fail(f"cannot write to the standard output: {error.strerror}")
        elif _is_configuration(error):
            console.fail(str(error))
        else:
            raise
        sys.exit(USAGE)


def _check_folder() -> None:
    try:
        Path.cwd()
    except FileNotFoundError:
        raise CliError("the current folder does not exist any more: go to another one") from None


def _is_of_stream(error: OSError) -> bool:
    """Return True if a stream takes nothing more, as on a full disk; files have a name."""
    return error.filename is None and error.errno in _NO_ROOM


def _with_near_miss(message: str) -> str:
    """Add a near miss to typer's message about choices, and leave out what is Pydantic's in it."""
    message = message.removeprefix("Value error, ")
    value, is_choice, choices = message.partition(" is not one of ")
    if not is_choice:
        return message
    from bytesocket_app.errors import near

    return message + near(value.strip("'"), re.findall("'([^']*)'", choices))


def _is_configuration(error: Exception) -> bool:
    """Return True for the framework's ConfigurationError, whose message is ready to be shown."""
    from bytesocket_app.errors import ConfigurationError

    return isinstance(error, ConfigurationError)
