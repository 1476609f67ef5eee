"""Search for ByteSockets in a host's routes and mounts, and for the paths that clients dial."""

import sys
from collections.abc import Iterator
from typing import Any

from typing_extensions import TypeIs

from bytesocket_app.application import ByteSocket
from bytesocket_app.hosting import Attached
from bytesocket_app.transports.entry import socket_below


def mounted(
    asgi: Any, prefix: str = "", *, through_http: bool = False
) -> Iterator[tuple[ByteSocket, str]]:
    """Yield each ByteSocket in an ASGI application, itself or in its routes, with a path of it.

    One that is mounted twice comes twice, and may come again for the same path.

    Args:
        asgi: The application.
        prefix: What the paths begin with.
        through_http: True to look into the HTTP side of a ByteSocket as well.
    """
    yield from _below(asgi, prefix, frozenset(), through_http=through_http)


def _below(
    one: Any, prefix: str, above: frozenset[int], *, through_http: bool
) -> Iterator[tuple[ByteSocket, str]]:
    if one is None or id(one) in above:
        return
    inner: list[Any] = []
    if isinstance(one, ByteSocket):
        yield one, socket_below(prefix, one.path)
        inner = [one.http] if through_http else []
    elif isinstance(one, Attached):
        if isinstance(one.app, ByteSocket):
            yield one.app, f"{prefix}{one.path}"
    else:
        if _is_mount(one):
            prefix = f"{prefix}{one.path}"
        included = getattr(one, "original_router", None)  # FastAPI's route of an included router
        if included is not None:
            prefix = f"{prefix}{getattr(getattr(one, 'include_context', None), 'prefix', '')}"
        found = getattr(one, "routes", None)
        # Only a list is looked into: `routes` of an unknown application may be anything.
        routes = found if _is_list(found) and id(found) not in above else []
        above |= {id(routes)}
        inner = [getattr(one, "app", None), included, *routes]
    for each in inner:
        yield from _below(each, prefix, above | {id(one)}, through_http=through_http)


def _is_list(value: object) -> TypeIs[list[Any]]:
    return isinstance(value, list)


def _is_mount(one: object) -> bool:
    """Return True for Starlette's mount; a library that was never loaded mounted nothing."""
    routing = sys.modules.get("starlette.routing")
    return routing is not None and isinstance(one, routing.Mount)
