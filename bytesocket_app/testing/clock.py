"""Time that moves only when a test says so."""

from collections.abc import Generator
from contextlib import contextmanager

from bytesocket_app.application import ByteSocket


class VirtualClock:
    """The clock that an application's deadlines are compared with, while it is in use.

    Attributes:
        now: Seconds since nothing in particular.
    """

    def __init__(self, app: ByteSocket) -> None:
        self.now = 1000.0
        self._app = app

    def __call__(self) -> float:
        """The time now, as `time.monotonic` tells it."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass, and have every deadline that is over then take effect."""
        self._app.housekeeping.sweep(
            self.now
        )  # what began since the last sweep began no later than now
        self.now += seconds
        self._app.housekeeping.sweep(self.now)


@contextmanager
def virtual_clock(app: ByteSocket) -> Generator[VirtualClock]:
    """Put an application on a virtual clock, before its first connection.

    ::

        with virtual_clock(app) as clock:
            async with TestClient(app) as client:
                clock.advance(121)
                assert await client.wait_closed() == (1001, "idle timeout")
    """
    clock, real = VirtualClock(app), app.housekeeping.clock
    app.housekeeping.clock = clock
    try:
        yield clock
    finally:
        app.housekeeping.clock = real
