"""`@app.every(1.0)`: functions that run again and again while the application does."""

from collections.abc import Callable
from dataclasses import dataclass
from sys import float_info
from typing import Any, Final

from bytesocket_app.declarations.handlers import app_offer
from bytesocket_app.dependencies import bind
from bytesocket_app.errors import ConfigurationError, caller
from bytesocket_app.signature import Bound

_SHORTEST: Final = 1e-9
"""Seconds of an interval, below which a division by it may have no result."""


@dataclass(frozen=True, slots=True, eq=False)
class RepeatedFunction:
    """One function and its interval.

    Attributes:
        bound: The function, called with (app).
        interval: Seconds between the begins of two turns.
        immediately: True if the first turn is at the start, and not one interval later.
    """

    bound: Bound
    interval: float
    immediately: bool

    @property
    def what(self) -> str:
        """Name for the log: "every 1 s app.py:7"."""
        return f"every {self.interval:g} s {self.bound.source}"


class DeclaredTimers:
    """The timers of an application.

    Attributes:
        all: In the order of declaration.
        added: Called with each timer that is declared from then on.
    """

    def __init__(self) -> None:
        self.all: list[RepeatedFunction] = []
        self.added: Callable[[RepeatedFunction], object] = _ignore

    def add(
        self, function: Callable[..., Any], interval: float, app: type, *, immediately: bool
    ) -> None:
        """Resolve a function, and add it.

        Raises:
            ConfigurationError: A parameter cannot be served, or it is a generator.
        """
        bound = bind(function, [app_offer(app)], role=f"a function of every({interval:g})")
        timer = RepeatedFunction(bound, interval, immediately)
        self.all.append(timer)
        self.added(timer)


def checked_interval(interval: object) -> float:
    """Return an interval in seconds.

    Raises:
        ConfigurationError: It is no number, or none that is positive and finite.
    """
    if callable(interval):
        problem = "needs the seconds between two turns, as in @app.every(1.0)."
    elif isinstance(interval, bool) or not isinstance(interval, int | float):
        problem = f"takes seconds as a number, as in every(1.0), not {interval!r}."
    elif not _SHORTEST <= interval <= float_info.max:
        problem = (
            f"takes a number of seconds above 0 that is finite, not {interval!r}; the least is "
            f"{_SHORTEST:g}."
        )
    else:
        return float(interval)
    raise ConfigurationError(f"{caller()}: every {problem}")


def _ignore(_timer: RepeatedFunction) -> None:
    """Do nothing: nobody runs timers yet."""
