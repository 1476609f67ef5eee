"""Search for ByteSockets in a host's routes and mounts, and for the paths that clients dial."""

import sys
from collections.abc import Iterator
from typing import Any, cast

from typing_extensions import TypeIs

from bytesocket_app import ByteSocket
from bytesocket_app.hosting import Attached


def mounted(asgi: Any) -> Iterator[tuple[ByteSocket, str]]:
    """Yield each ByteSocket in an ASGI application, itself or in its routes, with a path of it.

    The path begins with the `root_path` that a FastAPI application has behind a proxy. One that is
    mounted twice comes twice, and may come again for the same path.
    """
    root = getattr(asgi, "root_path", "")
    yield from _below(asgi, root.rstrip("/") if isinstance(root, str) else "", frozenset())


def _below(one: Any, prefix: str, above: frozenset[int]) -> Iterator[tuple[ByteSocket, str]]:
    if one is None or id(one) in above:
        return
    if isinstance(one, ByteSocket):
        # Mounted at its own path it is at that, with the slash that a mount needs.
        is_there = prefix.endswith(one.path)
        yield one, f"{prefix}/" if is_there else f"{prefix}{one.path}"
        return
    if isinstance(one, Attached):
        yield cast("ByteSocket", one.app), f"{prefix}{one.path}"
        return
    if _is_mount(one):
        prefix = f"{prefix}{one.path}"
    included = getattr(one, "original_router", None)  # FastAPI's route of an included router
    if included is not None:
        prefix = f"{prefix}{getattr(getattr(one, 'include_context', None), 'prefix', '')}"
    found = getattr(one, "routes", None)
    # Only a list is looked into: `routes` of an unknown application may be anything.
    routes = found if _is_list(found) else []
    listed = [] if id(routes) in above else routes
    for each in (getattr(one, "app", None), included, *listed):
        yield from _below(each, prefix, above | {id(one), id(routes)})


def _is_list(value: object) -> TypeIs[list[Any]]:
    return isinstance(value, list)


def _is_mount(one: object) -> bool:
    """Return True for Starlette's mount; a library that was never loaded mounted nothing."""
    routing = sys.modules.get("starlette.routing")
    return routing is not None and isinstance(one, routing.Mount)
