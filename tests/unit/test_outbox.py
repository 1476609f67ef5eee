"""Frames that wait, counted in bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytesocket_app.transports.outbox import BEHIND, OVERHEAD, Outbox
from bytesocket_app.wire.frame import PONG, Frame
from tests.support.turns import a_turn


def frame(size: int) -> Frame:
    return Frame(b"x" * size, is_binary=True)


def cursor(number: int, slot: str = "cursor") -> Frame:
    return Frame(f"{slot} {number}".encode(), is_binary=False, slot=slot)


def post(number: int) -> Frame:
    return Frame(f"post {number}".encode(), is_binary=False)


def drain(outbox: Outbox) -> list[str]:
    """Take everything; the size must come out even."""
    taken = [outbox.popleft().text for _ in range(len(outbox))]
    assert (len(outbox), outbox.size) == (0, 0)
    return taken


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


@pytest.mark.anyio
async def test_a_batch_that_nobody_was_told_of_is_not_overdue_until_it_left() -> None:
    outbox = Outbox()
    for number in range(3):
        outbox.append(post(number))
    assert outbox.waiting == 0
    outbox.behind = True
    size = post(0).size + OVERHEAD
    for number in range(3, 8):
        outbox.append(post(number))
    await a_turn()
    assert (outbox.size, outbox.overdue) == (8 * size, 5 * size)
    for _ in range(2):
        outbox.popleft()
    assert outbox.overdue == 5 * size
    for _ in range(2):
        outbox.popleft()
    assert outbox.overdue == 4 * size
    while outbox.drop_oldest():
        assert outbox.overdue <= outbox.size
    assert outbox.overdue == 0


def test_what_a_task_waits_for_goes_last() -> None:
    outbox = Outbox()
    for number in range(4):
        outbox.append(post(number))
    awaited = [post(number) for number in (4, 5)]
    for each in awaited:
        each.is_awaited = True
        outbox.append(each)
        outbox.append(cursor(each.size))
    outbox.append(post(6))
    while len(outbox) > 3:
        assert outbox.drop_oldest()
    assert [outbox.drop_oldest(volatile=True), len(outbox)] == [0, 3]
    assert outbox.drop_oldest() == post(6).size + OVERHEAD
    assert outbox.drop_oldest() == awaited[0].size + OVERHEAD
    assert drain(outbox) == ["post 5"]


def test_volatile_frames_go_first_and_then_the_oldest() -> None:
    outbox = Outbox()
    kept, lost, old = frame(2), cursor(1), frame(1)
    for item in (old, kept, lost):
        outbox.append(item)
    assert outbox.drop_oldest() == lost.size + OVERHEAD
    assert outbox.drop_oldest() == 1 + OVERHEAD
    assert outbox.size == 2 + OVERHEAD
    assert outbox.popleft() is kept
    assert outbox.drop_oldest() == 0
    assert outbox.size == 0


def test_what_must_arrive_can_be_spared() -> None:
    outbox = Outbox()
    for item in (post(1), cursor(1), post(2), cursor(2)):
        outbox.append(item)
    while outbox.drop_oldest(volatile=True):
        pass
    assert drain(outbox) == ["post 1", "post 2"]


def test_while_the_network_keeps_up_volatile_frames_all_leave_in_order() -> None:
    outbox = Outbox()
    for item in (cursor(1), post(1), cursor(2), cursor(3), post(2)):
        outbox.append(item)
    assert drain(outbox) == ["cursor 1", "post 1", "cursor 2", "cursor 3", "post 2"]


def test_while_it_is_behind_the_newest_of_a_slot_takes_the_place_of_the_others_at_the_end() -> None:
    outbox = Outbox()
    outbox.behind = True
    for number in range(1, 4):
        outbox.append(cursor(number))
        outbox.append(post(number))
        outbox.append(cursor(number, "other"))
    outbox.append(post(4))
    assert drain(outbox) == ["post 1", "post 2", "cursor 3", "post 3", "other 3", "post 4"]


def test_what_waited_when_the_network_fell_behind_is_replaced_too() -> None:
    outbox = Outbox()
    outbox.append(post(1))
    for number in range(1, 5):
        outbox.append(cursor(number))
    outbox.append(post(2))
    assert [outbox.popleft().text, outbox.popleft().text] == ["post 1", "cursor 1"]
    outbox.behind = True
    outbox.append(post(3))
    outbox.append(cursor(5))
    assert drain(outbox) == ["post 2", "post 3", "cursor 5"]


def test_frames_taken_and_dropped_in_between_keep_the_order() -> None:
    outbox = Outbox()
    outbox.behind = True
    for item in (post(1), cursor(1), post(2), cursor(1, "other"), post(3)):
        outbox.append(item)
    assert outbox.popleft().text == "post 1"
    outbox.append(cursor(2))
    assert outbox.popleft().text == "post 2"
    assert outbox.drop_oldest(volatile=True)
    outbox.append(post(4))
    assert drain(outbox) == ["post 3", "cursor 2", "post 4"]


def test_a_second_time_behind_is_as_the_first() -> None:
    outbox = Outbox()
    for number in (1, 2):
        outbox.behind = True
        outbox.append(cursor(number))
        outbox.append(cursor(number + 10))
        outbox.behind = False
    outbox.append(cursor(3))
    outbox.append(cursor(4))
    assert len(outbox) == 3
    outbox.behind = True
    outbox.append(cursor(5))
    assert drain(outbox) == ["cursor 5"]


def test_where_much_waits_the_network_is_behind() -> None:
    outbox = Outbox()
    outbox.append(cursor(1))
    outbox.append(frame(BEHIND))
    for number in range(2, 5):
        outbox.append(cursor(number))
    assert len(outbox) == 2
    outbox.popleft()
    assert drain(outbox) == ["cursor 4"]


@given(st.lists(st.sampled_from(["post", "a", "b", "take", "drop", "behind", "keeps up"])))
def test_whatever_happens_all_posts_leave_and_the_rest_in_order(steps: list[str]) -> None:
    outbox, taken, posts = Outbox(), list[str](), list[str]()
    newest: dict[str, int] = {}
    for number, step in enumerate(steps):
        match step:
            case "post":
                outbox.append(post(number))
                posts.append(f"post {number}")
            case "a" | "b":
                outbox.append(cursor(number, step))
                newest[step] = number
            case "take" if len(outbox):
                taken.append(outbox.popleft().text)
            case "drop":
                outbox.drop_oldest(volatile=True)
            case _:
                outbox.behind = step == "behind"
    taken += drain(outbox)
    assert [text for text in taken if text.startswith("post")] == posts
    numbers = [int(text.split()[1]) for text in taken]
    assert numbers == sorted(numbers)
    if "drop" not in steps:
        for slot, number in newest.items():
            assert f"{slot} {number}" in taken


def test_clearing_leaves_nothing() -> None:
    outbox = Outbox()
    outbox.append(frame(5))
    outbox.clear()
    assert (len(outbox), outbox.size) == (0, 0)
