"""Connections one after another: when there is a next one, and when there is none."""

from typing import Any

import anyio
import pytest

from bytesocket_app.client.address import address
from bytesocket_app.client.connection import WebSocketConnection
from bytesocket_app.client.dial import Dial
from bytesocket_app.client.listening_side import ListeningSide
from bytesocket_app.client.outgoing import Outgoing
from bytesocket_app.client.reconnector import Reconnector, ServerAddress
from bytesocket_app.client.settings import ClientSettings
from bytesocket_app.errors import AuthError, ConnectError, Disconnected
from bytesocket_app.wire import JSON
from tests.support.memory_socket import Peer, memory_connection

pytestmark = pytest.mark.anyio


class Network:
    """What dialling does, in order: None connects, "hang" never answers, an error fails."""

    def __init__(self, *outcomes: str | ConnectError | None) -> None:
        self.outcomes = list(outcomes)
        self.dials: list[Dial] = []
        self.peers: list[Peer] = []

    async def connect(self, dial: Dial) -> WebSocketConnection:
        self.dials.append(dial)
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if isinstance(outcome, ConnectError):
            raise outcome
        if outcome is not None:
            await anyio.sleep_forever()
        connection, peer, _ = memory_connection(close_timeout=0.01)
        self.peers.append(peer)
        return connection


class Setup:
    """A circuit on such a network; `states` is what it went through."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, network: Network, **endpoint: Any) -> None:
        async def connect(dial: Dial) -> WebSocketConnection:
            return await network.connect(dial)

        monkeypatch.setattr(Dial, "connect", connect)
        settings = ClientSettings(backoff_base=0.001, backoff_cap=0.001, connect_timeout=0.05)
        self.outgoing = Outgoing(JSON, settings)
        listening = ListeningSide(100)
        self.states: list[str] = []
        self.listening = listening
        listening.on_state(self.states.append)
        place = ServerAddress(address=address("ws://h/"), **endpoint)
        self.reconnector = Reconnector(place, self.outgoing, listening)

    async def entered(self, state: str) -> None:
        """Wait for the next time that the circuit enters a state."""
        reached = anyio.Event()
        self.listening.on_state(lambda entered: reached.set() if entered == state else None)
        await reached.wait()

    async def run(self, story: Any) -> None:
        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self.listening.callbacks.run)
                tasks.start_soon(self.reconnector.run)
                await story()
                await self.listening.callbacks.idle()
                tasks.cancel_scope.cancel()


async def test_failed_dials_are_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(ConnectError("no route"), "hang", ConnectError("busy", 503))
    setup = Setup(monkeypatch, network)

    async def story() -> None:
        await setup.reconnector.wait_open()
        await setup.reconnector.close()

    await setup.run(story)
    assert setup.states == [*["connecting", "waiting"] * 3, "connecting", "open", "closed"]


async def test_a_lost_connection_is_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network()
    setup = Setup(monkeypatch, network, headers=lambda: {"X": str(len(network.dials))})

    async def story() -> None:
        await setup.reconnector.wait_open()
        await network.peers[0].stream.aclose()
        await setup.entered("waiting")
        await setup.reconnector.wait_open()
        await setup.reconnector.close()
        with pytest.raises(Disconnected):
            await setup.reconnector.wait_open()

    await setup.run(story)
    assert [dial.headers for dial in network.dials] == [{"X": "0"}, {"X": "1"}]
    assert network.dials[0].subprotocols == ("bytesocket.json",)


@pytest.mark.parametrize("outcome", [ConnectError("no", 401), ConnectError("no", 403)])
async def test_http_refusals_are_final(
    monkeypatch: pytest.MonkeyPatch, outcome: ConnectError
) -> None:
    network = Network(outcome)
    setup = Setup(monkeypatch, network)

    async def story() -> None:
        with pytest.raises(AuthError, match=str(outcome.status)):
            await setup.reconnector.wait_open()

    await setup.run(story)
    assert setup.states == ["connecting", "closed"]
    assert isinstance(setup.outgoing.over, AuthError)


async def test_closing_in_the_middle_of_a_dial_is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    setup = Setup(monkeypatch, Network("hang"))

    async def story() -> None:
        await setup.entered("connecting")
        await setup.reconnector.close()
        await setup.reconnector.close()

    await setup.run(story)
    assert setup.states == ["connecting", "closed"]


async def test_closing_before_the_start_makes_no_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = Network()
    setup = Setup(monkeypatch, network)
    await setup.reconnector.close()

    async def story() -> None:
        with pytest.raises(Disconnected):
            await setup.reconnector.wait_open()

    await setup.run(story)
    assert network.dials == []


async def test_closing_while_waiting_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    setup = Setup(monkeypatch, Network(*[ConnectError("no")] * 1000))

    async def story() -> None:
        await setup.entered("waiting")
        await setup.reconnector.close()

    await setup.run(story)
    assert setup.states[-1] == "closed"
