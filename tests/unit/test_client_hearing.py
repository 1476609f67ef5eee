"""Who is told what happens."""

import anyio
import pytest

from bytesocket_app.client.hearing import Hearing
from bytesocket_app.client.messages import EventArrived
from bytesocket_app.errors import ErrorContext, Phase
from bytesocket_app.events import ServerEvent

pytestmark = pytest.mark.anyio


class Posted(ServerEvent, name="posted"):
    text: str


async def settle(hearing: Hearing) -> None:
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(hearing.dispatcher.run)
            await hearing.dispatcher.idle()
            tasks.cancel_scope.cancel()


async def test_a_rooms_event_reaches_each_handle_once_and_the_client() -> None:
    hearing, heard = Hearing(10), list[str]()
    first, second = hearing.enter_room("a"), hearing.enter_room("a")
    other = hearing.enter_room("b")
    first.add(Posted, lambda event: heard.append(f"1 {event.text}"))
    second.add(Posted, lambda event: heard.append(f"2 {event.text}"))
    other.add(Posted, lambda event: heard.append(f"b {event.text}"))
    hearing.listeners.add(Posted, lambda event: heard.append(f"all {event.text}"))
    await hearing.arrived(EventArrived("posted", {"text": "x"}, ("a", "a", "c")), "json")
    hearing.leave_room("a", first)
    hearing.leave_room("a", first)
    await hearing.arrived(EventArrived("posted", {"text": "y"}, ("a",)), "json")
    hearing.leave_room("a", second)
    await hearing.arrived(EventArrived("posted", {"text": "z"}), "json")
    await settle(hearing)
    assert heard == ["1 x", "2 x", "all x", "2 y", "all y", "all z"]


async def test_hooks_hear_states_and_errors() -> None:
    hearing, heard = Hearing(10), list[object]()
    hearing.on_state(heard.append)
    hearing.on_error(lambda context: heard.append(context.phase))
    hearing.entered("open")
    hearing.failed(ErrorContext(Phase.NETWORK, OSError()))
    hearing.listeners.add(Posted, lambda _: 1 / 0)
    await hearing.arrived(EventArrived("posted", {}), "json")
    await hearing.arrived(EventArrived("posted", {"text": ""}), "json")
    await settle(hearing)
    assert heard == ["open", Phase.NETWORK, Phase.VALIDATION, Phase.HANDLER]


async def test_without_an_error_hook_errors_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    hearing = Hearing(10)
    hearing.failed(ErrorContext(Phase.NETWORK, OSError("no route")))
    hearing.listeners.add(Posted, lambda _: 1 / 0)
    await hearing.arrived(EventArrived("posted", {"text": ""}), "json")
    await settle(hearing)
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]


async def test_iterators_end_with_everything() -> None:
    hearing = Hearing(10)
    streams = [hearing.listeners.stream(Posted, 1), hearing.enter_room("a").stream(Posted, 1)]
    hearing.end()
    for stream in streams:
        assert [event async for event in stream] == []
