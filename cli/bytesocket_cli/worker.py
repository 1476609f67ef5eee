"""Serving process: `run` itself, a worker of it, or the child that `dev` starts for each change.

A child reports to its parent over a socket pair, one JSON object a line: `ready` (imported, not
yet serving) or `error`; then `started` or `failed`. It begins to serve when the parent sends a
line, and stops when the parent shuts its end, so it never outlives its parent.
"""

import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import anyio

from bytesocket_app.errors import ConfigurationError, EngineError
from bytesocket_app.lifecycle.failures import leaf
from bytesocket_app.serving.runners.certificate import Certificate
from bytesocket_app.serving.runners.hosting import Hosting
from bytesocket_app.transports.lifespan import LifespanError
from bytesocket_cli import console
from bytesocket_cli.errors import FINE, UNAVAILABLE, USAGE, CliError
from bytesocket_cli.handover import INHERITED, take
from bytesocket_cli.interrupts import signals
from bytesocket_cli.loading import Loaded, load
from bytesocket_cli.project import Backend, Project
from bytesocket_cli.targets import Target

EXTRA = 1.5
"""Seconds after the grace period before the process is ended, whatever still runs in it."""

STARTING = 1.0
"""Seconds that the start of an application gets after the process was told to stop."""

NEEDS = {
    "picows": ("picows", "pip install 'bytesocket[native]'"),
    "uvicorn": ("uvicorn", "pip install uvicorn"),
}
"""Optional package that each transport needs, and the command that installs it."""

Until = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Configuration of a serving process.

    Attributes:
        listener: A bound socket.
        backend: The event loop.
        transport: The server: `hypercorn`, `uvicorn` or `picows`.
        grace: Seconds that open sockets get to close at the end.
        certificate: Certificate for https and wss; None for http and ws.
        started: Callback for the moment when connections are accepted.
    """

    listener: socket.socket
    backend: Backend = "asyncio"
    transport: str = "hypercorn"
    grace: float = 10.0
    certificate: Certificate | None = None
    started: Callable[[], None] = field(default=lambda: None)


def serve(loaded: Loaded, service: Service, until: Until) -> None:
    """Serve until `until` returns, then end within the grace period and `EXTRA` seconds.

    Raises:
        CliError: The server is not installed or does not run on the event loop, or the application
            could not start.
    """
    run_server = _runner(service)
    has_started = anyio.Event()

    def started() -> None:
        has_started.set()
        service.started()

    hosting = Hosting(
        listener=service.listener,
        drain=loaded.drain,
        grace=service.grace,
        **loaded.limits,
        backend=service.backend,
        served=loaded.applications,
        certificate=service.certificate,
        started=started,
    )
    failures: list[LifespanError] = []

    async def main() -> None:
        stop = anyio.Event()

        async def wait() -> None:
            await until()
            end_within(service.grace + EXTRA)
            stop.set()
            with anyio.move_on_after(STARTING):
                await has_started.wait()
                return
            tasks.cancel_scope.cancel()  # what it waits for, a broker perhaps, may never come

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            try:
                await run_server(loaded.asgi, hosting, stop)
            except LifespanError as error:
                failures.append(error)  # the task group would wrap it
            tasks.cancel_scope.cancel()

    # After the application's import: its own logging set-up comes first and then this does nothing.
    logging.basicConfig(format="%(levelname)s: %(message)s")
    options = {"use_uvloop": True} if service.backend == "asyncio" and find_spec("uvloop") else {}
    anyio.run(main, backend=service.backend, backend_options=options)
    for failure in failures:
        cause = _own_cause(failure)
        if isinstance(cause, EngineError):
            raise CliError(str(cause), code=UNAVAILABLE) from failure
        raise CliError(f"the application could not start: {cause or failure}") from failure


def _own_cause(failure: LifespanError) -> BaseException | None:
    """Return the framework's error that led to a failure, whose text says all; None for others'."""
    error: BaseException = failure
    while error.__cause__ is not None:
        error = leaf(error.__cause__)
        if isinstance(error, ConfigurationError | EngineError):
            return error
    return None


def behind(loaded: Loaded, proxies: str, transport: str) -> Loaded:
    """Put an application behind proxies; as it is without any.

    Raises:
        CliError: The server has no place for that, or the text names something else.
    """
    from bytesocket_app.serving.runners.proxied import Proxied

    if not proxies:
        return loaded
    trusted = tuple(one.strip() for one in proxies.split(","))
    if transport == "picows":
        raise CliError(
            "--proxy-headers changes what an ASGI server hands on, and picows is none: for its "
            f"sockets set Policies(trusted_proxies={trusted!r}) in the application"
        )
    try:
        return replace(loaded, asgi=Proxied(loaded.asgi, trusted))
    except ValueError as error:
        raise CliError(
            f"--proxy-headers {proxies!r}: {error}; write addresses and networks, as in "
            "127.0.0.1,10.0.0.0/8, or unix"
        ) from error


def certificate(certfile: Path | None, keyfile: Path | None) -> Certificate | None:
    """Make and check the certificate of two options; None if neither is given.

    Raises:
        CliError: There is a key without a certificate.
        ConfigurationError: The files cannot be read, or do not belong together.
    """
    if certfile is None:
        if keyfile is not None:
            raise CliError("--keyfile is the key of a certificate: name that with --certfile")
        return None
    made = Certificate(certfile, keyfile)
    made.context()
    return made


async def until_signal() -> None:
    """Wait for the first SIGINT or SIGTERM; a second one then ends the process at once."""
    with signals(signal.SIGINT, signal.SIGTERM) as received:
        async for _ in received:
            break
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)


def _runner(service: Service) -> Callable[..., Awaitable[None]]:
    if service.transport == "hypercorn":
        from bytesocket_app.serving.runners.hypercorn import serve as hypercorn

        return hypercorn
    module, install = NEEDS[service.transport]
    if find_spec(module) is None:
        raise CliError(f"--transport {service.transport} needs {module}: {install}")
    if service.backend != "asyncio":
        raise CliError(
            f"--transport {service.transport} runs on asyncio only: "
            'backend is "trio" in pyproject.toml'
        )
    if service.transport == "picows":
        from bytesocket_app.serving.runners.picows import serve as picows

        return picows
    from bytesocket_app.serving.runners.uvicorn import serve as uvicorn

    return uvicorn


def end_within(seconds: float) -> None:
    """End the process after a time, even if a peer, a thread or the event loop is stuck."""
    # What servers leave behind when their connections are cut is no news by now.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    last_resort = threading.Timer(seconds, _leave)
    last_resort.daemon = True
    last_resort.start()


def _leave(*_: object) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(FINE)


def _ignore(*_: object) -> None:
    """Handle a signal by doing nothing."""


class Orders:
    """Child's end of the socket pair."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control

    def report(self, message: dict[str, Any]) -> None:
        """Send one message to the parent; do nothing if the parent is gone."""
        try:
            self._control.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            return

    def wait_to_serve(self) -> bool:
        """Wait for the order to serve; return False if the parent is gone instead."""
        return self._control.recv(64) != b""

    async def until_stop(self) -> None:
        """Wait until the parent shuts its end, or SIGTERM arrives."""
        self._control.settimeout(0)

        async def watch_parent() -> None:
            await anyio.wait_readable(self._control)
            tasks.cancel_scope.cancel()

        async def watch_signals() -> None:
            with signals(signal.SIGTERM) as received:
                async for _ in received:
                    tasks.cancel_scope.cancel()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch_parent)
            tasks.start_soon(watch_signals)


