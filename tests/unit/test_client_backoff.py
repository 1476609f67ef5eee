"""Full jitter: bounded, growing, and started anew by a connection that lasted."""

import pytest

from bytesocket_app.client.backoff import Backoff


def highest(_: float, high: float) -> float:
    return high


def test_delays_double_up_to_the_cap() -> None:
    backoff = Backoff(0.5, 3, highest)
    assert [backoff.failed() for _ in range(5)] == [0.5, 1, 2, 3, 3]


def test_delays_are_drawn_from_nought() -> None:
    lows: list[float] = []

    def middle(low: float, high: float) -> float:
        lows.append(low)
        return high / 2

    backoff = Backoff(0.5, 3, middle)
    assert backoff.failed() == 0.25
    assert lows == [0]


def test_many_failures_stay_in_bounds() -> None:
    backoff = Backoff(0.5, 15)
    assert all(0 <= backoff.failed() <= 15 for _ in range(2000))


@pytest.mark.parametrize(("seconds", "delay"), [(2.9, 1.0), (3.0, 0.5)])
def test_only_a_lasting_connection_starts_anew(seconds: float, delay: float) -> None:
    backoff = Backoff(0.5, 15, highest)
    backoff.failed()
    backoff.lasted(seconds, stable_after=3)
    assert backoff.failed() == delay
