"""Health and readiness probes, as orchestrators ask for them."""

from collections.abc import Iterable
from typing import Final

from bytesocket_app.transports.interface import Endpoint

HEALTH: Final = "/health"
"""Path that is answered with 200 while the process runs."""
READY: Final = "/ready"
"""Path that is answered with 200, or with 503 after closing of the sockets began."""


def probe(path: str, endpoints: Iterable[Endpoint]) -> tuple[int, str] | None:
    """Return the status and text for a probe's path; None for other paths."""
    if path not in {HEALTH, READY}:
        return None
    if path == READY and any(endpoint.draining for endpoint in endpoints):
        return 503, "draining\n"
    return 200, "ok\n"
