"""Handlers at work: one answer to a request, whoever gives it."""

from collections.abc import Callable
from typing import Any

import anyio
import pytest
from anyio import Event as Signal
from anyio import create_task_group
from pydantic import BaseModel
from typing_extensions import TypedDict

from bytesocket_app import ByteSocket, Refusal, Settings, Socket, Timeouts, UndeclaredEvent
from bytesocket_app.testing import RequestError, TestClient
from tests.support.talk import Said, Say, Wave, error, logged, talk, until

pytestmark = pytest.mark.anyio


class Receipt(BaseModel):
    """A reply."""

    number: int


class Note(TypedDict):
    """A reply that is a plain dict."""

    text: str


class Muted(Refusal, code="muted"):
    """A declared refusal."""


async def answers(client: TestClient, event: Any = None) -> list[Any]:
    """All messages until the answer to a last request of ours."""
    await client.send({"event": "unheard", "id": "last"})
    found: list[Any] = []
    while True:
        message = await client.receive_message()
        if message.get("id") == "last":
            return found
        found.append(message)


class TestReplies:
    @pytest.mark.parametrize("codec", ["json", "binary"])
    async def test_the_return_value_is_the_reply(self, codec: Any) -> None:
        app = talk()

        @app.on(Say)
        async def say(event: Say) -> Receipt:
            return Receipt(number=len(event.text))

        async with TestClient(app, codec=codec) as client:
            receipt = await client.request(Say(text="four"), Receipt)
            assert receipt == Receipt(number=4)
            await client.emit(Say(text="nobody asks"))
            assert await answers(client) == []

    async def test_a_plain_function_replies_too(self) -> None:
        app = talk()

        @app.on(Say)
        def say(socket: Socket, event: Say) -> int:
            anyio.from_thread.run(socket.emit, Said(text=event.text))
            return len(event.text)

        async with TestClient(app) as client:
            assert await client.request(Say(text="xyz"), int) == 3
            assert (await client.receive(Said)).text == "xyz"

    @pytest.mark.parametrize(
        ("returns", "value"),
        [
            (Any, {"any": 1}),
            (Note, {"text": "x"}),
            (list[int], [1, 2]),
            (Receipt | None, None),
            (int | str, "x"),
        ],
    )
    async def test_every_type_can_be_a_reply(self, returns: Any, value: Any) -> None:
        app = talk()

        async def say(event: Say) -> Any:
            return value

        say.__annotations__["return"] = returns
        app.on(Say)(say)
        async with TestClient(app) as client:
            assert await client.request(Say(text="x")) == value

    async def test_a_reply_of_another_type_is_internal(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = talk()

        @app.on(Say)
        async def say() -> int:
            return "not a number"  # type: ignore[return-value]

        async with TestClient(app) as client:
            with pytest.raises(RequestError) as caught:
                await client.request(Say(text="x"))
        assert caught.value.code == "internal"
        assert "handler" in logged(caplog)[0]

    async def test_a_handler_without_a_reply_confirms(self) -> None:
        app = talk()

        @app.on(Say)
        async def say() -> None:
            """Nothing to reply."""

        async with TestClient(app) as client:
            await client.send({"event": "say", "data": {"text": "x"}, "id": "a"})
            assert await client.receive_message() == {"type": 32, "id": "a", "data": None}

    async def test_of_several_handlers_the_one_with_a_reply_answers(self) -> None:
        app = talk()
        order: list[str] = []

        @app.on(Say)
        async def log() -> None:
            order.append("log")

        @app.on(Say)
        async def reply() -> str:
            order.append("reply")
            return "mine"

        @app.on(Say)
        async def count() -> None:
            order.append("count")

        async with TestClient(app) as client:
            await client.send({"event": "say", "data": {"text": "x"}, "id": 1})
            assert await answers(client) == [{"type": 32, "id": 1, "data": "mine"}]
        assert order == ["log", "reply", "count"]

    async def test_several_without_a_reply_confirm_once(self) -> None:
        app = talk()

        async def first() -> None:
            """Nothing to reply."""

        async def second() -> None:
            """Nothing to reply."""

        app.on(Say)(first)
        app.on(Say)(second)
        async with TestClient(app) as client:
            await client.send({"event": "say", "data": {"text": "x"}, "id": 1})
            assert await answers(client) == [{"type": 32, "id": 1, "data": None}]


class TestRefusals:
    async def test_with_an_id_it_is_33_and_without_one_it_is_3(self) -> None:
        app = talk()

        @app.on(Say, raises=(Muted,))
        async def say() -> str:
            raise Muted("Wait a minute.", data={"seconds": 60})

        async with TestClient(app) as client:
            await client.send({"event": "say", "data": {"text": "x"}, "id": 5})
            await client.send({"event": "say", "data": {"text": "x"}})
            context = {
                "phase": "handler",
                "event": "say",
                "error": {"code": "muted", "message": "Wait a minute.", "data": {"seconds": 60}},
            }
            assert await answers(client) == [
                {"type": 33, "id": 5, "data": context},
                {"type": 3, "data": context},
            ]

    async def test_an_exception_is_internal_and_in_the_log(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = talk()

        @app.on(Say)
        async def say() -> None:
            raise RuntimeError("password=hunter2")

        async with TestClient(app) as client:
            await client.emit(Say(text="x"))
            answer = await client.receive_message()
            assert error(answer)["code"] == "internal"
            assert "hunter2" not in str(answer)
        assert "password=hunter2" in caplog.text

    async def test_the_first_refusal_answers_and_the_other_handlers_run(self) -> None:
        app = talk()
        ran: list[str] = []

        @app.on(Say)
        async def first() -> None:
            raise Refusal("first")

        @app.on(Say)
        async def second() -> None:
            ran.append("second")
            raise Refusal("second")

        async with TestClient(app) as client:
            with pytest.raises(RequestError, match="first"):
                await client.request(Say(text="x"))
            assert await answers(client) == []
        assert ran == ["second"]


class TestRooms:
    def room_with(self, handler: Callable[..., Any], event: Any) -> ByteSocket:
        app = talk()
        app.room("lobby").on(event)(handler)
        return app

    async def pair(self, app: ByteSocket, event: Any) -> tuple[Any, list[Any]]:
        """What the sender and the other member get for one request in the room."""
        async with TestClient(app) as sender, TestClient(app) as other:
            await sender.join("lobby")
            await other.join("lobby")
            answer = await sender.request(event, room="lobby")
            own = await answers(sender)
            assert own == []
            return answer, await answers(other)

    async def test_a_server_event_goes_to_the_others_and_a_confirmation_back(self) -> None:
        async def say(event: Say) -> Said:
            return Said(text=event.text.upper())

        answer, got = await self.pair(self.room_with(say, Say), Say(text="hi"))
        assert answer is None
        assert got == [{"room": "lobby", "event": "said", "data": {"text": "HI"}}]

    async def test_any_other_value_is_the_reply(self) -> None:
        async def say(event: Say) -> Receipt:
            return Receipt(number=3)

        answer, got = await self.pair(self.room_with(say, Say), Say(text="hi"))
        assert (answer, got) == ({"number": 3}, [])

    @pytest.mark.parametrize(("text", "reply"), [("event", None), ("reply", {"number": 1})])
    async def test_a_handler_may_return_one_or_the_other(self, text: str, reply: Any) -> None:
        async def say(event: Say) -> Said | Receipt:
            return Said(text="x") if event.text == "event" else Receipt(number=1)

        answer, got = await self.pair(self.room_with(say, Say), Say(text=text))
        assert answer == reply
        assert len(got) == (1 if reply is None else 0)

    async def test_none_relays_an_event_of_both_directions_as_sent(self) -> None:
        async def wave() -> None:
            """Let it pass."""

        _, got = await self.pair(self.room_with(wave, Wave), Wave(hand="right"))
        assert got == [{"room": "lobby", "event": "wave", "data": {"hand": "right"}}]

    async def test_none_does_not_relay_a_client_event(self) -> None:
        async def say() -> None:
            """Keep it."""

        assert await self.pair(self.room_with(say, Say), Say(text="x")) == (None, [])

    async def test_a_payload_of_a_handle_goes_to_the_others(self) -> None:
        app = talk()
        score = app.declare("score", int, direction="server")

        async def say() -> Any:
            return score(7)

        app.room("lobby").on(Say)(say)
        _, got = await self.pair(app, Say(text="x"))
        assert got == [{"room": "lobby", "event": "score", "data": 7}]

    async def test_an_undeclared_event_is_internal(self, caplog: pytest.LogCaptureFixture) -> None:
        class Secret(Said, name="secret"):
            """Never declared."""

        async def say() -> Secret:
            return Secret(text="x")

        app = self.room_with(say, Say)
        with pytest.raises(RequestError) as caught:
            await self.pair(app, Say(text="x"))
        assert caught.value.code == "internal"
        assert UndeclaredEvent.__name__ in caplog.text


class TestConcurrent:
    async def test_replies_and_refusals_find_their_request(self) -> None:
        app = talk()
        gate = Signal()

        @app.on(Say, concurrent=True)
        async def say(event: Say) -> str:
            if event.text == "slow":
                await gate.wait()
            if event.text == "no":
                raise Refusal("no")
            return event.text

        async with TestClient(app) as client, create_task_group() as tasks:
            tasks.start_soon(client.request, Say(text="slow"), str)
            with pytest.raises(RequestError, match="no"):
                await client.request(Say(text="no"))
            assert await client.request(Say(text="quick"), str) == "quick"
            gate.set()

    async def test_one_that_takes_too_long_is_answered(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = talk(Settings(timeouts=Timeouts(handler=0.01)))

        @app.on(Say, concurrent=True)
        async def hang() -> None:
            await anyio.sleep_forever()

        async with TestClient(app) as client:
            with pytest.raises(RequestError) as caught:
                await client.request(Say(text="x"))
        assert caught.value.code == "timeout"
        assert "took too long" in logged(caplog)[0]

    @pytest.mark.parametrize("beside", [(True,), (True, True), (True, False), (False, True)])
    async def test_alone_or_with_others_there_is_one_answer_and_one_relay(
        self, beside: tuple[bool, ...]
    ) -> None:
        app = talk()
        lobby = app.room("lobby")
        calls: list[int] = []

        def handler(number: int) -> Callable[[], Any]:
            async def wave() -> None:
                calls.append(number)

            return wave

        for number, concurrent in enumerate(beside):
            lobby.on(Wave, concurrent=concurrent)(handler(number))
        async with TestClient(app) as sender, TestClient(app) as other:
            await sender.join("lobby")
            await other.join("lobby")
            await sender.request(Wave(), room="lobby")
            await until(lambda: len(calls) == len(beside))
            assert await answers(sender) == []
            got = await answers(other)
        assert [message["event"] for message in got] == ["wave"]
