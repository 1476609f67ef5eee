"""Other processes that a server started beside this one, to serve the same application.

Nothing standard tells a worker that it is one of several, so that each server is known by marks of
its own: what uvicorn 0.51, hypercorn 0.18 and granian 2.7 hand to a new process, and the worker's
object in gunicorn 27. A server that is not known here is not noticed.
"""

import inspect
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

logger = logging.getLogger("bytesocket")

SPEAKER: Final = 1
"""Number of the worker that speaks for all, among those that a server starts with."""

_GRANIAN: Final = "granian-worker"


def warn_of_workers(title: str) -> None:
    """Log a warning if a server runs several processes of an application that has no engine.

    Only one of the processes logs it.
    """
    server = several()
    if server is not None:
        logger.warning(
            "%s runs several worker processes, and %s has the engine memory://, which is one "
            "process alone: rooms, users and broadcasts end at each worker's own clients. Run one "
            "worker, or name an engine between them: engine='redis://localhost:6379', or "
            "BYTESOCKET_ENGINE in the environment.",
            server,
            title,
        )


def several() -> str | None:
    """Return the name of the server that runs several processes, if this one speaks for them."""
    if os.environ.get("SERVER_SOFTWARE", "").startswith("gunicorn"):  # set by its master
        return _of_gunicorn(inspect.currentframe())
    # A worker that another process made has it loaded, and the others need not.
    processes: Any = sys.modules.get("multiprocessing.process")
    if processes is None:
        return None
    process: Any = processes.current_process()
    identity: tuple[int, ...] = getattr(process, "_identity", ())
    handed: tuple[object, ...] = getattr(process, "_args", None) or ()
    named: Mapping[str, object] = getattr(process, "_kwargs", None) or {}
    if process.name == _GRANIAN:
        # It hands its workers their number, and not how many there are: the second one speaks.
        return "granian" if handed and handed[0] == SPEAKER + 1 else None
    for one in (*handed, *named.values()):
        if _count(one) > 1:
            is_first = not identity or identity[-1] == SPEAKER
            return type(one).__module__.partition(".")[0] if is_first else None
    return None


def _of_gunicorn(frame: Any) -> str | None:
    """Return gunicorn's name if one of its workers runs us, is the first, and is not alone."""
    for each in _outwards(frame):
        worker: Any = each.f_locals.get("self")
        if _count(getattr(worker, "cfg", None)) > 1:
            return "gunicorn" if getattr(worker, "age", SPEAKER) == SPEAKER else None
    return None


def _outwards(frame: Any) -> Iterator[Any]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _count(config: object) -> int:
    """Return the number of workers in a server's configuration; 0 for what is none."""
    found: object = getattr(config, "workers", 0)
    return found if isinstance(found, int) else 0
