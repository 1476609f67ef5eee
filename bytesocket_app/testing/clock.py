"""Virtual clock: time advances only when a test advances it."""

from collections.abc import Generator
from contextlib import contextmanager

from bytesocket_app.application import ByteSocket


class VirtualClock:
    """Clock that an application's deadlines are compared with, while it is installed.

    Attributes:
        now: Current time in seconds, from an arbitrary start.
    """

    def __init__(self, app: ByteSocket) -> None:
        self.now = 1000.0
        self._app = app

    def __call__(self) -> float:
        """Return the current time in seconds, as `time.monotonic` does."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Advance the time, and apply every deadline that has passed by then."""
        self._app.housekeeping.sweep(
            self.now
        )  # what began since the last sweep began no later than now
        self.now += seconds
        self._app.housekeeping.sweep(self.now)


@contextmanager
def virtual_clock(app: ByteSocket) -> Generator[VirtualClock]:
    """Give an application a virtual clock; to be entered before its first connection.

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
