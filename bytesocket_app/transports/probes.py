"""What orchestrators ask: whether the process lives, and whether it takes connections."""

from collections.abc import Iterable
from typing import Final

from bytesocket_app.transports.interface import Endpoint

HEALTH: Final = "/health"
"""Answered with 200 as long as the process lives."""
READY: Final = "/ready"
"""Answered with 200, and with 503 once the sockets are being closed."""


def probe(path: str, endpoints: Iterable[Endpoint]) -> tuple[int, str] | None:
    """The status and text for a probe's path; None for other paths."""
    if path not in {HEALTH, READY}:
        return None
    if path == READY and any(endpoint.draining for endpoint in endpoints):
        return 503, "draining\n"
    return 200, "ok\n"
