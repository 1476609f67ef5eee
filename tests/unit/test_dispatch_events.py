"""Event messages on their last leg: validation, relays, bulk messages, what nobody knows."""

# pyright: reportPrivateUsage=false
# What must not leak or be encoded twice is looked at from inside.

from typing import Any

import pytest
from pydantic import BaseModel, Field, field_serializer, field_validator

from bytesocket_app import (
    ByteSocket,
    ClientEvent,
    ErrorContext,
    Event,
    Limits,
    Policies,
    Refusal,
    Settings,
    Socket,
)
from bytesocket_app.dispatch.answers import MAX_DETAILS
from bytesocket_app.rooms import BROADCAST_ROOM
from bytesocket_app.testing import RequestError, TestClient
from tests.support.talk import Said, Say, Wave, error, logged, talk, until

pytestmark = pytest.mark.anyio


class Order(ClientEvent, name="order"):
    """Something with much to get wrong."""

    card: str = Field(max_length=3)
    items: list[int]


async def rest(client: TestClient) -> list[Any]:
    """All messages until the answer to a last request of ours."""
    await client.send({"event": "unheard", "id": "last"})
    found: list[Any] = []
    while True:
        message = await client.receive_message()
        if message.get("id") == "last":
            return found
        found.append(message)


class TestValidation:
    async def test_the_sender_learns_what_is_wrong_and_never_what_it_sent(self) -> None:
        app = ByteSocket(title="T", events=[Order])
        reports: list[ErrorContext] = []
        called: list[object] = []

        @app.on(Order)
        async def order(event: Order) -> None:
            called.append(event)

        @app.lifecycle.error
        async def report(context: ErrorContext) -> None:
            reports.append(context)

        async with TestClient(app) as client:
            data = {"card": "4111111111111111", "items": ["secret"] * 40}
            await client.send({"event": "order", "data": data})
            await client.send({"event": "order", "data": data, "id": "x"})
            first, second = await rest(client)
        context = first["data"]
        assert first["type"] == 3
        assert (second["type"], second["id"], second["data"]) == (33, "x", context)
        assert (context["phase"], context["event"]) == ("validation", "order")
        assert context["error"]["code"] == "validation"
        assert len(context["details"]) == MAX_DETAILS
        assert context["details"][0] == {
            "loc": ["card"],
            "msg": "String should have at most 3 characters",
            "type": "string_too_long",
        }
        assert "4111" not in str(first)
        assert "secret" not in str(first)
        assert [str(r.phase) for r in reports] == ["validation"] * 2
        assert not called

    async def test_no_data_is_an_empty_object_for_models(self) -> None:
        app = talk()
        hands: list[str] = []

        @app.on(Wave)
        async def wave(event: Wave) -> None:
            hands.append(event.hand)

        async with TestClient(app) as client:
            await client.send({"event": "wave"})
            await client.send({"event": "wave", "data": None})
            await until(lambda: len(hands) == 2)

    async def test_a_validator_that_breaks_is_internal_and_the_connection_stays(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Broken(ClientEvent, name="broken"):
            text: str

            @field_validator("text")
            @classmethod
            def check(cls, text: str) -> str:
                raise KeyError(text)

        app = ByteSocket(title="T", events=[Broken])
        reports: list[str] = []

        @app.on(Broken)
        async def broken() -> None:
            """Never called."""

        @app.lifecycle.error
        async def report(context: ErrorContext) -> None:
            reports.append(str(context.phase))

        async with TestClient(app) as client:
            await client.send({"event": "broken", "data": {"text": "x"}, "id": 1})
            assert error(await client.receive_message())["code"] == "internal"
            assert await rest(client) == []
        assert reports == ["finalCallback"]
        assert "event 'broken' failed" in logged(caplog)[0]


class TestUnknown:
    async def test_an_event_of_rooms_without_a_room_is_told_so(self) -> None:
        app = talk()
        app.room("lobby").relay(Wave)
        async with TestClient(app) as client:
            with pytest.raises(RequestError, match="'wave' is taken in rooms only") as caught:
                await client.request(Wave())
        assert caught.value.code == "unknown_event"

    async def test_a_misspelt_event_is_answered_with_a_near_miss(self) -> None:
        app = talk()

        @app.on(Say)
        async def say() -> None:
            """Never called."""

        async with TestClient(app) as client:
            await client.send({"event": "sayy", "id": 1})
            await client.send({"event": 7.5})
            first, second = [await client.receive_message() for _ in range(2)]
        assert error(first)["code"] == "unknown_event"
        assert "'sayy'" in error(first)["message"]
        assert "Did you mean 'say'?" in error(first)["message"]
        assert "7.5" in error(second)["message"]

    async def test_an_event_without_a_handler_is_unknown_too(self) -> None:
        async with TestClient(talk()) as client:
            with pytest.raises(RequestError) as caught:
                await client.request(Say(text="x"))
        assert caught.value.code == "unknown_event"

    async def test_a_long_name_comes_back_short(self) -> None:
        async with TestClient(talk()) as client:
            await client.send({"event": "x" * 9999, "id": 1})
            assert len(error(await client.receive_message())["message"]) < 200

    async def test_a_message_without_an_event_is_nothing(self) -> None:
        async with TestClient(talk()) as client:
            for message in ({}, {"event": None}, {"event": True, "data": 1}, {"room": "x"}):
                await client.send(message)
            assert await rest(client) == []

    async def test_in_a_room_only_what_the_room_takes(self) -> None:
        app = talk()
        lobby = app.room("lobby")
        lobby.relay(Wave)
        async with TestClient(app) as client:
            await client.join("lobby")
            for room, event, code in (
                ("lobby", "say", "unknown_event"),
                ("lobbby", "say", "unknown_room"),
                (BROADCAST_ROOM, "say", "unknown_room"),
            ):
                await client.send({"room": room, "event": event, "data": {"text": ""}, "id": 1})
                answer = await client.receive_message()
                assert (error(answer)["code"], answer["data"]["room"]) == (code, room)

    async def test_a_room_that_only_server_code_knows_takes_nothing(self) -> None:
        app = talk()
        async with TestClient(app) as client:
            with pytest.warns(FutureWarning, match="There is no room 'adhoc'"):
                await app.sockets()[0].rooms.join("adhoc")
            await client.send({"room": "adhoc", "event": "wave", "id": 1})
            assert error(await client.receive_message())["code"] == "unknown_room"


class TestRelay:
    async def test_members_get_it_and_the_sender_does_not(self) -> None:
        app = talk()
        lobby = app.room("lobby")
        lobby.relay(Wave)
        async with TestClient(app) as a, TestClient(app, codec="binary") as b, TestClient(app) as c:
            for client in (a, b):
                await client.join("lobby")
            await a.send({"room": "lobby", "event": "wave", "data": {"hand": "r", "x": 1}, "id": 1})
            assert await rest(a) == [{"type": 32, "id": 1, "data": None}]
            expected = {"room": "lobby", "event": "wave", "data": {"hand": "r"}}
            assert await rest(b) == [expected]
            assert await rest(c) == []

    async def test_missing_data_stays_missing_where_the_type_allows_it(self) -> None:
        app = ByteSocket(title="T", settings=Settings.drop_in())
        async with TestClient(app) as a, TestClient(app) as b:
            await b.join("anywhere")
            await a.send({"room": "anywhere", "event": "e"})
            await a.send({"room": "anywhere", "event": "e", "data": None})
            assert await b.receive_message() == {"room": "anywhere", "event": "e"}
            assert await b.receive_message() == {"room": "anywhere", "event": "e", "data": None}

    async def test_bytes_of_an_event_nobody_declared_pass_between_binary_peers(self) -> None:
        app = ByteSocket(title="T", settings=Settings.drop_in())
        async with TestClient(app, codec="binary") as a, TestClient(app, codec="binary") as b:
            await b.join("anywhere")
            await a.send({"room": "anywhere", "event": "e", "data": {"raw": b"\xff\x00"}})
            assert (await b.receive_message())["data"] == {"raw": b"\xff\x00"}

    async def test_what_a_codec_cannot_carry_costs_the_message_not_the_connection(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Formless(Event, name="formless"):
            """An event that cannot be written."""

            size: int = 0

            @field_serializer("size")
            def written(self, size: int) -> str:
                raise ValueError(f"no form for {size}")

        app = ByteSocket(title="T", events=[Formless])
        app.room("lobby").relay(Formless)
        async with TestClient(app) as a, TestClient(app) as b:
            await a.join("lobby")
            await b.join("lobby")
            await a.send({"room": "lobby", "event": "formless", "id": 7})
            answer = await a.receive_message()
            assert (answer["type"], answer["id"]) == (33, 7), "a failure, and no word of success"
            assert error(answer)["code"] == "internal"
            assert a.closed is None
        assert "event 'formless' failed" in logged(caplog)[0]

    async def test_the_open_policy_lets_unheard_events_go(self) -> None:
        app = ByteSocket(title="T", settings=Settings.drop_in())
        async with TestClient(app) as client:
            await client.send({"event": "unheard"})
            await client.join("here")
            assert client.closed is None

    async def test_the_open_policy_may_still_ask_for_membership(self) -> None:
        app = ByteSocket(title="T", settings=Settings(policies=Policies(undeclared="open")))
        async with TestClient(app) as client:
            await client.send({"room": "free", "event": "e"})
            assert error(await client.receive_message())["code"] == "not_a_member"
            await client.join("free")
            await client.send({"room": "free", "event": "e"})
            await client.leave("free")


class TestBulk:
    def app(self, settings: Settings | None = None) -> ByteSocket:
        app = talk(settings)
        for name in ("a", "b", "c"):
            app.room(name).relay(Wave)

        @app.room("strict").on(Wave)
        async def strict(event: Wave) -> None:
            raise Refusal("Not here.", code="strict")

        return app

    async def test_a_member_of_two_rooms_gets_one_copy(self) -> None:
        app = self.app()
        async with TestClient(app) as a, TestClient(app) as b:
            for client in (a, b):
                await client.join("a")
                await client.join("b")
            await a.send({"rooms": ["a", "b", "a"], "event": "wave", "id": 1})
            assert await rest(a) == [{"type": 32, "id": 1, "data": None}]
            assert await rest(b) == [
                {"rooms": ["a", "b", "a"], "event": "wave", "data": {"hand": "left"}}
            ]

    async def test_under_drop_in_a_member_of_two_rooms_gets_two(self) -> None:
        app = self.app(Settings.drop_in())
        async with TestClient(app) as a, TestClient(app) as b:
            await b.join("a")
            await b.join("b")
            await a.send({"rooms": ["a", "b"], "event": "wave"})
            await b.receive_message()
            await b.receive_message()

    @pytest.mark.parametrize("identity", [{}, {"id": 4}])
    async def test_rooms_that_refuse_are_skipped_and_the_first_is_told(self, identity: Any) -> None:
        app = self.app()
        async with TestClient(app) as a, TestClient(app) as b:
            for room in ("a", "b", "strict"):
                await a.join(room)
            await b.join("b")
            message = {"rooms": ["strict", "b", "nowhere"], "event": "wave", **identity}
            await a.send(message)
            [answer] = await rest(a)
            assert answer["type"] == (33 if identity else 3)
            assert (error(answer)["code"], answer["data"]["room"]) == ("strict", "strict")
            [wave] = await rest(b)
            # A member must not hear it in a room that refused it.
            assert wave["rooms"] == ["b"]

    async def test_an_invalid_payload_is_answered_once(self) -> None:
        app = self.app()
        async with TestClient(app) as client:
            for room in ("a", "b"):
                await client.join(room)
            message = {"rooms": ["a", "b"], "event": "wave", "data": {"hand": 1}, "id": 1}
            await client.send(message)
            [answer] = await rest(client)
        assert (answer["type"], answer["data"]["phase"]) == (33, "validation")

    async def test_too_many_rooms_are_refused(self) -> None:
        app = self.app(Settings(limits=Limits(rooms_per_message=2)))
        async with TestClient(app) as client:
            await client.send({"rooms": ["a", "b", "c"], "event": "wave"})
            assert error(await client.receive_message())["code"] == "too_many_rooms"

    async def test_no_rooms_reach_nobody(self) -> None:
        async with TestClient(self.app()) as client:
            await client.send({"rooms": [], "event": "wave"})
            assert await rest(client) == []

    async def test_a_handler_runs_for_each_room(self) -> None:
        app = talk()
        seen: list[str] = []
        doc = app.room("doc:{number}")

        @doc.on(Say)
        async def say(room: str, number: int, socket: Socket, app: ByteSocket) -> Said:
            assert app is socket.app
            seen.append(f"{room} {number}")
            return Said(text="x")

        async with TestClient(app) as a, TestClient(app) as b:
            for client in (a, b):
                await client.join("doc:1")
                await client.join("doc:2")
            await a.send({"rooms": ["doc:1", "doc:2"], "event": "say", "data": {"text": "x"}})
            assert await rest(a) == []
            assert [message["room"] for message in await rest(b)] == ["doc:1", "doc:2"]
        assert seen == ["doc:1 1", "doc:2 2"]


async def test_an_event_is_encoded_once_per_codec() -> None:
    encoded: list[int] = []

    class Counted(Event, name="counted"):
        """An event that knows how often it was written."""

        size: int = 0

        @field_serializer("size")
        def written(self, size: int) -> int:
            encoded.append(size)
            return size

    app = ByteSocket(title="T", events=[Counted])
    app.room("lobby").relay(Counted)
    async with (
        TestClient(app) as a,
        TestClient(app) as b,
        TestClient(app, codec="binary") as c,
        TestClient(app, codec="binary") as d,
    ):
        clients = (a, b, c, d)
        for client in clients:
            await client.join("lobby")
        await app.rooms.emit("lobby", Counted())
        frames = [client._transport.outbox.popleft() for client in clients]
    assert frames[0] is frames[1]
    assert frames[2] is frames[3]
    assert [frame.is_binary for frame in frames] == [False, False, True, True]
    assert len(encoded) == 2


class Big(Event, name="big"):
    """An event with a nested model."""

    class Part(BaseModel):
        """Nested."""

        name: str

    parts: list[Part]


async def test_a_relay_sends_what_the_model_says_not_what_the_sender_wrote() -> None:
    app = ByteSocket(title="T", events=[Big])
    app.room("r").relay(Big)
    async with TestClient(app) as a, TestClient(app) as b:
        await a.join("r")
        await b.join("r")
        await a.send({"room": "r", "event": "big", "data": {"parts": [{"name": "x", "evil": 1}]}})
        assert (await b.receive_message())["data"] == {"parts": [{"name": "x"}]}
