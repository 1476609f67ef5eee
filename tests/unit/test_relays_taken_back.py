"""`room.unrelay(...)`: what was relayed is refused from then on, of those who are connected too."""

from typing import Any

import pytest

from bytesocket_app import Policies, Router, Settings
from bytesocket_app.testing import RequestError, TestClient
from tests.support.talk import Wave, talk

pytestmark = pytest.mark.anyio


async def test_a_relay_taken_back_is_refused_as_unknown_event() -> None:
    app = talk()
    lobby = app.room("lobby")
    lobby.relay(Wave)
    async with TestClient(app) as ann, TestClient(app) as bob:
        for client in (ann, bob):
            await client.join("lobby")
        await ann.emit(Wave(), room="lobby")
        assert await bob.receive(Wave, room="lobby") == Wave()
        lobby.unrelay(Wave)
        with pytest.raises(RequestError, match="'wave' is not handled by this server") as refused:
            await ann.request(Wave(), room="lobby")
        assert refused.value.code == "unknown_event"
        lobby.relay(Wave)
        await ann.emit(Wave(hand="right"), room="lobby")
        assert await bob.receive(Wave, room="lobby") == Wave(hand="right")


async def test_others_stay_and_without_a_name_all_go() -> None:
    app = talk()
    lobby, dot = app.room("lobby"), app.declare("dot", int)
    lobby.relay(Wave, dot)
    lobby.unrelay(dot)
    lobby.unrelay(dot)  # never fails
    assert list(lobby.relayed) == ["wave"]
    lobby.relay(dot)
    lobby.unrelay()
    assert list(lobby.relayed) == []


async def test_a_handler_of_the_event_stays() -> None:
    app, heard = talk(), list[str]()
    lobby = app.room("lobby")
    lobby.relay(Wave)

    @lobby.on(Wave)
    async def waved(event: Wave) -> None:
        heard.append(event.hand)

    lobby.unrelay(Wave)
    async with TestClient(app) as ann:
        await ann.join("lobby")
        await ann.request(Wave(), room="lobby")
        lobby.on(Wave).remove()
        with pytest.raises(RequestError, match="unknown_event"):
            await ann.request(Wave(), room="lobby")
    assert heard == ["left"]


async def test_where_undeclared_events_are_relayed_it_is_relayed_unchecked() -> None:
    app = talk(Settings(policies=Policies(undeclared="open")))
    lobby = app.room("lobby")
    lobby.relay(Wave)
    lobby.unrelay(Wave)
    async with TestClient(app) as ann, TestClient(app) as bob:
        for client in (ann, bob):
            await client.join("lobby")
        await ann.send({"room": "lobby", "event": "wave", "data": 7})
        assert (await bob.receive_message())["data"] == 7


async def test_the_contract_is_without_it_and_clients_of_before_are_still_known(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def events(document: Any) -> list[str]:
        return [event["name"] for event in document["rooms"][0]["client_events"]]

    app = talk(Settings(policies=Policies(unknown_contract="refuse")))
    lobby = app.room("lobby")
    lobby.relay(Wave)
    before = app.contract()
    query = f"contract={before.fingerprint}"
    async with TestClient(app, query=query):
        lobby.unrelay(Wave)
        assert (events(before.document), events(app.contract().document)) == (["wave"], [])
        async with TestClient(app, query=query) as later:
            await later.join("lobby")
    assert caplog.text == ""


async def test_a_rate_goes_with_its_relay() -> None:
    app = talk()
    lobby = app.room("lobby")
    lobby.relay(Wave, rate="1/h")
    lobby.unrelay(Wave)
    lobby.relay(Wave, rate="500/s", burst=500)  # another rate than before
    async with TestClient(app) as ann:
        await ann.join("lobby")
        for _ in range(50):
            await ann.request(Wave(), room="lobby")


async def test_a_routers_relay_can_be_taken_back_before_and_after_its_inclusion() -> None:
    app, router = talk(), Router(prefix="v1:")
    lobby = router.room("lobby")
    lobby.relay(Wave)
    lobby.unrelay(Wave)
    app.include(router)
    assert list(lobby.relayed) == []
    lobby.relay(Wave)
    lobby.unrelay()
    assert list(lobby.relayed) == []
