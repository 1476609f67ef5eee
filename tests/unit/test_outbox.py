"""Frames that wait, counted in bytes."""

import pytest

from bytesocket_app.transports.outbox import OVERHEAD, Outbox
from bytesocket_app.wire.frame import PONG, Frame


def frame(size: int, *, volatile: bool = False) -> Frame:
    return Frame(b"x" * size, is_binary=True, volatile=volatile)


def test_frames_come_out_in_order_and_the_size_follows() -> None:
    outbox = Outbox()
    first, second = frame(10), frame(20)
    outbox.append(first)
    outbox.append(second)
    assert (len(outbox), outbox.size) == (2, 30 + 2 * OVERHEAD)
    assert outbox.popleft() is first
    assert outbox.popleft() is second
    assert (len(outbox), outbox.size) == (0, 0)
    with pytest.raises(IndexError):
        outbox.popleft()


def test_empty_frames_weigh_something() -> None:
    outbox = Outbox()
    outbox.append(PONG)
    assert outbox.size == OVERHEAD


def test_volatile_frames_go_first_and_then_the_oldest() -> None:
    outbox = Outbox()
    kept, lost, old = frame(2), frame(3, volatile=True), frame(1)
    for item in (old, kept, lost):
        outbox.append(item)
    assert outbox.drop_oldest() == 3 + OVERHEAD
    assert outbox.drop_oldest() == 1 + OVERHEAD
    assert outbox.size == 2 + OVERHEAD
    assert outbox.popleft() is kept
    assert outbox.drop_oldest() == 0
    assert outbox.size == 0


def test_clearing_leaves_nothing() -> None:
    outbox = Outbox()
    outbox.append(frame(5))
    outbox.clear()
    assert (len(outbox), outbox.size) == (0, 0)
