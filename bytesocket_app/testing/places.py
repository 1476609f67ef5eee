"""Choice of a ByteSocket in a host application, by its path."""

import re

from bytesocket_app.application import ByteSocket
from bytesocket_app.errors import ConfigurationError, caller, near
from bytesocket_app.routes import mounted


def place_of(host: object, path: str | None) -> tuple[str, ByteSocket | None]:
    """Return the path to connect to, and the ByteSocket there.

    Args:
        host: An ASGI application.
        path: The path, without a query; None where there is one ByteSocket at one path.

    Returns:
        (path, application): None for the application where the host shows none of its parts.

    Raises:
        ConfigurationError: It is no ASGI application, or has no ByteSocket or none at this path, or
            several, and nothing says which.
    """
    kind = type(host).__name__
    if not callable(host) or isinstance(host, type):
        raise ConfigurationError(
            f"{caller()}: TestClient takes a ByteSocket, or an ASGI application with one, not "
            f"{host!r}."
        )
    found = list(dict.fromkeys((place, app) for app, place in mounted(host, through_http=True)))
    known = ", ".join(f"{place!r} ({app.title})" for place, app in found)
    if path is not None:
        at = next((app for place, app in found if _matches(place, path)), None)
        if at is None and found:
            hint = near(path, [place for place, _ in found])
            raise ConfigurationError(
                f"{caller()}: the {kind} has no ByteSocket at path={path!r}.{hint} It has: {known}."
            )
        return path, at
    if not found:
        raise ConfigurationError(
            f"{caller()}: TestClient finds no ByteSocket in the {kind}: attach it first, "
            f"`chat.attach(api)`, or mount it; or say where it is, TestClient(api, path='/ws')."
        )
    if len(found) > 1 or "{" in found[0][0]:
        raise ConfigurationError(
            f"{caller()}: TestClient needs to know the path in the {kind}, as in "
            f"TestClient(api, path={found[0][0]!r}). Its ByteSockets: {known}."
        )
    return found[0]


def _matches(place: str, path: str) -> bool:
    """Compare a path with a place, whose parameters in braces stand for one segment."""
    parts = re.split(r"\{[^}]*\}", place)
    return re.fullmatch("[^/]+".join(map(re.escape, parts)), path) is not None
