"""Who is told what happens."""

import anyio
import pytest

from bytesocket_app.client.callback_queue import OVERHEAD
from bytesocket_app.client.listening_side import ListeningSide
from bytesocket_app.client.messages import EventArrived
from bytesocket_app.errors import ErrorContext, Phase, RequestError
from bytesocket_app.events import ServerEvent

pytestmark = pytest.mark.anyio


class Posted(ServerEvent, name="posted"):
    text: str


async def settle(listening: ListeningSide) -> None:
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listening.callbacks.run)
            await listening.callbacks.idle()
            tasks.cancel_scope.cancel()


async def test_a_rooms_event_reaches_each_handle_once_and_the_client() -> None:
    listening, heard = ListeningSide(10), list[str]()
    first, second = listening.enter_room("a"), listening.enter_room("a")
    other = listening.enter_room("b")
    first.add(Posted, lambda event: heard.append(f"1 {event.text}"))
    second.add(Posted, lambda event: heard.append(f"2 {event.text}"))
    other.add(Posted, lambda event: heard.append(f"b {event.text}"))
    listening.listeners.add(Posted, lambda event: heard.append(f"all {event.text}"))
    listening.arrived(EventArrived("posted", {"text": "x"}, ("a", "a", "c")), "json")
    listening.leave_room("a", first)
    listening.leave_room("a", first)
    listening.arrived(EventArrived("posted", {"text": "y"}, ("a",)), "json")
    listening.leave_room("a", second)
    listening.arrived(EventArrived("posted", {"text": "z"}), "json")
    await settle(listening)
    assert heard == ["1 x", "2 x", "all x", "2 y", "all y", "all z"]


async def test_a_listener_that_an_earlier_one_removed_is_not_called() -> None:
    listening, heard = ListeningSide(10), list[str]()
    listeners, room = listening.listeners, listening.enter_room("a")

    def late(event: Posted) -> None:
        heard.append(f"late {event.text}")

    def first(event: Posted) -> None:
        heard.append(f"first {event.text}")
        listeners.remove(Posted, gone)
        listeners.add(Posted, late)

    def gone(event: Posted) -> None:
        heard.append(f"gone {event.text}")

    def last(event: Posted) -> None:
        heard.append(f"last {event.text}")

    room.add(Posted, first)
    for each in (gone, last):
        listeners.add(Posted, each)
    listening.arrived(EventArrived("posted", {"text": "x"}, ("a",)), "json")
    await settle(listening)
    listening.arrived(EventArrived("posted", {"text": "y"}, ("a",)), "json")
    await settle(listening)
    assert heard == ["first x", "last x", "first y", "last y", "late y"]


async def test_hooks_hear_states_and_errors() -> None:
    listening, heard = ListeningSide(10), list[object]()
    listening.on_state(heard.append)
    listening.on_error(lambda context: heard.append(context.phase))
    listening.entered("open")
    listening.failed(ErrorContext(Phase.NETWORK, OSError()))
    listening.listeners.add(Posted, lambda _: 1 / 0)
    listening.arrived(EventArrived("posted", {}), "json")
    listening.arrived(EventArrived("posted", {"text": ""}), "json")
    await settle(listening)
    assert heard == ["open", Phase.NETWORK, Phase.VALIDATION, Phase.HANDLER]


async def test_without_an_error_hook_errors_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    listening = ListeningSide(10)
    listening.failed(ErrorContext(Phase.NETWORK, OSError("no route")))
    listening.listeners.add(Posted, lambda _: 1 / 0)
    listening.arrived(EventArrived("posted", {"text": ""}), "json")
    await settle(listening)
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]


async def test_iterators_end_with_everything() -> None:
    listening = ListeningSide(10)
    streams = [listening.listeners.stream(Posted, 1), listening.enter_room("a").stream(Posted, 1)]
    listening.end()
    for stream in streams:
        assert [event async for event in stream] == []


async def test_what_waits_is_bounded_whatever_it_is(caplog: pytest.LogCaptureFixture) -> None:
    listening, heard = ListeningSide(10, most=8 * OVERHEAD), list[object]()
    listening.on_error(heard.append)
    listening.on_message(heard.append)
    listening.listeners.add(Posted, heard.append)
    for number in range(100):
        listening.framed(b"{", is_binary=False)
        listening.failed(ErrorContext(Phase.DECODE, OSError()))
        listening.arrived(EventArrived("posted", {"text": f"{number}"}), "json")
        assert len(listening.callbacks) <= 9  # with the report of what is dropped
    await settle(listening)
    kinds = [type(each) for each in heard]
    assert {bytes, str} & set(kinds)
    assert kinds.count(Posted) < 8
    errors = [each for each in heard if isinstance(each, ErrorContext)]
    (report,) = [each for each in errors if each.phase is Phase.MESSAGE]
    assert isinstance(report.error, RequestError)
    assert report.error.data == {"posted": 100 - kinds.count(Posted)}
    assert any("listeners are too slow" in record.getMessage() for record in caplog.records)
    assert any("decode" in record.getMessage() for record in caplog.records)
