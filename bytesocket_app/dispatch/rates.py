"""Rates at work: what comes too often is refused, or dropped, before anything else is done for it.

The buckets are one for each rate and socket, user or address. A message for several rooms costs a
token for each room.

The buckets of a shared rate are the engine's, which is asked for them. Here are buckets beside them
that count what this process let through: they answer in its place where it does not.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from math import ceil
from typing import Any, Final, Literal

from bytesocket_app.addresses import address_key
from bytesocket_app.buckets import FASTEST, Buckets
from bytesocket_app.cluster.channels import bucket_name, key_text
from bytesocket_app.cluster.rates import SharedRates
from bytesocket_app.declarations.rates import Rate
from bytesocket_app.dispatch.answers import refuse_now
from bytesocket_app.dispatch.incoming import Incoming
from bytesocket_app.dispatch.runtime import Runtime
from bytesocket_app.dispatch.step import Step
from bytesocket_app.dispatch.tallies import PERIOD, Tally
from bytesocket_app.engines import TokenRequest
from bytesocket_app.errors import Phase, Refusal
from bytesocket_app.telemetry import Count
from bytesocket_app.types import EventName
from bytesocket_app.wire.close import CloseCode

logger = logging.getLogger("bytesocket")

_ROOMS: Final = 128
"""Rooms that a socket may join at once where `Limits.rooms_per_socket` is none."""
_ROUNDING: Final = 1e-6
"""Share of a millisecond by which a sum of seconds may be off."""


class RateLimited(Refusal, code="rate_limited"):
    """Refusal of what comes too often; `retry_after` in its data are the seconds to wait."""

    def __init__(self, what: str, wait: float) -> None:
        seconds = ceil(wait * 1000 - _ROUNDING) / 1000
        super().__init__(
            f"Too many {what}; try again in {seconds:g} s.", data={"retry_after": seconds}
        )


class Rates:
    """Rates of an application's messages and joins, and their refusals.

    Args:
        runtime: The parts of the application.
    """

    def __init__(self, runtime: Runtime) -> None:
        limits = runtime.settings.limits
        self._limits = limits
        self._declared = runtime.rates
        self._clock = runtime.clock
        self._catalogue = runtime.catalogue
        self._handlers = runtime.handlers
        self._rooms = runtime.rooms
        self._telemetry = runtime.telemetry
        self._hub = runtime.hub
        self._elsewhere = self._declared.shared_events
        self._whole = _limit(limits.messages_per_second)
        self._joins = _limit(limits.joins_per_second, limits.rooms_per_socket or _ROOMS)
        # Events that are not declared share a rate: a peer can make up any number of names.
        self._others = _limit(limits.event_messages_per_second)
        self._defaults: dict[EventName, Rate] = {}
        self._tables: dict[Rate, Buckets] = {}

    @property
    def has_any(self) -> bool:
        """True if messages have to be counted."""
        return bool(self._declared or self._whole or self._others)

    def passes(self, step: Step, message: Incoming) -> bool | None:
        """Count a message; one that comes too often is answered, or dropped, and returns False.

        Returns None for one that is to be counted with the other processes, by `passes_everywhere`.
        """
        if self._elsewhere and self._is_shared(message):
            return None
        wait = self._wait(step, message)
        return True if not wait else self._refuse(step, message, wait)

    async def passes_everywhere(self, step: Step, message: Incoming) -> bool:
        """Count a message as `passes` does, with the other processes; waits for the engine."""
        remote = self._hub.elsewhere
        if remote is None:
            wait = self._wait(step, message)
        else:
            wait = await self._wait_everywhere(step, message, remote.rates)
        return True if not wait else self._refuse(step, message, wait)

    def _is_shared(self, message: Incoming) -> bool:
        return message.event in self._elsewhere and self._hub.elsewhere is not None

    def _refuse(self, step: Step, message: Incoming, wait: float) -> Literal[False]:
        """Answer or drop a message that comes too often."""
        spec = None if message.event is None else self._catalogue.by_name.get(message.event)
        if spec is not None and spec.volatile and message.id is None:
            socket_id = step.sending.socket_id
            self._telemetry.count(Count.DROPPED, socket=socket_id, reason="rate")
            return False
        refuse_now(step, message, Phase.HANDLER, RateLimited("messages", wait))
        self._telemetry.count(Count.REFUSED, code=RateLimited.__refusal_code__)
        self.note(step)
        return False

    def refusal_of_join(self, step: Step, rooms: int) -> Refusal | None:
        """Count a request to join so many rooms; returns the refusal if that is too often.

        After its answer, `note` has to be told.
        """
        if self._joins is None:
            return None
        wait = self._take(
            step, self._joins, self._clock(), _bounded(rooms, self._limits.rooms_per_socket)
        )
        return RateLimited("joins", wait) if wait else None

    def note(self, step: Step) -> None:
        """Note a refusal that was sent, and close the socket if it was one too many."""
        most, sending = self._limits.refusals, step.sending
        logger.debug("refused (%s), %s", RateLimited.__refusal_code__, sending)
        if most and _tally(step).refused(self._clock(), most):
            logger.info("closing 1008 rate limited: %d refusals in %g s, %s", most, PERIOD, sending)
            sending.shut(CloseCode.POLICY, "rate limited")

    def _wait(self, step: Step, message: Incoming) -> float:
        """Take a message's tokens; returns the seconds to wait if they are not all there.

        What is refused for its event costs the whole socket its tokens all the same.
        """
        now, rooms, whole = self._clock(), message.rooms, self._whole
        if rooms is None:
            rate, cost = self._rate_of(message.event, message.room), 1
            only = whole if rate is None else rate if whole is None else None
            if only is not None or rate is None:
                return 0.0 if only is None else self._take(step, only, now, cost)
            rates: Mapping[Rate, int] = {rate: cost}
        else:
            rates, cost = self._costs(message)
        wait = 0.0 if whole is None else self._take(step, whole, now, cost)
        longest = max(
            (self._lacks(step, rate, now, each) for rate, each in rates.items()), default=0.0
        )
        if longest and whole is not None:
            wait = self._lacks(step, whole, now, cost)
        if not (wait or longest):
            for rate, each in rates.items():
                self._take(step, rate, now, each)
        return max(wait, longest)

    async def _wait_everywhere(self, step: Step, message: Incoming, engine: SharedRates) -> float:
        """Take a message's tokens as `_wait` does, those of shared rates from the engine."""
        rates, cost = self._costs(message)
        now, whole = self._clock(), self._whole
        shared = {rate: key for rate in rates if (key := self._bucket(step, rate)) is not None}
        own = {rate: each for rate, each in rates.items() if rate not in shared}
        if whole is not None:
            own[whole] = cost
        wait = max((self._lacks(step, rate, now, each) for rate, each in own.items()), default=0.0)
        if wait:  # what this process refuses by itself costs the others nothing
            wait = max(wait, *(self._lacks(step, rate, now, rates[rate]) for rate in shared), 0.0)
        elif shared:
            requests = [
                TokenRequest(name, rates[rate], rate.per_second, rate.burst)
                for rate, name in shared.items()
            ]
            answer = await engine.take(requests, now)
            if answer is None:
                return self._wait(step, message)
            wait, now = answer, self._clock()
        if not wait:
            for rate in shared:
                self._take(step, rate, now, rates[rate])
            # Another socket may have taken what was there of a rate meanwhile.
            taken = (self._take(step, rate, now, each) for rate, each in own.items())
            return max(taken, default=0.0)
        if whole is not None:
            lacked = self._take(step, whole, now, cost)
            wait = max(wait, lacked, self._lacks(step, whole, now, cost))
        return wait

    def _bucket(self, step: Step, rate: Rate) -> str | None:
        """Return the name of the bucket that a shared rate takes from; None for no shared one."""
        named = self._declared.shared.get(rate)
        key = None if named is None else _key(step, rate)
        return None if key is None else bucket_name(named, rate.per, key_text(key))

    def _costs(self, message: Incoming) -> tuple[Mapping[Rate, int], int]:
        """Return the tokens of each rate that a message costs, and those of the whole socket."""
        rooms = message.rooms
        if rooms is None:
            rate = self._rate_of(message.event, message.room)
            return {} if rate is None else {rate: 1}, 1
        cost = _bounded(len(rooms), self._limits.rooms_per_message)
        # Too many rooms are refused later, whichever they are.
        return Counter(self._rates_of(message.event, rooms[:cost])), cost

    def _rates_of(self, event: EventName | None, rooms: Iterable[str]) -> Iterable[Rate]:
        rates = (self._rate_of(event, room) for room in rooms)
        return (rate for rate in rates if rate is not None)

    def _rate_of(self, event: EventName | None, room: str | None) -> Rate | None:
        """Return the rate that is declared where an event goes, else the default one, if any."""
        if event is None:
            return self._others
        rate = None
        if room is None:
            rate = self._handlers.rates.get(event)
        elif self._declared:
            found = self._rooms.find(room)
            rate = None if found is None else found[0].handlers.rates.get(event)
        return rate or self._default(event)

    def _default(self, event: EventName) -> Rate | None:
        if self._others is None or event not in self._catalogue.by_name:
            return self._others
        rate = self._defaults.get(event)
        if rate is None:
            rate = self._defaults[event] = Rate(self._others.per_second, self._others.burst)
        return rate

    def _lacks(self, step: Step, rate: Rate, now: float, cost: int) -> float:
        """Return the seconds until the bucket of a rate has the tokens; 0 if it has them."""
        key = _key(step, rate)
        if key is None:
            return _tally(step).bucket(rate).wait(now, cost)
        table = self._tables.get(rate)
        return 0.0 if table is None else table.wait(key, now, cost)

    def _take(self, step: Step, rate: Rate, now: float, cost: int) -> float:
        """Take tokens from the bucket of a rate; returns the seconds to wait if it lacks them."""
        key = _key(step, rate)
        if key is None:
            return _tally(step).bucket(rate).take(now, cost)
        table = self._tables.get(rate)
        if table is None:
            table = self._tables[rate] = Buckets(rate.per_second, rate.burst)
        return table.take(key, now, cost)


def _limit(per_second: int, burst: int = 0) -> Rate | None:
    """Make the rate of a setting, with a burst of at least twice as many; None for 0."""
    rate = min(per_second, FASTEST)
    return Rate(float(rate), max(2 * rate, min(burst, FASTEST))) if rate else None


def _bounded(rooms: int, most: int) -> int:
    """Return the cost of naming rooms: one for each, without those that are too many anyway."""
    return max(1, min(rooms, most or rooms))


def _key(step: Step, rate: Rate) -> Any:
    """Return what a rate's buckets are told apart by; None if the socket has one of its own."""
    if rate.per == "user":
        return step.sending.user_key
    if rate.per == "socket":
        return None
    tally = _tally(step)
    if tally.address is None:
        tally.address = address_key(step.socket.client)
    return tally.address


def _tally(step: Step) -> Tally:
    if step.tally is None:
        step.tally = Tally()
    return step.tally
