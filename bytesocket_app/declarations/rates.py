"""Rates of events: what `rate=`, `burst=`, `per=` and `shared=` of a declaration say."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Final, Literal, TypeAlias, get_args

from typing_extensions import override

from bytesocket_app.buckets import FASTEST
from bytesocket_app.errors import ConfigurationError, caller, near
from bytesocket_app.types import EventName

Per: TypeAlias = Literal["socket", "user", "address"]
"""Those who have a rate each: every connection, every user, or every address."""

PER: Final[tuple[Per, ...]] = get_args(Per)
"""The same as values, the narrowest first: a user may have several sockets, an address users."""

_TEXT: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)/([smh])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600}
_LEAST: Final = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Rate:
    """Greatest frequency of an event in one place; each declaration has one of its own.

    Attributes:
        per_second: Messages in a second, on average.
        burst: Messages that may come at once after a pause.
        per: Those who have that rate each.
        source: `file:line` of the declaration.
        is_shared: True if all processes together count it, False if each counts by itself.
    """

    per_second: float
    burst: int
    per: Per = "socket"
    source: str = ""
    is_shared: bool = False

    @classmethod
    def read(
        cls,
        rate: str | None,
        burst: int | None,
        per: Per,
        shared: bool = False,  # noqa: FBT001, FBT002 - the arguments of a declaration, in its order
    ) -> "Rate | None":
        """Read the arguments of a declaration; None if they set no rate.

        Without `burst` it is what comes in two seconds, and at least 1.

        Raises:
            ConfigurationError: The text is no rate, `burst` no number of messages, `per` is none
                of the three, a socket's rate is to be shared, or `rate` is missing.
        """
        if rate is None:
            if burst is not None or per != "socket" or shared:
                given = f"burst={burst!r}" if burst is not None else f"per={per!r}"
                given = f"shared={shared!r}" if shared else given
                raise ConfigurationError(
                    f'{caller()}: {given} needs a rate beside it, as in rate="5/s".'
                )
            return None
        per_second = _per_second(rate)
        if burst is None:
            burst = max(1, ceil(2 * per_second))
        elif not isinstance(burst, int) or isinstance(burst, bool) or not 1 <= burst <= FASTEST:  # pyright: ignore[reportUnnecessaryIsInstance] - what users write
            raise ConfigurationError(
                f"{caller()}: burst={burst!r} cannot be: use a whole number of messages, from 1 to "
                f"{FASTEST}."
            )
        if per not in PER:
            known = ", ".join(map(repr, PER))
            raise ConfigurationError(f"{caller()}: per={per!r} is none of {known}.{near(per, PER)}")
        if shared and per == "socket":
            raise ConfigurationError(
                f"{caller()}: shared={shared!r} is for what has sockets in several processes, and "
                "a socket is in one, where its rate is counted. Say whose rate it is beside it: "
                'per="user" or per="address"; or leave it out.'
            )
        return cls(per_second, burst, per, caller(), bool(shared))

    @property
    def values(self) -> tuple[float, int, Per, bool]:
        """All that two declarations of one event have to agree on."""
        return self.per_second, self.burst, self.per, self.is_shared

    @override
    def __str__(self) -> str:
        shared = ", shared" if self.is_shared else ""
        return f"{self.per_second:g}/s, burst {self.burst}, per {self.per}{shared}"


class DeclaredRates:
    """Rates of one application.

    Attributes:
        changed: Called after each that is added.
        shared: The rates that all processes share, with the event and the pattern of the rooms
            (None outside them), which name one in all processes.
        shared_events: The events that have such a rate somewhere.
    """

    def __init__(self) -> None:
        self._all: list[Rate] = []
        self.shared: dict[Rate, tuple[EventName, str | None]] = {}
        self.shared_events: set[EventName] = set()
        self.changed: Callable[[], None] = _nothing

    def __bool__(self) -> bool:
        """Return True if there are any."""
        return bool(self._all)

    def add(self, rate: Rate | None, event: EventName, pattern: str | None = None) -> None:
        """Add the rate of a declaration.

        Args:
            rate: The rate; None for a declaration without.
            event: The name of the event.
            pattern: The pattern of the rooms; None outside rooms.
        """
        if rate is not None:
            self._all.append(rate)
            if rate.is_shared:
                self.shared[rate] = event, pattern
                self.shared_events.add(event)
            self.changed()

    def check(self, *, has_keys: bool) -> None:
        """Check that users can be told apart if a rate is theirs.

        Args:
            has_keys: True if the application says what identifies a user.

        Raises:
            ConfigurationError: It does not.
        """
        asked = next((rate for rate in self._all if rate.per == "user"), None)
        if asked is not None and not has_keys:
            raise ConfigurationError(
                f'{asked.source}: per="user" needs to know what identifies a user: declare it, as '
                "in @app.auth(key=lambda user: user.id)."
            )


def _per_second(text: object) -> float:
    found = _TEXT.fullmatch(text) if isinstance(text, str) else None
    value = float(found[1]) / _SECONDS[found[2]] if found is not None else 0.0
    if not _LEAST <= value <= FASTEST:
        raise ConfigurationError(
            f"{caller()}: rate={text!r} cannot be: use a number above 0 for each second, minute or "
            'hour, as in "5/s", "100/m" or "0.5/h".'
        )
    return value


def _nothing() -> None:
    """Do nothing: nobody wants to know."""
