"""Near misses that peers ask for: bounded work, few a second, and of nothing that is not theirs."""

from typing import Any

import pytest

from bytesocket_app import ByteSocket, ClientEvent, Event, ServerEvent, similar
from bytesocket_app.errors import near
from bytesocket_app.similar import COMPARED, INDEXED, LENGTH, Similar
from bytesocket_app.socket.sending_side import HINTS
from bytesocket_app.testing import TestClient, virtual_clock
from tests.support.talk import error

MANY = [f"order:item:{number:04}" for number in range(1000)]


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many names each search compares with, by the expensive comparison."""
    counts: list[int] = []

    def counted(name: object, names: Any) -> str:
        listed = list(names)
        counts.append(len(listed))
        return near(name, listed)

    monkeypatch.setattr(similar, "near", counted)
    return counts


class TestWork:
    @pytest.mark.parametrize("count", [10, COMPARED, COMPARED + 1, 1000])
    def test_is_bounded_however_many_names_are_alike(self, count: int, compared: list[int]) -> None:
        names = Similar(MANY[:count])
        for asked in ("order:item:9999", "order:item:", "x" * 100_000, "order:item:00000", ""):
            names.hint(asked)
        assert max(compared) <= COMPARED

    def test_of_a_thousand_alike_the_nearest_is_found(self) -> None:
        names = Similar([*MANY, "chat:post"])
        for asked in ("chat:pots", "chatpost", "chat:poost", "chat:bost", "hat:post"):
            assert names.hint(asked) == " Did you mean 'chat:post'?"

    def test_a_long_name_is_not_searched_for_as_a_whole(self, compared: list[int]) -> None:
        steps = Similar(["a" * LENGTH, *MANY])
        assert steps.hint("a" * (LENGTH - 1)) == f" Did you mean {'a' * LENGTH!r}?"
        assert steps.hint("a" * 1_000_000) in {"", f" Did you mean {'a' * LENGTH!r}?"}
        assert max(compared) <= COMPARED

    def test_the_index_is_bounded(self) -> None:
        names = Similar(f"event{number}" for number in range(10 * INDEXED))
        assert names.hint("evnt7") == " Did you mean 'event7'?"
        assert names.hint(f"evnt{5 * INDEXED}") != f" Did you mean 'event{5 * INDEXED}'?"

    def test_a_number_is_near_none_and_a_name_that_is_one_too(self) -> None:
        assert Similar([1, 2, 3]).hint(4) == ""
        assert Similar(["say"]).hint("say") == ""
        assert Similar([]).hint("say") == ""


class Buy(ClientEvent, name="market:buy"):
    pass


class Bought(ServerEvent, name="market:bought"):
    pass


class Wave(Event, name="market:wave"):
    pass


class Number(ClientEvent, name=0):
    pass


def market() -> ByteSocket:
    app = ByteSocket(title="Market", events=[Buy, Bought, Wave, Number])
    floor = app.room("floor")
    floor.relay(Wave)
    app.room("vault", join="server")

    @app.on(Buy)
    async def buy(event: Buy) -> None:
        pass

    return app


async def told(client: TestClient, **message: Any) -> str:
    await client.send(message)
    return str(error(await client.receive_message())["message"])


@pytest.mark.anyio
class TestPeersAreTold:
    async def test_of_no_event_that_only_the_server_sends(self) -> None:
        async with TestClient(market()) as client:
            text = await told(client, event="market:bough")
            assert "bought" not in text
            assert text.endswith("Did you mean 'market:buy'?")

    async def test_in_a_room_of_those_that_are_taken_there(self) -> None:
        async with TestClient(market()) as client:
            await client.join("floor")
            assert "'market:buy'" not in await told(client, event="market:buyy", room="floor")
            text = await told(client, event="market:wav", room="floor")
            assert text.endswith("Did you mean 'market:wave'?")

    async def test_of_no_room_that_only_the_server_puts_them_into(self) -> None:
        async with TestClient(market()) as client:
            assert (await told(client, type=9, room="vaul")).endswith("'vaul' to join.")
            assert (await told(client, type=9, room="flor")).endswith("Did you mean 'floor'?")

    async def test_few_times_a_second_and_then_without_a_hint(self, compared: list[int]) -> None:
        app = market()
        with virtual_clock(app) as clock:
            async with TestClient(app) as client:
                texts = [await told(client, event="market:bui") for _ in range(HINTS + 5)]
                texts += [await told(client, type=9, room="flor") for _ in range(5)]
                texts += [await told(client, event="x", room="flor") for _ in range(5)]
                hinted = ["Did you mean" in text for text in texts]
                assert hinted == [True] * HINTS + [False] * 15
                assert len(compared) == HINTS
                clock.advance(1)
                assert "Did you mean" in await told(client, event="market:bui")

    async def test_for_their_own_connection_alone(self) -> None:
        app = market()
        async with TestClient(app) as greedy, TestClient(app) as other:
            for _ in range(HINTS + 5):
                await told(greedy, event="market:bui")
            assert "Did you mean" in await told(other, event="market:bui")

    async def test_of_what_was_declared_since(self) -> None:
        app = market()
        async with TestClient(app) as client:
            assert "Did you mean" not in await told(client, event="zebr")

            @app.on("zebra")
            async def zebra(data: int) -> None:
                pass

            app.room("zoo")
            assert "Did you mean 'zebra'?" in await told(client, event="zebr")
            assert "Did you mean 'zoo'?" in await told(client, type=9, room="zooo")
