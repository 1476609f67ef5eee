"""`bytesocket conformance`: check a running server with the public conformance cases."""

import json
from typing import Annotated, Any

import typer

from bytesocket_cli import console
from bytesocket_cli.errors import FINDINGS, CliError

SCHEMES = ("ws://", "wss://")
_HINTS = {
    401: ": it wants a login that is not in the auth message",
    403: ": it wants a login that is not in the auth message, or another origin",
    404: ": is that the socket's path?",
}
"""Hints at what a status of a refused handshake may mean here."""


def conformance(
    url: Annotated[str, typer.Argument(help="The socket's address: ws://127.0.0.1:8000/ws.")],
    *,
    credentials: Annotated[
        str, typer.Option(help="Sent as the auth message of each connection, as JSON.")
    ] = "",
    timeout: Annotated[float, typer.Option(help="Seconds to wait for each answer.")] = 5.0,
) -> None:
    """Check that a running server follows the protocol, in JSON and in MessagePack."""
    import anyio

    if not url.startswith(SCHEMES):
        raise CliError(f"{url!r} is no address of a socket: write ws://HOST:PORT/PATH.")
    parsed = _parsed(credentials)
    anyio.run(_reach, url)
    failed = anyio.run(_try, url, parsed, timeout)
    if failed:
        raise CliError(f"{failed} failed", code=FINDINGS)


def _parsed(credentials: str) -> Any:
    if not credentials:
        return None
    try:
        return json.loads(credentials)
    except ValueError as error:
        raise CliError(
            f"--credentials is no JSON ({error}): quote it for the shell, as in '\"token\"'."
        ) from error


async def _reach(url: str) -> None:
    """Connect once, so that one line says that nobody is there, not one for each case.

    Raises:
        CliError: Nothing at the address speaks WebSocket.
    """
    from bytesocket_app.testing.conformance import Refused, RunningServer

    try:
        async with RunningServer(url).connect():
            return
    except Refused as refused:
        if refused.status:
            hint = _HINTS.get(refused.status, "")
            raise CliError(f"{url}: {refused}{hint}") from refused
        raise CliError(f"{refused.__cause__}: is the server running there?") from refused
    except TimeoutError as error:
        raise CliError(f"cannot connect to {url}: no answer in time") from error


async def _try(url: str, credentials: Any, timeout: float) -> int:
    from bytesocket_app.testing.conformance import WIRE_CASES, RunningServer, Stage, run_cases
    from bytesocket_app.wire import CODECS

    passed = failed = 0
    for codec in CODECS:
        stage = Stage(RunningServer(url, credentials), codec, timeout)
        for suite, cases in WIRE_CASES.items():
            async for result in run_cases(cases, stage):
                title = f"{suite}/{result.name} [{codec}]"
                if result.problem is None:
                    passed += 1
                    console.say(f"passed  {title}")
                else:
                    failed += 1
                    console.say(f"failed  {title}: {result.problem}")
                    console.say(f"  expected: {result.claim}\n{result.frames}")
    console.say(f"{passed} passed, {failed} failed")
    return failed
