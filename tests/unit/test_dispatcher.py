"""From a frame to what it is, authentication included."""

from typing import Any

import pytest
from anyio import Event as Signal
from anyio import sleep_forever
from pydantic import BaseModel

from bytesocket_app import (
    AuthError,
    ByteSocket,
    CallNext,
    ErrorContext,
    Limits,
    Message,
    Policies,
    Refusal,
    Settings,
    Socket,
    Timeouts,
)
from bytesocket_app.errors import where
from bytesocket_app.testing import RequestError, TestClient, virtual_clock
from bytesocket_app.types import CodecName
from bytesocket_app.wire import BINARY, CODECS
from tests.support.talk import Said, Say, error, logged, talk, until, wait

pytestmark = pytest.mark.anyio


class Token(BaseModel):
    """Credentials."""

    token: str


async def ada(socket: Socket) -> str:
    return "Ada"


class Watch:
    """An application with authentication, and what its hooks saw, in order."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.app = talk(settings)
        self.seen: list[Any] = []
        self.gate: Signal | None = None
        self.pending = Signal()
        self.app.auth(self.decide)
        self.app.lifecycle.auth_success(self.success)
        self.app.lifecycle.open(self.open)
        self.app.lifecycle.auth_error(self.error)
        self.app.lifecycle.close(self.close)

    async def decide(self, socket: Socket, credentials: Token) -> str:
        self.pending.set()
        if self.gate is not None:
            await self.gate.wait()
        match credentials.token:
            case "bad":
                raise AuthError("That is no token.")
            case "banned":
                raise Refusal("Not you.", code="banned", data={"days": 3})
            case "crash":
                raise RuntimeError("the database is at 10.0.0.7")
            case name:
                return name

    async def success(self, socket: Socket) -> None:
        self.seen.append("success")
        await socket.emit(Said(text=f"welcome {socket.user}"))

    async def open(self) -> None:
        self.seen.append("open")

    async def error(self, context: ErrorContext) -> None:
        self.seen.append((type(context.error).__name__, context.code))

    async def close(self, code: int) -> None:
        self.seen.append(code)


async def credentials(client: TestClient, token: str) -> None:
    await client.send({"type": 4, "data": {"token": token}})


def reports(app: ByteSocket) -> list[ErrorContext]:
    """What the error hooks are told."""
    found: list[ErrorContext] = []

    @app.lifecycle.error
    async def note(context: ErrorContext) -> None:
        found.append(context)

    return found


class TestAuthentication:
    async def test_success_is_5_then_what_the_hooks_send(self) -> None:
        watch = Watch()
        async with TestClient(watch.app) as client:
            await credentials(client, "Ada")
            assert await client.receive_message() == {"type": 5}
            assert (await client.receive(Said)).text == "welcome Ada"
            await until(lambda: len(watch.seen) == 2)
        assert watch.seen == ["success", "open", 1000]

    async def test_nobody_is_reached_by_a_broadcast_before(self) -> None:
        watch = Watch()
        async with TestClient(watch.app) as early, TestClient(watch.app, {"token": "x"}) as client:
            await watch.app.broadcast(Said(text="to all"))
            while (await client.receive(Said)).text != "to all":
                pass
            await credentials(early, "late")
            assert await early.receive_message() == {"type": 5}
            assert (await early.receive(Said)).text == "welcome late"

    @pytest.mark.parametrize(
        ("token", "expected"),
        [
            ("bad", {"code": "unauthorized", "message": "That is no token."}),
            ("banned", {"code": "banned", "message": "Not you.", "data": {"days": 3}}),
        ],
    )
    async def test_a_refusal_is_6_then_4003(self, token: str, expected: Any) -> None:
        watch = Watch()
        async with TestClient(watch.app) as client:
            await credentials(client, token)
            answer = await client.receive_message()
            assert answer == {"type": 6, "data": {"phase": "auth", "code": 4003, "error": expected}}
            assert await client.wait_closed() == (4003, "auth")
        assert watch.seen[1:] == [4003]
        assert watch.seen[0][1] == 4003

    async def test_the_test_client_raises_the_refusal(self) -> None:
        with pytest.raises(RequestError, match="That is no token") as caught:
            async with TestClient(Watch().app, Token(token="bad")):
                raise AssertionError("never entered")
        assert caught.value.code == "unauthorized"

    async def test_an_exception_tells_the_peer_nothing(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        watch = Watch()
        async with TestClient(watch.app) as client:
            await credentials(client, "crash")
            answer = await client.receive_message()
            assert answer["type"] == 6
            assert error(answer) == {"code": "internal", "message": "Authentication failed."}
            assert await client.wait_closed() == (4003, "auth")
        assert watch.seen == [("RuntimeError", 4003), 4003]
        assert "authentication failed" in logged(caplog)[0]

    async def test_credentials_of_another_shape_are_refused_without_their_text(self) -> None:
        async with TestClient(Watch().app) as client:
            await client.send({"type": 4, "data": {"token": ["s3cret"]}})
            answer = await client.receive_message()
            assert "token: Input should be a valid string" in error(answer)["message"]
            assert "s3cret" not in str(answer)

    async def test_second_credentials_are_ignored(self) -> None:
        watch = Watch()
        async with TestClient(watch.app) as client:
            for token in ("Ada", "bad", "Bob"):
                await credentials(client, token)
            await client.send({"event": "nobody", "id": 1})
            answers = [await client.receive_message() for _ in range(3)]
            assert [a.get("type") for a in answers] == [5, None, 33]
        assert watch.seen.count("success") == 1

    @pytest.mark.parametrize("codec", CODECS)
    @pytest.mark.parametrize("by_handshake", [True, False])
    async def test_credentials_nobody_asked_for_are_accepted_each_time(
        self, codec: CodecName, by_handshake: bool
    ) -> None:
        app = talk()
        seen: list[str] = []
        app.lifecycle.auth_success(lambda: seen.append("success"))
        app.lifecycle.open(lambda: seen.append("open"))
        if by_handshake:
            app.auth(ada)
        async with TestClient(app, codec=codec) as client:
            for data in (None, {"token": ["s3cret"]}, 7):
                await client.send({"type": 4, "data": data})
                assert await client.receive_message() == {"type": 5}
            await client.send({"type": 4})  # without data it is a message like any other
            await client.send({"event": "nobody", "id": 1})
            assert (await client.receive_message())["id"] == 1
        assert seen == (["success", "open"] if by_handshake else ["open"])

    @pytest.mark.parametrize("by_handshake", [True, False])
    async def test_the_origin_does_not_answer_credentials_nobody_asked_for(
        self, by_handshake: bool
    ) -> None:
        app = talk(Settings.drop_in())
        if by_handshake:
            app.auth(ada)

        @app.on(Say)
        async def say() -> str:
            return "said"

        async with TestClient(app) as client:
            await client.send({"type": 4, "data": None})
            await client.send({"event": "say", "data": {"text": ""}, "id": 1})
            assert (await client.receive_message())["id"] == 1

    async def test_further_credentials_are_not_answered_where_they_are_asked_for(self) -> None:
        watch = Watch()
        async with TestClient(watch.app, credentials={"token": "Ada"}) as client:
            assert (await client.receive_message())["event"] == "said"
            await credentials(client, "Ada")
            await client.send({"event": "nobody", "id": 1})
            assert (await client.receive_message())["id"] == 1

    def test_the_contract_says_whether_such_credentials_are_answered(self) -> None:
        origin = talk(Settings.drop_in()).contract()
        ours = talk().contract()
        assert ours.document["capabilities"] == ["answers_credentials"]
        assert origin.document["capabilities"] == []
        assert ours.fingerprint == origin.fingerprint

    async def test_a_socket_closed_while_pending_gets_no_hooks_but_the_last(self) -> None:
        watch = Watch()
        watch.gate = Signal()
        async with TestClient(watch.app) as client:
            await credentials(client, "Ada")
            await wait(watch.pending)
            await watch.app.sockets()[0].close(4999, "changed my mind")
            watch.gate.set()
        assert watch.seen == [4999]

    async def test_a_refusal_for_a_closed_socket_is_no_news(self) -> None:
        watch = Watch()
        watch.gate = Signal()
        async with TestClient(watch.app) as client:
            await credentials(client, "bad")
            await wait(watch.pending)
            await watch.app.sockets()[0].close(4999, "changed my mind")
            watch.gate.set()
        assert watch.seen == [4999]

    async def test_no_credentials_in_time_is_1013(self) -> None:
        watch = Watch()
        with virtual_clock(watch.app) as clock:
            async with TestClient(watch.app) as client:
                clock.advance(9)
                clock.advance(2)
                clock.advance(2)
                assert await client.wait_closed() == (1013, "authentication took too long")
        assert watch.seen == [1013]

    async def test_under_drop_in_late_is_6_and_4008(self) -> None:
        policies = Settings.drop_in().policies
        watch = Watch(Settings(timeouts=Timeouts(auth=3), policies=policies))
        with virtual_clock(watch.app) as clock:
            async with TestClient(watch.app) as client:
                clock.advance(4)
                answer = await client.receive_message()
                assert (answer["type"], answer["data"]["code"]) == (6, 4008)
                assert error(answer)["code"] == "timeout"
                assert await client.wait_closed() == (4008, "auth")
        assert watch.seen == [("AuthError", 4008), 4008]

    async def test_a_slow_decision_counts_from_accept(self) -> None:
        watch = Watch()
        watch.gate = Signal()
        with virtual_clock(watch.app) as clock:
            async with TestClient(watch.app) as client:
                clock.advance(6)
                await credentials(client, "Ada")
                await wait(watch.pending)
                clock.advance(5)
                assert await client.wait_closed() == (1013, "authentication took too long")
        assert watch.seen == [1013]

    async def test_without_a_deadline_it_may_take_for_ever(self) -> None:
        watch = Watch(Settings(timeouts=Timeouts(auth=0)))
        with virtual_clock(watch.app) as clock:
            async with TestClient(watch.app) as client:
                clock.advance(100_000)
                await credentials(client, "Ada")
                assert await client.receive_message() == {"type": 5}


class TestBeforeAuthentication:
    @pytest.mark.parametrize("message", [{"event": "say"}, {"type": 9, "room": "x"}, [1], {}])
    async def test_any_other_message_closes_1008(self, message: Any) -> None:
        async with TestClient(Watch().app) as client:
            await client.send(message)
            assert await client.wait_closed() == (1008, "authenticate first")

    @pytest.mark.parametrize("message", [{"event": "say"}, {"type": 9, "room": "x"}, [1], {}])
    async def test_or_is_dropped_where_the_policy_says_so(self, message: Any) -> None:
        watch = Watch(Settings(policies=Policies(before_auth="drop")))
        async with TestClient(watch.app) as client:
            await client.send(message)
            await credentials(client, "Ada")
            assert await client.receive_message() == {"type": 5}

    async def test_pings_are_answered(self) -> None:
        async with TestClient(Watch().app) as client:
            await client.send_raw(b"")
            assert await client.receive_message() == b""


class TestFrames:
    @pytest.mark.parametrize("payload", ["{", "", "NaN", b"\xc1", b"\x81"])
    async def test_what_cannot_be_read_closes_1008(self, payload: str | bytes) -> None:
        app = talk()
        found = reports(app)
        async with TestClient(app) as client:
            await client.send_raw(payload)
            assert await client.wait_closed() == (1008, "decode error")
        assert [str(context.phase) for context in found] == ["decode"]
        expected = payload if isinstance(payload, str) else "binary (1 bytes)"
        assert found[0].raw == expected

    @pytest.mark.parametrize("message", [None, 7, True, "text"])
    async def test_what_is_no_object_closes_1008(self, message: Any) -> None:
        app = talk()
        found = reports(app)
        async with TestClient(app) as client:
            await client.send(message)
            assert await client.wait_closed() == (1008, "bad format")
        assert [str(context.phase) for context in found] == ["validation"]

    async def test_the_hooks_see_256_characters_of_a_broken_message(self) -> None:
        app = talk()
        found = reports(app)
        async with TestClient(app) as client:
            await client.send_raw("{" + "x" * 5000)
            await client.wait_closed()
        assert len(found[0].raw or "") == 256

    async def test_a_list_passes_the_middleware_and_reaches_nobody(self) -> None:
        app = talk()
        passed: list[Message] = []

        @app.middleware
        async def note(socket: Socket, message: Message, call_next: CallNext) -> None:
            passed.append(message)
            await call_next(message)

        async with TestClient(app) as client:
            await client.send([1, 2])
            await client.send_raw(BINARY.encode([3]))
            await until(lambda: len(passed) == 2)
        assert [(m.event, m.data, m.codec) for m in passed] == [
            (None, [1, 2], "json"),
            (None, [3], "binary"),
        ]

    async def test_message_hooks_see_every_frame_pings_too(self) -> None:
        app = talk()
        seen: list[Any] = []

        @app.lifecycle.message
        async def note(payload: str | bytes, is_binary: bool) -> None:
            seen.append((payload, is_binary))
            raise ValueError("in a hook")

        found = reports(app)
        async with TestClient(app) as client:
            await client.send_raw(b"")
            await client.send_raw("{}")
            await until(lambda: len(seen) == 2)
            assert await client.receive_message() == b""
        assert seen == [(b"", True), ("{}", False)]
        assert [str(context.phase) for context in found] == ["onMessage"] * 2

    async def test_room_and_rooms_in_one_message_close_1008(self) -> None:
        async with TestClient(talk()) as client:
            await client.send({"room": "a", "rooms": ["b"], "event": "say"})
            assert await client.wait_closed() == (1008, "room and rooms in one message")

    async def test_a_membership_type_of_another_shape_is_an_event(self) -> None:
        app = talk()
        heard: list[str] = []

        @app.on(Say)
        async def say(event: Say) -> None:
            heard.append(event.text)

        shapes: list[dict[str, Any]] = [
            {"type": 9, "room": 5},
            {"type": 15, "rooms": "x"},
            {"type": 18},
            {"type": 3},
        ]
        async with TestClient(app) as client:
            for shape in shapes:
                await client.send({**shape, "event": "say", "data": {"text": "hi"}})
            await until(lambda: len(heard) == 4)

    async def test_too_deep_is_a_decode_error(self) -> None:
        async with TestClient(talk()) as client:
            await client.send_raw("[" * 65 + "]" * 65)
            assert await client.wait_closed() == (1008, "decode error")

    @pytest.mark.parametrize("frame", ['["a",["b"],{},"c"]', b"\x94\x01\x91\x01\x80\x01"])
    async def test_too_many_elements_are_a_decode_error(self, frame: str | bytes) -> None:
        for limit, closed in ((5, True), (6, False), (0, False)):
            app = talk(Settings(limits=Limits(elements=limit)))
            async with TestClient(app) as client:
                await client.send_raw(frame)
                if closed:
                    assert await client.wait_closed() == (1008, "decode error")
                else:
                    await client.send({"event": "unheard", "id": "still here"})
                    assert (await client.receive_message())["id"] == "still here"


class TestMiddleware:
    async def test_one_that_takes_too_long_is_answered_and_reported(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = talk()
        found, begun = reports(app), Signal()

        @app.middleware
        async def hang(socket: Socket, message: Message, call_next: CallNext) -> None:
            begun.set()
            await sleep_forever()

        with virtual_clock(app) as clock:
            async with TestClient(app) as client:
                await client.send({"event": "say", "id": 1})
                await wait(begun)
                clock.advance(11)
                answer = await client.receive_message()
                assert (answer["type"], error(answer)["code"]) == (33, "timeout")
                await until(lambda: found)
        assert [(str(c.phase), c.event) for c in found] == [("middlewareTimeout", "say")]
        assert f"middleware {where(hang)} took too long" in logged(caplog)[0]

    async def test_a_refusal_is_answered_with_the_id_or_as_type_3(self) -> None:
        app = talk()

        @app.middleware
        async def refuse(socket: Socket, message: Message, call_next: CallNext) -> None:
            raise Refusal("Slow down.", code="rate", data=5)

        async with TestClient(app) as client:
            await client.emit(Say(text="x"))
            answer = await client.receive_message()
            assert (answer["type"], answer["data"]["phase"]) == (3, "middleware")
            with pytest.raises(RequestError, match=r"Slow down\.") as caught:
                await client.request(Say(text="x"))
            assert (caught.value.code, caught.value.data) == ("rate", 5)

    async def test_an_exception_is_internal_logged_and_reported(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = talk()
        found = reports(app)

        @app.middleware
        async def fail(socket: Socket, message: Message, call_next: CallNext) -> None:
            raise RuntimeError("secret")

        async with TestClient(app) as client:
            with pytest.raises(RequestError, match="Something went wrong") as caught:
                await client.request(Say(text="x"))
            assert caught.value.code == "internal"
        assert [(str(c.phase), c.event) for c in found] == [("middleware", "say")]
        assert "middleware failed" in logged(caplog)[0]

    @pytest.mark.parametrize("late", [False, True], ids=["error", "timeout"])
    async def test_a_policy_closes_after_a_failure(self, late: bool) -> None:
        policies = Policies(middleware_error="close", middleware_timeout="close")
        app = ByteSocket(title="T", events=[Say], settings=Settings(policies=policies))
        begun = Signal()

        @app.middleware
        async def fail(socket: Socket, message: Message, call_next: CallNext) -> None:
            begun.set()
            if late:
                await sleep_forever()
            raise RuntimeError("secret")

        with virtual_clock(app) as clock:
            async with TestClient(app) as client:
                await client.emit(Say(text="x"))
                await wait(begun)
                clock.advance(11 if late else 0)
                code, reason = await client.wait_closed()
        assert code == 1011
        assert "secret" not in reason

    async def test_a_policy_is_a_function_of_the_error_and_the_socket(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        found: list[tuple[str, Socket]] = []

        async def note(error: Exception, socket: Socket) -> None:
            found.append((str(error), socket))
            raise ValueError("the policy fails as well")

        policies = Policies(middleware_error=note)
        app = ByteSocket(title="T", events=[Say], settings=Settings(policies=policies))

        @app.middleware
        async def fail(socket: Socket, message: Message, call_next: CallNext) -> None:
            raise RuntimeError("broken")

        async with TestClient(app) as client:
            await client.emit(Say(text="x"))
            await until(lambda: found)
            assert found == [("broken", app.sockets()[0])]
        assert "the policy fails as well" in caplog.text

    async def test_one_that_does_not_call_the_next_stops_the_message(self) -> None:
        app = talk()
        heard: list[str] = []

        @app.middleware
        async def stop(socket: Socket, message: Message, call_next: CallNext) -> None:
            if message.data["text"] != "stop":
                await call_next(message)

        @app.on(Say)
        async def say(event: Say) -> None:
            heard.append(event.text)

        async with TestClient(app) as client:
            await client.emit(Say(text="stop"))
            await client.emit(Say(text="go"))
            await until(lambda: heard)
        assert heard == ["go"]


async def test_a_handshake_that_authenticated_is_welcomed_at_once() -> None:
    app = talk()
    seen: list[str] = []

    @app.auth
    async def decide(socket: Socket) -> str:
        return "Ada"

    @app.lifecycle.auth_success
    async def success(socket: Socket) -> None:
        seen.append(f"success {socket.user}")

    @app.lifecycle.open
    async def opened() -> None:
        seen.append("open")

    async with TestClient(app) as client:
        await client.send({"type": 4, "data": "nobody asked"})
        assert await client.receive_message() == {"type": 5}
        await client.send({"event": "nobody", "id": 1})
        assert (await client.receive_message())["id"] == 1
    assert seen == ["success Ada", "open"]


async def test_a_connection_closed_before_it_ran_is_not_welcomed() -> None:
    app = talk()
    seen: list[str] = []

    @app.lifecycle.open
    async def opened() -> None:
        seen.append("open")

    @app.lifecycle.upgrade
    async def drain_meanwhile() -> None:
        await app.drain(0)

    async with TestClient(app) as client:
        assert await client.wait_closed() == (1012, "server restart")
    assert not seen
