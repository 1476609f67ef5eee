"""Admission: how many connections are taken, in all and from one address, and how fast.

A connection is counted from its handshake on, as what its handshake costs may take a while: hooks,
and authentication. It counts until its end is known, however it ends. The counts by address have
no more entries than there are connections; handshakes have a table of a fixed size.
"""

import logging
from collections import deque
from dataclasses import dataclass
from math import ceil
from typing import Final

from bytesocket_app.addresses import Client, address_key
from bytesocket_app.buckets import buckets_for
from bytesocket_app.dispatch.authentication import LATER
from bytesocket_app.settings import Limits
from bytesocket_app.transports import Rejection

logger = logging.getLogger("bytesocket")

_UNAVAILABLE: Final = 503
_TOO_MANY: Final = 429


@dataclass(frozen=True, slots=True)
class Full(Rejection):
    """Rejection for a limit.

    Attributes:
        reached: The name of the limit.
    """

    reached: str = ""


def full(reached: str, reason: str, *, status: int = _TOO_MANY, seconds: float = LATER) -> Full:
    """Return the rejection for a limit, with the seconds after which to try again."""
    retry = ("retry-after", str(max(ceil(seconds), 1)))
    return Full(status, reason, (retry,), reached=reached)


class Admission:
    """Counts of the connections of one application.

    Args:
        limits: The limits of the application.

    Attributes:
        connections: Connections that are open or asked for.
        unauthenticated: Those of them that are to send credentials, and did not send good ones yet.
        addresses: The connections by address, where that is limited.
    """

    def __init__(self, limits: Limits) -> None:
        self.connections = 0
        self.unauthenticated = 0
        self.addresses: dict[str, int] = {}
        self.forgotten: deque[tuple[str, bool]] = deque()
        self._limits = limits
        self._handshakes = buckets_for(limits.handshakes_per_second, 2)

    def admit(self, client: Client, now: float, *, waits: bool) -> "AdmissionPlace | Full":
        """Take one more connection, or say why not.

        Args:
            client: The address that it comes from.
            now: The time in seconds.
            waits: True if it has to send credentials.
        """
        while self.forgotten:
            self.remove(*self.forgotten.popleft())
        limits = self._limits
        by_address = limits.connections_per_address
        address = address_key(client) if by_address or self._handshakes is not None else ""
        refusal = self._refusal(address, now, waits=waits)
        if refusal is not None:
            where = address or address_key(client)
            logger.warning("a handshake from %.64s is refused: %s", where, refusal.reached)
            return refusal
        if not by_address:
            address = ""
        else:
            self.addresses[address] = self.addresses.get(address, 0) + 1
        self.connections += 1
        self.unauthenticated += waits
        return AdmissionPlace(self, address, waits=waits)

    def authenticated(self) -> None:
        """Take note of good credentials."""
        self.unauthenticated -= 1

    def remove(self, address: str, waits: bool) -> None:  # noqa: FBT001
        """Take note of the end of a connection."""
        self.connections -= 1
        self.unauthenticated -= waits
        if address:
            left = self.addresses[address] - 1
            if left:
                self.addresses[address] = left
            else:
                del self.addresses[address]

    @property
    def handshakes(self) -> int:
        """Number of addresses whose handshakes are remembered."""
        return 0 if self._handshakes is None else len(self._handshakes)

    def _refusal(self, address: str, now: float, *, waits: bool) -> Full | None:
        limits, handshakes = self._limits, self._handshakes
        wait = 0.0 if handshakes is None else handshakes.take(address, now)
        if wait:
            text = "Too many handshakes from this address; try again later."
            return full("handshakes_per_second", text, seconds=wait)
        if 0 < limits.connections <= self.connections:
            text = "The server is full; try again later."
            return full("connections", text, status=_UNAVAILABLE)
        if 0 < limits.connections_per_address <= self.addresses.get(address, 0):
            text = "Too many connections from this address; try again later."
            return full("connections_per_address", text)
        if waits and 0 < limits.unauthenticated <= self.unauthenticated:
            text = "Too many connections wait for their credentials; try again later."
            return full("unauthenticated", text, status=_UNAVAILABLE)
        return None


class AdmissionPlace:
    """Place of a connection in the counts; see `Admission`."""

    __slots__ = ("_address", "_admission", "_is_held", "_waits")

    def __init__(self, admission: Admission, address: str, *, waits: bool) -> None:
        self._admission = admission
        self._address = address
        self._waits = waits
        self._is_held = True

    def authenticated(self) -> None:
        """Take note that the connection's credentials are good."""
        if self._waits and self._is_held:
            self._admission.authenticated()
        self._waits = False

    def give_back(self) -> None:
        """Count the connection no more; later calls do nothing."""
        if self._is_held:
            self._is_held = False
            self._admission.remove(self._address, self._waits)

    def __del__(self) -> None:
        # An adaptor took the connection and never opened it, and did not say so. That may be
        # noticed in any thread, so that the counting is left to the next handshake.
        if self._is_held:
            self._admission.forgotten.append((self._address, self._waits))
