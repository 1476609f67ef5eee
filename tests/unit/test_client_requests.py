"""Every request ends, and nothing is left behind."""

import anyio
import pytest

from bytesocket_app.client.requests import Requests
from bytesocket_app.errors import Disconnected, RequestError, RequestTimeout

pytestmark = pytest.mark.anyio


async def test_an_answer_finds_its_request() -> None:
    requests = Requests(10)
    first, second = requests.open(0, 1e9), requests.open(0, 1e9)
    assert first.id != second.id
    requests.answer(second.id, "two")
    requests.answer(second.id, "twice")
    requests.refuse(first.id, RequestError("no"))
    assert await second.outcome() == "two"
    with pytest.raises(RequestError):
        await first.outcome()
    for pending in (first, second, second):
        requests.forget(pending)
    assert len(requests) == 0


async def test_a_deadline_that_has_passed_ends_it_at_once() -> None:
    requests = Requests(10)
    pending = requests.open(anyio.current_time() - 60, timeout=30)
    with pytest.raises(RequestTimeout):
        await pending.outcome()


async def test_an_answer_to_nobody_is_ignored() -> None:
    requests = Requests(10)
    requests.answer("late", 1)
    requests.refuse(5, RequestError("no"))


async def test_a_lost_connection_ends_those_that_were_sent() -> None:
    requests = Requests(10)
    sent, queued = requests.open(0, 1e9), requests.open(0, 1e9)
    requests.disconnect("gone", keep=frozenset({queued.id}))
    with pytest.raises(Disconnected, match="gone"):
        await sent.outcome()
    requests.answer(queued.id, "later")
    assert await queued.outcome() == "later"


async def test_too_many_requests_are_refused() -> None:
    requests = Requests(1)
    requests.open(0, 1)
    with pytest.raises(RequestError) as caught:
        requests.open(0, 1)
    assert caught.value.code == "too_many_requests"
