"""What is kept while there is no connection."""

from bytesocket_app.client.queue import OfflineQueue


def test_it_keeps_the_order_and_empties_once() -> None:
    queue = OfflineQueue[str](3)
    assert queue.put("a")
    assert queue.put("b")
    assert len(queue) == 2
    assert queue.take() == ["a", "b"]
    assert queue.take() == []


def test_a_full_queue_refuses_the_newest() -> None:
    queue = OfflineQueue[str](1)
    assert queue.put("a")
    assert not queue.put("b")
    assert queue.take() == ["a"]


def test_a_request_can_be_taken_back() -> None:
    queue = OfflineQueue[str](3)
    queue.put("event")
    queue.put("request", request=1)
    queue.forget(1)
    assert queue.take() == ["event"]
