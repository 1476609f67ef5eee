"""Log lines: none of them tells a secret, and strangers cannot make very many.

Peers cause most lines, so the loggers of the framework have a filter, `restraint`:

* Of lines at INFO and above, a few of each kind pass in a second. The rest is counted, and the
  count is logged when the second is over: "and 1,234 more in a second, like: ...". A kind is a
  format string, or for exceptions the place that raised.
* The traceback of an exception has no texts, as those often hold what a peer sent: the message of
  a `KeyError` is a key, and that of a `ValidationError` is the input. `BYTESOCKET_LOG_TEXTS=1`, set
  by `bytesocket dev`, has them logged.

What servers tell at DEBUG of frames and headers is left to a level of their own loggers.

Handlers that read `record.exc_info` instead, for example those of error trackers, get the whole
exception, as error hooks do.
"""

import logging
import os
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from threading import Lock
from traceback import format_tb
from typing import Final, TypeAlias

from typing_extensions import override

from bytesocket_app.errors import ByteSocketError
from bytesocket_app.event_loop import is_group

OWN: Final = (
    "bytesocket",
    "bytesocket.server",
    "bytesocket.client",
    "bytesocket.client.frames",
    "bytesocket.picows",
)
"""The loggers of the framework."""

TALKATIVE: Final = ("hpack", "tungstenite")
"""Loggers of servers (hypercorn's HTTP/2, granian) that tell of all headers and frames at DEBUG."""

LINES: Final = 5
"""Lines of a kind that pass in a second."""

SWITCH: Final = "BYTESOCKET_LOG_TEXTS"
"""Environment variable that has texts of exceptions logged."""

SHOWN: Final = 64
"""Characters of a peer's text in a line."""

_SECOND: Final = 1.0
_EXAMPLE: Final = 200
"""Characters of the line that stands for those left out."""
_CHAIN: Final = 16
"""Exceptions in one traceback, with their causes and the members of groups."""

_CAUSE: Final = "\nThe above exception was the direct cause of the following exception:\n\n"
_CONTEXT: Final = "\nDuring handling of the above exception, another exception occurred:\n\n"
_HINT: Final = (
    f"(texts of exceptions are left out, as they may hold what peers sent; {SWITCH}=1 logs them)"
)

_Kind: TypeAlias = tuple[str, object, int]


@dataclass(slots=True)
class _Second:
    """Lines of one kind since a moment.

    Attributes:
        begun: That moment.
        record: The first line.
        lines: The number of lines.
    """

    begun: float
    record: logging.LogRecord
    lines: int = 0


class _LeftOut(logging.LogRecord):
    """Line about others that were left out; it is not counted itself."""


class Restraint(logging.Filter):
    """Filter of lines that others cause.

    Attributes:
        clock: Returns seconds; replaced by tests.
        shows_texts: True to log texts of exceptions.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.clock = clock
        self.shows_texts = os.environ.get(SWITCH, "") not in {"", "0"}
        self._seconds: dict[_Kind, _Second] = {}
        self._lock = Lock()

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        """Decide about a line, and take the texts out of its traceback."""
        if record.levelno >= logging.INFO and not isinstance(record, _LeftOut):
            is_admitted, past = self._count(record)
            self._tell(past)
            if not is_admitted:
                return False
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not self.shows_texts:
            record.exc_text = traced(error)
        return True

    def settle(self, *, all_of_them: bool = False) -> None:
        """Log the counts of seconds that are over, or of all; called at intervals, and at the end.

        Between two calls the next line of a kind does it for its own.
        """
        if not self._seconds:
            return
        now = self.clock()
        with self._lock:
            over = {
                kind: second
                for kind, second in self._seconds.items()
                if all_of_them or now - second.begun >= _SECOND
            }
            for kind in over:
                del self._seconds[kind]
        for second in over.values():
            self._tell(second)

    def forget(self) -> None:
        """Begin anew, without a word about what was left out."""
        self._seconds.clear()

    def _count(self, record: logging.LogRecord) -> tuple[bool, _Second | None]:
        """Count a line; returns whether it passes, and the second before if it is over now."""
        kind, now, past = _kind(record), self.clock(), None
        with self._lock:
            second = self._seconds.get(kind)
            if second is None or now - second.begun >= _SECOND:
                past = second
                second = self._seconds[kind] = _Second(now, record)
            second.lines += 1
            return second.lines <= LINES, past

    def _tell(self, second: _Second | None) -> None:
        """Log how many lines were left out, if any were."""
        if second is None or second.lines <= LINES:
            return
        first = second.record
        like = first.getMessage()[:_EXAMPLE]
        values = (f"{second.lines - LINES:,}", like)
        text = "and %s more in a second, like: %s"
        logging.getLogger(first.name).handle(
            _LeftOut(first.name, first.levelno, first.pathname, first.lineno, text, values, None)
        )


def traced(error: BaseException) -> str:
    """Return the traceback of an exception and its causes, without their texts.

    What is about the application's code, as a `ConfigurationError`, has its text.
    """
    return "".join([*_traced(error, set()), _HINT])


def text_of(error: BaseException) -> str:
    """Return `: ` and the text of an exception for a line, or "" where texts are not logged."""
    if restraint.shows_texts or _is_about_code(error):
        return f": {error}"
    return ""


def shown(text: str) -> str:
    """Return the beginning of a peer's text, quoted, for a line or an answer."""
    return str.__repr__(text[:SHOWN])


def _traced(error: BaseException, seen: set[int]) -> Generator[str]:
    seen.add(id(error))
    before, link = error.__cause__, _CAUSE
    if before is None and not error.__suppress_context__:
        before, link = error.__context__, _CONTEXT
    if before is not None and id(before) not in seen and len(seen) < _CHAIN:
        yield from _traced(before, seen)
        yield link
    if error.__traceback__ is not None:
        yield "Traceback (most recent call last):\n"
        yield from format_tb(error.__traceback__)
    yield f"{_title(error)}\n"
    if is_group(error):
        for number, member in enumerate(error.exceptions, 1):
            if len(seen) >= _CHAIN:
                break
            yield f"  +---------------- {number} ----------------\n"
            inner = "".join(_traced(member, seen))
            yield "".join(f"  | {line}\n" for line in inner.splitlines())


def _title(error: BaseException) -> str:
    kind = type(error)
    name = kind.__qualname__
    if kind.__module__ not in {"builtins", "__main__"}:
        name = f"{kind.__module__}.{name}"
    return f"{name}: {error}" if _is_about_code(error) else name


def _is_about_code(error: BaseException) -> bool:
    return isinstance(error, ByteSocketError) and error.is_about_code


def _kind(record: logging.LogRecord) -> _Kind:
    trace = record.exc_info[2] if record.exc_info else None
    if trace is None:
        return record.name, record.msg, record.levelno
    while trace.tb_next is not None:
        trace = trace.tb_next
    return record.name, trace.tb_frame.f_code.co_filename, trace.tb_lineno


def restrain(name: str) -> None:
    """Apply the filter to a logger, once."""
    logging.getLogger(name).addFilter(restraint)


restraint: Final = Restraint()
"""The filter of this process."""

for _name in OWN:
    restrain(_name)

for _name in TALKATIVE:
    _talkative = logging.getLogger(_name)
    if _talkative.level == logging.NOTSET:  # who wants that sets its own level
        _talkative.setLevel(logging.INFO)
