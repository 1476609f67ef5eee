"""Token buckets: what they let through on average, and what they remember."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytesocket_app.buckets import Buckets, TokenBucket


def test_a_bucket_begins_full_and_then_lets_through_its_rate() -> None:
    bucket = TokenBucket(5, 10)
    assert [bucket.take(0.3) for _ in range(10)] == [0.0] * 10
    wait = bucket.take(0.3)
    assert round(wait, 6) == 0.2
    assert bucket.take(0.3 + wait) == 0.0
    assert bucket.take(0.3 + wait) > 0


def test_a_refusal_takes_nothing() -> None:
    bucket = TokenBucket(1, 2)
    assert bucket.take(0, 2) == 0
    assert [bucket.take(0.5) for _ in range(100)] == [0.5] * 100
    assert bucket.take(1) == 0


def test_a_bucket_does_not_fill_beyond_its_burst() -> None:
    bucket = TokenBucket(2, 4)
    assert bucket.take(0, 4) == 0
    assert [bucket.take(1000) for _ in range(5)] == [0, 0, 0, 0, 0.5]


def test_more_than_a_bucket_holds_needs_a_full_one_and_puts_it_in_debt() -> None:
    bucket, buckets = TokenBucket(2, 4), Buckets(2, 4)
    assert bucket.take(0) == buckets.take("a", 0) == 0
    assert bucket.take(0, 10) == buckets.take("a", 0, 10) == 0.5
    assert bucket.take(0.5, 10) == buckets.take("a", 0.5, 10) == 0
    assert bucket.take(0.5) == buckets.take("a", 0.5) == 3.5
    assert bucket.take(4) == buckets.take("a", 4) == 0


@given(
    rate=st.floats(0.01, 1000),
    burst=st.integers(5, 100),
    start=st.floats(0, 1e6),
    steps=st.lists(st.tuples(st.floats(0, 3), st.integers(1, 5)), max_size=60),
)
def test_no_more_passes_in_any_time_than_the_burst_and_the_rate(
    rate: float, burst: int, start: float, steps: list[tuple[float, int]]
) -> None:
    bucket, table = TokenBucket(rate, burst), Buckets(rate, burst)
    now, passed = start, 0
    for pause, cost in steps:
        now += pause
        wait = bucket.take(now, cost)
        assert table.take("key", now, cost) == wait
        passed += 0 if wait else cost
        if wait:
            now += wait
            assert bucket.take(now, cost) == table.take("key", now, cost) == 0
            passed += cost
    assert passed <= burst + (now - start) * rate + 0.01


def test_each_key_has_a_bucket_of_its_own() -> None:
    buckets = Buckets(1, 1)
    assert buckets.take("a", 0) == 0
    assert buckets.take("b", 0) == 0
    assert buckets.take("a", 0) == 1


def test_full_buckets_are_forgotten() -> None:
    buckets = Buckets(1, 2)
    for number in range(1000):
        buckets.take(number, number)
    assert len(buckets) <= 3


@pytest.mark.parametrize("most", [1, 10, 1000])
def test_strangers_cannot_grow_the_table_nor_have_others_refused(most: int) -> None:
    buckets = Buckets(0.001, 2, most=most)
    for number in range(3 * most):
        assert buckets.take(number, 0) == 0
        assert len(buckets) <= most


def test_the_bucket_that_is_asked_is_kept() -> None:
    buckets = Buckets(0.001, 1, most=10)
    assert buckets.take("flooder", 0) == 0
    for number in range(100):
        assert buckets.take(number, 0) == 0
        assert buckets.take("flooder", 0) > 0
