"""Who is refused at the handshake hears why: after it was accepted, or by an HTTP status."""

from collections.abc import Awaitable, Callable, Generator
from typing import Annotated, Any, Literal, TypeAlias

import anyio
import pytest
from anyio import Event as Signal
from anyio import create_task_group
from fastapi import HTTPException
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import WebSocketException
from typing_extensions import override

from bytesocket_app import (
    AuthError,
    ByteSocket,
    Count,
    Depends,
    ErrorContext,
    Handshake,
    Limits,
    Policies,
    Refusal,
    Settings,
    Socket,
    Timeouts,
)
from bytesocket_app.telemetry import Operation
from bytesocket_app.testing import RequestError, TestClient, virtual_clock
from bytesocket_app.transports import Acceptance, Rejection
from bytesocket_app.transports.memory import MemoryTransport
from bytesocket_app.types import CodecName
from tests.support.listening import Noted
from tests.support.talk import Say, logged, talk, until, wait

pytestmark = pytest.mark.anyio

BOTH = pytest.mark.parametrize("codec", ["json", "binary"])
Policy: TypeAlias = Literal["auto", "http", "close"]
Decide: TypeAlias = Callable[[], Awaitable[None]]
Build: TypeAlias = Callable[..., ByteSocket]


class Plan(BaseModel):
    """What somebody would have to pay for."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    name: str
    raw: bytes = b"\xff\x00"


class NotPaid(Refusal, code="not_paid"):
    """The account is not paid for."""

    data: Plan


class Locked(AuthError, code="locked"):
    """The account is locked."""

    data: Plan


def settings(policy: Policy = "auto", **limits: Any) -> Settings:
    return Settings(policies=Policies(handshake_refusal=policy), limits=Limits(**limits))


def by_auth(error: BaseException | None, made: Settings | None = None) -> ByteSocket:
    """An application whose authentication from the handshake ends so."""
    app = talk(made)

    @app.auth
    async def decide(handshake: Handshake) -> str:
        if error is not None:
            raise error
        return "ann"

    return app


def by_dependency(error: BaseException | None, made: Settings | None = None) -> ByteSocket:
    """An application where a dependency of the authentication ends so."""
    app = talk(made)

    def session(handshake: Handshake) -> Generator[str]:
        if error is not None:
            raise error
        yield "ann"

    @app.auth
    async def decide(user: Annotated[str, Depends(session)]) -> str:
        return user

    return app


def by_hook(error: BaseException | None, made: Settings | None = None) -> ByteSocket:
    """An application whose upgrade hook ends so."""
    app = talk(made)

    @app.lifecycle.upgrade
    async def decide(handshake: Handshake) -> None:
        if error is not None:
            raise error

    return app


def by_a_plain_hook(error: BaseException | None, made: Settings | None = None) -> ByteSocket:
    """The same with a function that runs in a thread, of an application with credentials."""
    app = talk(made)

    @app.lifecycle.upgrade
    def decide(handshake: Handshake) -> None:
        if error is not None:
            raise error

    @app.auth
    async def known(credentials: str) -> str:
        return credentials

    return app


WAYS = pytest.mark.parametrize(
    ("build", "phase"),
    [
        (by_auth, "auth"),
        (by_dependency, "auth"),
        (by_hook, "onUpgrade"),
        (by_a_plain_hook, "onUpgrade"),
    ],
)
JUDGEMENTS: list[tuple[BaseException, str, str, Any]] = [
    (AuthError("Log in first."), "unauthorized", "Log in first.", None),
    (AuthError("Log in first.", code="not_found", data=[1]), "not_found", "Log in first.", [1]),
    (Refusal("Not you."), "refused", "Not you.", None),
    (Refusal("Not you.", code="banned", data={"days": 3}), "banned", "Not you.", {"days": 3}),
    (HTTPException(400, "Bad."), "refused", "Bad.", None),
    (HTTPException(401, "Log in first."), "unauthorized", "Log in first.", None),
    (HTTPException(403), "forbidden", "Forbidden", None),
    (HTTPException(404, "No team."), "not_found", "No team.", None),
    (HTTPException(409, {"version": 7}), "refused", "Conflict", {"version": 7}),
    (HTTPException(428, "If-Match?"), "refused", "If-Match?", None),
    (WebSocketException(1008, "Not today."), "forbidden", "Not today.", None),
    (ExceptionGroup("", [AuthError("In a group.")]), "unauthorized", "In a group.", None),
]
OTHERS: list[tuple[BaseException, int, int]] = [
    (HTTPException(303, "Log in there."), 403, 403),
    (HTTPException(429, "Too many."), 429, 429),
    (HTTPException(431), 431, 431),
    (HTTPException(451), 451, 451),
    (HTTPException(500), 500, 500),
    (HTTPException(503, "Later."), 503, 503),
    (WebSocketException(1011), 500, 500),
    (WebSocketException(1013), 503, 503),
    (RuntimeError("secret"), 500, 403),
    (NotPaid("No.", data={"wrong": "type"}), 500, 403),
    (SystemExit(1), 500, 403),
]
"""What is no judgement, with the statuses of authentication and of an upgrade hook."""


async def told(app: ByteSocket, codec: CodecName = "json", query: str = "contract=x") -> Any:
    """What a client is told, and how it is closed."""
    decision = await app.endpoint.admit(_handshake(codec, query))
    assert isinstance(decision, Acceptance), decision
    async with Raw(app, codec, query) as client:
        message = await client.receive_message()
        return message, await client.wait_closed()


def _handshake(codec: CodecName, query: str) -> Handshake:
    return Handshake("/ws", query=query, subprotocols=(f"bytesocket.{codec}",))


async def status(app: ByteSocket, query: str = "contract=x") -> int:
    decision = await app.endpoint.admit(_handshake("json", query))
    return decision.status if isinstance(decision, Rejection) else 101


class Raw(TestClient):
    """A client that looks at what it is told itself."""

    def __init__(
        self, app: ByteSocket, codec: CodecName = "json", query: str = "contract=x"
    ) -> None:
        super().__init__(app, codec=codec, query=query)

    @override
    async def _check_dismissed(self) -> None:
        """Leave the message to be received."""


class Deaf(MemoryTransport):
    """A connection whose peer does not answer a close."""

    @override
    def close(self, code: int, reason: str) -> None:
        """Wait for an answer."""


@WAYS
@BOTH
@pytest.mark.parametrize("judgement", JUDGEMENTS)
async def test_a_client_that_names_a_contract_is_told_why_and_closed_with_4003(
    build: Build,
    phase: str,
    judgement: tuple[BaseException, str, str, Any],
    codec: CodecName,
    caplog: pytest.LogCaptureFixture,
) -> None:
    error, code, message, data = judgement
    expected: dict[str, Any] = {"code": code, "message": message}
    if data is not None:
        expected["data"] = data
    answer, ended = await told(build(error), codec)
    assert answer == {"type": 6, "data": {"phase": phase, "error": expected, "code": 4003}}
    assert ended == (4003, "auth")
    assert logged(caplog) == []


@WAYS
@BOTH
@pytest.mark.parametrize("kind", [NotPaid, Locked])
async def test_the_data_are_written_by_their_type(
    build: Build, phase: str, kind: type[Refusal], codec: CodecName
) -> None:
    answer, _ = await told(build(kind("No.", data=Plan(name="gold"))), codec)
    raw: Any = b"\xff\x00" if codec == "binary" else "_wA="
    assert answer["data"]["error"] == {
        "code": kind.__refusal_code__,
        "message": "No.",
        "data": {"name": "gold", "raw": raw},
    }


@WAYS
@pytest.mark.parametrize("policy", ["auto", "close"])
@pytest.mark.parametrize(("error", "of_auth", "of_hook"), OTHERS)
async def test_what_is_no_judgement_keeps_its_status(
    build: Build, phase: str, policy: Policy, error: BaseException, of_auth: int, of_hook: int
) -> None:
    app = build(error, settings(policy))
    assert await status(app) == (of_auth if phase == "auth" else of_hook)


@WAYS
@pytest.mark.parametrize(
    ("policy", "query", "is_told"),
    [
        ("auto", "contract=x", True),
        ("auto", "", False),
        ("auto", "contract=", False),
        ("http", "contract=x", False),
        ("http", "", False),
        ("close", "contract=x", True),
        ("close", "", True),
    ],
)
async def test_the_policy_says_who_is_told(
    build: Build, phase: str, policy: Policy, query: str, is_told: bool
) -> None:
    app = build(AuthError("Log in first."), settings(policy))
    assert await status(app, query) == (101 if is_told else 401)
    if is_told:
        answer, ended = await told(app, query=query)
        assert (answer["data"]["phase"], ended) == (phase, (4003, "auth"))


def test_drop_in_answers_with_http_statuses() -> None:
    assert Settings.drop_in().policies.handshake_refusal == "http"
    assert Policies().handshake_refusal == "auto"


@WAYS
async def test_who_is_not_refused_comes_in(build: Build, phase: str) -> None:
    assert await status(build(None)) == 101


async def test_a_timeout_keeps_its_status() -> None:
    async def slow(handshake: Handshake) -> None:
        await anyio.sleep_forever()

    app = talk(Settings(timeouts=Timeouts(auth=0.01)))
    app.auth(slow)
    hooked = talk(Settings(timeouts=Timeouts(handler=0.01)))
    hooked.lifecycle.upgrade(slow)
    assert (await status(app), await status(hooked)) == (503, 503)


async def test_limits_a_drain_and_a_foreign_origin_keep_their_status() -> None:
    refusing = AuthError("Log in first.")
    for made in (
        talk(settings("close", handshakes_per_second=1)),
        by_hook(refusing, settings("close", connections=1)),
    ):
        taken = [await made.endpoint.admit(_handshake("json", "contract=x")) for _ in range(3)]
        last = taken[-1]
        assert isinstance(last, Rejection)
        assert last.status in {429, 503}
    foreign = Handshake("/ws", query="contract=x", headers={"origin": "http://evil", "host": "x"})
    app = by_auth(refusing, settings("close"))
    decision = await app.endpoint.admit(foreign)
    assert isinstance(decision, Rejection)
    assert decision.status == 403
    await app.drain(1)
    assert await status(app) == 503


async def test_a_user_with_too_many_connections_comes_back() -> None:
    app = talk(settings("close", connections_per_user=1))

    @app.auth(key=str)
    async def decide(handshake: Handshake) -> str:
        return "ann"

    async with TestClient(app):
        assert await status(app) == 429


class Watched:
    """An application that refuses, and what its hooks are told."""

    def __init__(self, build: Build, made: Settings | None = None) -> None:
        self.app = build(AuthError("Log in first."), made)
        self.seen: list[Any] = []
        lifecycle = self.app.lifecycle
        lifecycle.open(self.opened)
        lifecycle.auth_success(self.opened)
        lifecycle.message(self.opened)
        lifecycle.auth_error(self.failed)
        lifecycle.error(self.erred)
        lifecycle.close(self.closed)
        self.app.on(Say)(self.opened)

    async def opened(self) -> None:
        self.seen.append("opened")

    async def failed(self, socket: Socket, context: ErrorContext) -> None:
        self.seen.append(("failed", context.code, str(context.error)))

    async def erred(self, socket: Socket | None, context: ErrorContext) -> None:
        self.seen.append(("error", str(context.phase), str(context.error)))

    async def closed(self, socket: Socket, code: int, reason: str) -> None:
        self.seen.append((code, reason, socket.is_authenticated, socket.user))


@WAYS
async def test_who_is_told_opens_nothing_and_its_messages_are_dropped(
    build: Build, phase: str
) -> None:
    watched = Watched(build)
    app = watched.app
    app.room("lobby")
    async with Raw(app) as client:
        assert app.sockets() == []
        await client.emit(Say(text="hi"))
        await client.send({"type": 9, "room": "lobby"})
        await client.send({"type": 4, "data": "ann"})
        assert (await client.receive_message())["type"] == 6
        assert await client.wait_closed() == (4003, "auth")
    assert not app.housekeeping.connections
    assert (len(app.memberships.index), app.endpoint.admission.connections) == (0, 0)
    hooks: list[Any] = [("error", phase, "Log in first.")]
    if phase == "auth":
        hooks.append(("failed", 4003, "Log in first."))
    assert watched.seen == [*hooks, (4003, "auth", False, None)]


@WAYS
async def test_it_counts_for_the_limits_until_its_end_and_no_longer(
    build: Build, phase: str
) -> None:
    app = build(AuthError("Log in first."), settings(connections=1))
    admission = app.endpoint.admission
    for _ in range(2):
        decision = await app.endpoint.admit(_handshake("json", "contract=x"))
        assert isinstance(decision, Acceptance)
        assert admission.connections == 1
        assert await status(app) == 503
        decision.abandon()
        assert (admission.connections, admission.unauthenticated) == (0, 0)
    async with Raw(app):
        pass
    assert (admission.connections, admission.unauthenticated) == (0, 0)


@WAYS
async def test_a_peer_that_does_not_answer_the_close_is_dropped(build: Build, phase: str) -> None:
    app = build(AuthError("Log in first."))
    transport = Deaf()
    with virtual_clock(app) as clock:
        async with app.running(), create_task_group() as tasks:
            decision = await app.endpoint.admit(_handshake("json", "contract=x"))
            assert isinstance(decision, Acceptance)
            handshake = _handshake("json", "contract=x")
            receiver = app.endpoint.open(handshake, transport, decision, tasks)
            transport.receiver = receiver
            tasks.start_soon(transport.run, receiver)
            await anyio.wait_all_tasks_blocked()
            assert app.endpoint.admission.connections == 1
            clock.advance(Timeouts().close + 1)
            await until(lambda: not app.housekeeping.connections)
    assert app.endpoint.admission.connections == 0


@WAYS
@pytest.mark.parametrize(
    ("query", "outcome"), [("contract=x", "4003"), ("", "401")], ids=["told", "status"]
)
async def test_it_is_counted_as_a_refusal(
    build: Build, phase: str, query: str, outcome: str
) -> None:
    app = build(AuthError("Log in first."))
    app.telemetry.listener = noted = Noted()
    await app.endpoint.admit(_handshake("json", query))
    assert noted.counts == [(Count.REFUSED, 1, {"code": outcome})]
    assert [ended for _, ended in noted.of(Operation.HANDSHAKE)] == [outcome]


async def test_a_refused_contract_is_counted_too() -> None:
    app = talk(Settings(policies=Policies(unknown_contract="refuse")))
    app.telemetry.listener = noted = Noted()
    await app.endpoint.admit(_handshake("json", "contract=x"))
    assert noted.counts == [(Count.REFUSED, 1, {"code": "4010"})]


async def test_the_first_that_refuses_is_told() -> None:
    app = by_hook(Refusal("Not here."), Settings(policies=Policies(unknown_contract="refuse")))

    @app.auth
    async def never(handshake: Handshake) -> None:
        raise AssertionError("the hook has refused")

    answer, ended = await told(app)
    assert (answer["data"]["error"]["message"], ended) == ("Not here.", (4003, "auth"))


async def test_a_drain_that_began_meanwhile_lets_the_client_come_back() -> None:
    app, gate, asked = talk(), Signal(), Signal()

    @app.auth
    async def decide(handshake: Handshake) -> None:
        asked.set()
        await gate.wait()
        raise AuthError("Log in first.")

    async def connect() -> None:
        async with Raw(app) as client:
            assert await client.wait_closed() == (1012, "server restart")

    async with create_task_group() as tasks:
        tasks.start_soon(connect)
        await wait(asked)
        await app.drain(5)
        gate.set()


@WAYS
@BOTH
async def test_the_test_client_raises_the_refusal_itself(
    build: Build, phase: str, codec: CodecName
) -> None:
    app = build(NotPaid("No.", data=Plan(name="gold")))
    with pytest.raises(RequestError) as caught:
        async with TestClient(app, codec=codec, contract=True):
            raise AssertionError("never entered")
    assert (caught.value.code, caught.value.message) == ("not_paid", "No.")
    assert caught.value.data["name"] == "gold"
    with pytest.raises(RequestError, match="403"):
        async with TestClient(app, codec=codec):
            raise AssertionError("never entered")
    assert not app.housekeeping.connections
