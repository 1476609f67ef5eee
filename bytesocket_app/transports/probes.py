"""Health and readiness probes, as orchestrators ask for them."""

from collections.abc import Iterable
from functools import partial
from typing import Any, Final

from bytesocket_app.transports.interface import Endpoint

HEALTH: Final = "/health"
"""Path that is answered with 200 while the process runs."""
READY: Final = "/ready"
"""Path that is answered with 200, or with 503 and the reason: closing of the sockets began, or the
engine's broker has been lost for `Timeouts.engine_grace`."""


def probe(path: str, endpoints: Iterable[Endpoint]) -> tuple[int, str] | None:
    """Return the status and text for a probe's path; None for other paths."""
    if path not in {HEALTH, READY}:
        return None
    if path == READY:
        for endpoint in endpoints:
            if endpoint.unready:
                return 503, f"{endpoint.unready}\n"
    return 200, "ok\n"


def missing(paths: Iterable[str]) -> str:
    """Return the text of a 404: what there is instead, as who opens the server's `/` wants to know.

    Args:
        paths: The paths of the sockets.
    """
    parts = [*(f"a WebSocket at {path}" for path in paths), f"the probes {HEALTH} and {READY}"]
    return f"Not found. This server has {', '.join(parts)}.\n"


def routes(endpoint: Endpoint) -> list[Any]:
    """Return routes of Starlette that answer the probes in an HTTP side's own table."""
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    async def answer(path: str, _request: object) -> PlainTextResponse:
        status, text = probe(path, [endpoint]) or (404, "")
        return PlainTextResponse(text, status)

    return [Route(path, partial(answer, path), include_in_schema=False) for path in (HEALTH, READY)]