def child(arguments: dict[str, Any]) -> int:
    """Import the application, report, and serve when told to.

    Args:
        arguments: `root`, `directory`, `module`, `attribute`, `backend`, `grace`, and where they
            are inherited the descriptors `listener` and `control`; of a worker also `transport`,
            `certfile`, `keyfile` and `proxies`.
    """
    console.prepare()
    if "transport" in arguments:
        console.show_lines_at_once()
    # Ctrl-C reaches the whole process group; the parent decides what it means. It was blocked
    # while this process was started. A handler, unlike SIG_IGN, is not inherited further.
    signal.signal(signal.SIGINT, _ignore)
    if INHERITED:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        sockets = {name: socket.socket(fileno=arguments[name]) for name in ("control", "listener")}
    else:
        sockets = take(sys.stdin.buffer.readline())
    with sockets["control"] as control, sockets["listener"] as listener:
        return _obey(Orders(control), listener, arguments)


def _obey(orders: Orders, listener: socket.socket, arguments: dict[str, Any]) -> int:
    target = Target(
        Project(Path(arguments["directory"])),
        Path(arguments["root"]),
        arguments["module"],
        arguments["attribute"],
    )
    try:
        loaded = load(target)
        service = Service(
            listener=listener,
            backend=arguments["backend"],
            transport=arguments.get("transport", "hypercorn"),
            grace=arguments["grace"],
            certificate=certificate(_path(arguments, "certfile"), _path(arguments, "keyfile")),
            started=lambda: orders.report({"started": True}),
        )
        is_worker = "transport" in arguments
        report = _describe_worker(loaded) if is_worker else describe(loaded)
        loaded = behind(loaded, arguments.get("proxies", ""), service.transport)
        orders.report({"ready": report})
    except (CliError, ConfigurationError) as error:
        orders.report({"error": str(error)})
        return USAGE
    if not orders.wait_to_serve():
        return FINE
    try:
        serve(loaded, service, orders.until_stop)
    except CliError as error:
        orders.report({"failed": str(error), "code": error.code})
        return error.code
    return FINE


def _path(arguments: dict[str, Any], name: str) -> Path | None:
    text: str | None = arguments.get(name)
    return None if text is None else Path(text)


def _describe_worker(loaded: Loaded) -> dict[str, Any]:
    """Describe what was loaded for the parent of several workers."""
    return {
        "import_string": loaded.import_string,
        "has_pages": loaded.has_pages,
        "local": [one.title for one in loaded.applications if one.is_local],
    }


def describe(loaded: Loaded) -> dict[str, Any]:
    """Describe what was loaded for the parent, which never imports the user's code itself."""
    applications = [
        {"title": one.title, "path": path}
        for one in loaded.applications
        for path in reversed(one.paths)
    ]
    contract = loaded.application.contract().document if len(loaded.applications) == 1 else None
    return {
        "import_string": loaded.import_string,
        "applications": applications,
        "contract": contract,
        "has_pages": loaded.has_pages,
        "missing": loaded.missing,
    }


if __name__ == "__main__":
    sys.exit(child(json.loads(sys.argv[1])))
