"""Failures of a server's library that belong to one connection."""

import logging
from pathlib import PurePath
from types import TracebackType

from bytesocket_app.event_loop import is_group

logger = logging.getLogger("bytesocket.server")

_KINDS = 100
_seen: set[tuple[str, str]] = set()


def tell(error: BaseException) -> None:
    """Log a failure in one line, without its text, which may quote the peer.

    A peer can cause it as often as it likes: only the first of its kind is a warning.
    """
    first = _first(error)
    kind = (type(first).__name__, _place(first.__traceback__ or error.__traceback__))
    is_new = kind not in _seen and len(_seen) < _KINDS
    if is_new:
        _seen.add(kind)
    level = logging.WARNING if is_new else logging.DEBUG
    logger.log(level, "the server's library failed for a connection, which ends: %s in %s", *kind)


def _first(error: BaseException) -> BaseException:
    while is_group(error):
        error = error.exceptions[0]
    return error


def _place(trace: TracebackType | None) -> str:
    """Return the file and line that raised."""
    if trace is None:
        return "unknown"
    while trace.tb_next is not None:
        trace = trace.tb_next
    path = PurePath(trace.tb_frame.f_code.co_filename)
    return f"{path.parent.name}/{path.name}:{trace.tb_lineno}"
