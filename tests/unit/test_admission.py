"""How many connections are taken, and that each is counted until its end, whatever that is."""

import gc
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import anyio
import pytest
from anyio import CancelScope, create_task_group
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from bytesocket_app import (
    AuthError,
    ByteSocket,
    Handshake,
    Limits,
    Policies,
    Refusal,
    Settings,
    Socket,
)
from bytesocket_app import Timeouts as Seconds
from bytesocket_app.addresses import Client
from bytesocket_app.errors import ConfigurationError, Disconnected
from bytesocket_app.serving.admission import Admission, AdmissionPlace, Full
from bytesocket_app.telemetry import Count
from bytesocket_app.testing import RequestError, TestClient
from bytesocket_app.testing.clock import virtual_clock
from bytesocket_app.transports import Acceptance, Rejection
from tests.support.asgi import Call, socket_scope
from tests.support.listening import Noted
from tests.support.raw_peer import on_picows
from tests.support.talk import DEADLINE, Say, logged, talk, until

ALL = Limits(connections=100, connections_per_address=100, unauthenticated=100)


def limited(**limits: int) -> ByteSocket:
    return talk(Settings(limits=Limits(**limits)))


def with_login(app: ByteSocket) -> ByteSocket:
    """Add authentication by message: the credentials are the user's key, "" is refused."""

    @app.auth(key=str)
    async def login(_: Socket, credentials: str) -> str:
        if not credentials:
            raise AuthError("Who?")
        return credentials

    return app


def with_header(app: ByteSocket) -> ByteSocket:
    """Add authentication by handshake: the header is the user's key, "" is refused."""

    @app.auth(key=str)
    async def login(socket: Socket) -> str:
        if not socket.authorization:
            raise AuthError("Who?")
        return socket.authorization

    return app


async def admit(
    app: ByteSocket, client: Client = ("192.0.2.1", 1), **headers: str
) -> Acceptance | Rejection:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await app.endpoint.admit(
        Handshake("/ws", query="token=s3", headers=named, client=client)
    )


async def accepted(
    app: ByteSocket, client: Client = ("192.0.2.1", 1), **headers: str
) -> Acceptance:
    decision = await admit(app, client, **headers)
    assert isinstance(decision, Acceptance), decision
    return decision


async def refused(app: ByteSocket, client: Client = ("192.0.2.1", 1), **headers: str) -> Full:
    decision = await admit(app, client, **headers)
    assert isinstance(decision, Full), decision
    return decision


def counted(app: ByteSocket) -> tuple[int, int, dict[str, int]]:
    admission = app.endpoint.admission
    return admission.connections, admission.unauthenticated, admission.addresses


NOBODY = (0, 0, dict[str, int]())


@pytest.mark.anyio
class TestLimits:
    async def test_so_many_connections_and_no_more(self) -> None:
        app = limited(connections=2)
        first, _ = await accepted(app), await accepted(app, ("192.0.2.2", 1))
        full = await refused(app, ("192.0.2.3", 1))
        assert (full.status, full.headers) == (503, (("retry-after", "5"),))
        first.abandon()
        await accepted(app)
        assert (await refused(app)).status == 503

    async def test_so_many_from_an_address_and_others_are_served(self) -> None:
        app = limited(connections_per_address=2)
        here: list[Client] = [("2001:db8::1", 1), ("2001:db8::ffff", 2)]
        held = [await accepted(app, client) for client in here]
        full = await refused(app, ("2001:db8:0:0:9::1", 3))
        assert (full.status, full.headers) == (429, (("retry-after", "5"),))
        await accepted(app, ("2001:db8:0:1::1", 4))
        await accepted(app, ("192.0.2.1", 4))
        held[0].abandon()
        await accepted(app, ("2001:db8::1", 5))

    async def test_peers_without_an_address_count_as_one(self) -> None:
        app = limited(connections_per_address=1)
        _held = await accepted(app, None)
        assert (await refused(app, None)).status == 429
        await accepted(app)

    async def test_so_many_wait_for_their_credentials(self) -> None:
        app = with_login(limited(unauthenticated=1))
        async with TestClient(app) as stranger:
            with pytest.raises(RequestError) as caught:
                await TestClient(app).__aenter__()
            assert caught.value.code == "503"
            await stranger.send({"type": 4, "data": "ann"})
            assert await stranger.receive_message() == {"type": 5}
            async with TestClient(app, credentials="bob"), TestClient(app, credentials="bob"):
                assert counted(app)[:2] == (3, 0)

    async def test_who_needs_no_credentials_does_not_wait_for_them(self) -> None:
        for app in (limited(unauthenticated=1), with_header(limited(unauthenticated=1))):
            held = [await accepted(app, authorization="ann") for _ in range(3)]
            assert counted(app)[:2] == (3, 0)
            assert len(held) == 3

    async def test_so_many_handshakes_in_a_second_from_an_address(self) -> None:
        app = limited(handshakes_per_second=2)
        with virtual_clock(app) as clock:
            for _ in range(4):
                (await accepted(app)).abandon()
            full = await refused(app)
            assert (full.status, full.headers) == (429, (("retry-after", "1"),))
            (await accepted(app, ("192.0.2.2", 1))).abandon()
            clock.now += 0.5
            (await accepted(app)).abandon()
            await refused(app)
            clock.now += 60
            for _ in range(4):
                (await accepted(app)).abandon()
            await refused(app)
        assert counted(app) == NOBODY

    async def test_the_address_is_the_clients_behind_a_trusted_proxy(self) -> None:
        policies = Policies(trusted_proxies=("10.0.0.0/8",))
        limits = Limits(connections_per_address=1)
        app = talk(Settings(limits=limits, policies=policies))
        proxy: Client = ("10.0.0.1", 1)
        first = await accepted(app, proxy, x_forwarded_for="192.0.2.1:77, 10.0.0.2")
        assert first.context[0].client == ("192.0.2.1", 77)
        await refused(app, proxy, x_forwarded_for="203.0.113.5, 192.0.2.1")
        await refused(app, ("192.0.2.1", 1), x_forwarded_for="203.0.113.5")
        _second = await accepted(app, proxy, x_forwarded_for="192.0.2.2")
        assert set(counted(app)[2]) == {"192.0.2.1", "192.0.2.2"}

    async def test_a_header_of_a_stranger_is_not_looked_at(self) -> None:
        app = limited(connections_per_address=1)
        first = await accepted(app, x_forwarded_for="203.0.113.5")
        assert first.context[0].client == ("192.0.2.1", 1)
        await refused(app, x_forwarded_for="203.0.113.6")

    async def test_a_refusal_is_counted_and_logged_in_one_line(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = limited(connections_per_address=1)
        app.telemetry.listener = noted = Noted()
        _held = await accepted(app)
        await refused(app, cookie="secret")
        values = {"code": "429", "reason": "connections_per_address"}
        assert (Count.REFUSED, 1, values) in noted.counts
        line = "a handshake from 192.0.2.1 is refused: connections_per_address"
        assert logged(caplog, logging.DEBUG) == [line]

    async def test_no_limit_keeps_no_addresses(self) -> None:
        app = talk()
        held = [await accepted(app, (f"192.0.2.{number}", 1)) for number in range(50)]
        assert counted(app) == (50, 0, {})
        assert len(held) == 50


def everything(**timeouts: float) -> ByteSocket:
    return talk(
        Settings(limits=ALL, timeouts=Seconds(**timeouts)), origins=["https://ours.example"]
    )


async def _origin() -> ByteSocket:
    app = everything()
    assert await admit(app, origin="https://evil.example") == Rejection(
        403, "This origin is not allowed.", (("retry-after", "1"),)
    )
    return app


async def _upgrade_hook(error: BaseException) -> ByteSocket:
    app = everything()

    @app.lifecycle.upgrade
    async def no() -> None:
        raise error

    assert isinstance(await admit(app), Rejection)
    return app


async def _hook_refuses() -> ByteSocket:
    return await _upgrade_hook(Refusal("No."))


async def _hook_fails() -> ByteSocket:
    return await _upgrade_hook(RuntimeError("no"))


async def _gone_during_a_hook() -> ByteSocket:
    app = everything()
    scope = CancelScope()

    @app.lifecycle.upgrade
    async def leave() -> None:
        assert counted(app)[0] == 1
        scope.cancel()
        await anyio.sleep_forever()

    with scope:
        await admit(app)
    assert scope.cancelled_caught
    return app


async def _gone_during_authentication() -> ByteSocket:
    app = everything()
    scope = CancelScope()

    @app.auth
    async def leave(_: Socket) -> str:
        assert counted(app)[0] == 1
        scope.cancel()
        await anyio.sleep_forever()
        return ""

    with scope:
        await admit(app)
    assert counted(app)[0] == 0
    return app


async def _handshake_refused() -> ByteSocket:
    app = with_header(everything())
    assert isinstance(await admit(app), Rejection)
    return app


async def _handshake_late() -> ByteSocket:
    app = everything(auth=0.01)

    @app.auth
    async def wait(_: Socket) -> str:
        await anyio.sleep_forever()
        return ""

    assert isinstance(await admit(app), Rejection)
    return app


async def _abandoned() -> ByteSocket:
    app = with_login(everything())
    decision = await accepted(app)
    assert counted(app) == (1, 1, {"192.0.2.1": 1})
    decision.abandon()
    decision.abandon()
    return app


async def _forgotten() -> ByteSocket:
    app = with_login(everything())
    await accepted(app)
    gc.collect()
    (await accepted(app)).abandon()  # the next handshake takes note
    return app


async def _accept_fails() -> ByteSocket:
    app = with_login(everything())
    call = Call(app, socket_scope())
    call.fails = OSError("the peer is gone")
    call.tell("websocket.connect")
    with pytest.raises(OSError, match="gone"):
        await call.run()
    return app


async def _accept_is_cancelled() -> ByteSocket:
    app = with_login(everything())
    scope = CancelScope()

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(_: Any) -> None:
        assert counted(app)[0] == 1
        scope.cancel()
        await anyio.sleep_forever()

    with scope:
        await app(socket_scope(), receive, send)
    assert scope.cancelled_caught
    return app


async def _asgi_disconnects() -> ByteSocket:
    app = everything()
    call = Call(app, socket_scope())
    call.tell("websocket.connect")
    async with create_task_group() as tasks:
        tasks.start_soon(call.run)
        await call.said("accept")
        assert counted(app) == (1, 0, {"127.0.0.1": 1})
        call.tell("websocket.disconnect", code=1006)
    return app


async def _asgi_is_cancelled() -> ByteSocket:
    app = everything()
    call = Call(app, socket_scope())
    call.tell("websocket.connect")
    async with create_task_group() as tasks:
        tasks.start_soon(call.run)
        await call.said("accept")
        await until(lambda: app.housekeeping.connections)
        tasks.cancel_scope.cancel()
    return app


async def _peer_leaves() -> ByteSocket:
    app = everything()
    async with TestClient(app):
        assert counted(app) == (1, 0, {"testclient": 1})
    return app


async def _server_closes() -> ByteSocket:
    app = everything()
    async with TestClient(app) as client:
        await app.sockets()[0].close(4200, "bye")
        assert await client.wait_closed() == (4200, "bye")
    return app


async def _stranger_leaves() -> ByteSocket:
    app = with_login(everything())
    async with TestClient(app):
        assert counted(app) == (1, 1, {"testclient": 1})
    return app


async def _user_leaves() -> ByteSocket:
    app = with_login(everything())
    async with TestClient(app, credentials="ann"):
        assert counted(app) == (1, 0, {"testclient": 1})
    return app


async def _credentials_refused() -> ByteSocket:
    app = with_login(everything())
    with pytest.raises(RequestError, match="Who"):
        await TestClient(app, credentials="").__aenter__()
    return app


async def _credentials_late() -> ByteSocket:
    app = with_login(everything(auth=5))
    with virtual_clock(app) as clock:
        async with TestClient(app) as client:
            clock.advance(6)
            assert (await client.wait_closed())[0] == 1013
    return app


async def _drained() -> ByteSocket:
    app = with_login(everything())
    async with TestClient(app, credentials="ann"), TestClient(app):
        assert counted(app)[:2] == (2, 1)
        await app.drain(DEADLINE)
        assert isinstance(await admit(app), Rejection)
    return app


async def _handler_breaks_off() -> ByteSocket:
    app = everything()

    @app.on(Say)
    async def say() -> None:
        raise BaseException("not an Exception")  # noqa: TRY002 - the worst that code can do

    async with TestClient(app) as client:
        with pytest.raises(RequestError):
            await client.request(Say(text="hi"))
    return app


async def _contract_refused() -> ByteSocket:
    policies = Policies(without_contract="refuse")
    app = with_login(talk(Settings(limits=ALL, policies=policies)))
    async with TestClient(app, query="contract=0123456789abcdef"):
        pass
    (await accepted(app)).abandon()  # it would be told when it is open
    return app


WAYS: list[Callable[[], Awaitable[ByteSocket]]] = [
    _origin,
    _hook_refuses,
    _hook_fails,
    _gone_during_a_hook,
    _gone_during_authentication,
    _handshake_refused,
    _handshake_late,
    _abandoned,
    _forgotten,
    _accept_fails,
    _accept_is_cancelled,
    _asgi_disconnects,
    _asgi_is_cancelled,
    _peer_leaves,
    _server_closes,
    _stranger_leaves,
    _user_leaves,
    _credentials_refused,
    _credentials_late,
    _drained,
    _handler_breaks_off,
    _contract_refused,
]


@pytest.mark.anyio
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__.strip("_"))
async def test_a_place_is_given_back_whichever_way_a_connection_goes(
    way: Callable[[], Awaitable[ByteSocket]],
) -> None:
    app = await way()
    assert counted(app) == NOBODY
    assert not app.endpoint.admission.forgotten


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_peer_of_picows_that_leaves_during_a_hook_gives_its_place_back() -> None:
    app, waiting = with_login(everything()), list[object]()

    @app.lifecycle.upgrade
    async def wait() -> None:
        waiting.append(None)
        await anyio.sleep_forever()

    async with on_picows(app) as served:
        async with served.visit() as peer:
            await peer.ask()
            await until(lambda: waiting)
            assert counted(app) == (1, 1, {"127.0.0.1": 1})
        await until(lambda: counted(app) == NOBODY)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_peer_of_picows_that_leaves_before_its_answer_gives_its_place_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = with_login(everything())
    admit_it, abandoned = app.endpoint.admit, list[object]()

    async def gone_meanwhile(handshake: Handshake) -> Acceptance | Rejection:
        """Admit a peer, and have it leave in the same moment."""
        decision = await admit_it(handshake)
        assert isinstance(decision, Acceptance)
        await peer.stream.aclose()
        with suppress(anyio.get_cancelled_exc_class()):
            await anyio.sleep_forever()
        abandoned.append(decision)
        return decision

    monkeypatch.setattr(app.endpoint, "admit", gone_meanwhile)
    async with on_picows(app) as served, served.visit() as peer:
        await peer.ask()
        await until(lambda: abandoned)
        await until(lambda: counted(app) == NOBODY)


class Counting(RuleBasedStateMachine):
    """Any connections, that come and go in any way and order, against plain lists of them."""

    places: Bundle[Any] = Bundle("places")

    def __init__(self) -> None:
        super().__init__()
        self.admission = Admission(
            Limits(connections=8, connections_per_address=3, unauthenticated=4)
        )
        self.open: dict[int, str] = {}
        self.waiting = set[int]()

    @rule(target=places, address=st.sampled_from(["a", "b", "c", "d"]), waits=st.booleans())
    def admit(self, address: str, waits: bool) -> Any:
        here = list(self.open.values()).count(address)
        fits = len(self.open) < 8 and here < 3 and not (waits and len(self.waiting) >= 4)
        decision = self.admission.admit((address, 1), 0.0, waits=waits)
        assert isinstance(decision, AdmissionPlace) == fits, decision
        if isinstance(decision, Full):
            return decision
        self.open[id(decision)] = address
        if waits:
            self.waiting.add(id(decision))
        return decision

    @rule(place=places)
    def authenticate(self, place: Any) -> None:
        if isinstance(place, AdmissionPlace):
            place.authenticated()
            self.waiting.discard(id(place))

    @rule(place=places)
    def end(self, place: Any) -> None:
        if isinstance(place, AdmissionPlace):
            place.give_back()
            self.open.pop(id(place), None)
            self.waiting.discard(id(place))

    @invariant()
    def counts_are_those_of_the_open_ones(self) -> None:
        assert self.admission.connections == len(self.open)
        assert self.admission.unauthenticated == len(self.waiting)
        assert self.admission.addresses == Counter(self.open.values())


TestCounting = Counting.TestCase


def test_a_place_that_nobody_gives_back_is_free_at_the_next_handshake() -> None:
    admission = Admission(Limits(connections=1, unauthenticated=1))
    place = admission.admit(None, 0.0, waits=True)
    assert isinstance(admission.admit(None, 0.0, waits=True), Full)
    del place
    gc.collect()
    place = admission.admit(None, 0.0, waits=True)
    assert isinstance(place, AdmissionPlace)
    assert (admission.connections, admission.unauthenticated) == (1, 1)


def test_strangers_cannot_grow_the_table_of_handshakes() -> None:
    admission = Admission(Limits(handshakes_per_second=1, connections_per_address=1))
    for number in range(50_000):
        place = admission.admit((f"2001:db8:{number:x}::", 1), 0.0, waits=False)
        assert isinstance(place, AdmissionPlace)
        place.give_back()
    assert admission.handshakes == 16_384
    assert admission.addresses == {}


@pytest.mark.anyio
class TestUsers:
    def app(self, most: int, policy: Any = "refuse", **more: Any) -> ByteSocket:
        settings = Settings(
            limits=Limits(connections_per_user=most),
            policies=Policies(connections_per_user=policy),
            **more,
        )
        return talk(settings, serialization="json")

    async def test_a_user_beyond_the_limit_is_to_come_back(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        app, failures = with_login(self.app(2)), list[object]()
        app.telemetry.listener = noted = Noted()

        @app.lifecycle.auth_error
        async def failed() -> None:
            failures.append(None)

        one, two = (TestClient(app, "ann", codec="json") for _ in range(2))
        async with one, two:
            async with TestClient(app, codec="json") as third:
                await third.send({"type": 4, "data": "ann"})
                assert await third.wait_closed() == (1013, "too many connections")
                with pytest.raises(Disconnected):
                    await third.receive_message()
            async with TestClient(app, "bob", codec="json"):
                assert len(app.sockets()) == 3
            await two.close()
            async with TestClient(app, "ann", codec="json"):
                assert app.memberships.users.count("ann") == 2
        assert failures == []
        (refusal,) = noted.counts
        assert [line for line in logged(caplog, logging.INFO) if "refused" in line] == [
            f"refused for now: connections_per_user of user 'ann', <socket {refusal[2]['socket']}>"
        ]
        assert refusal[0] is Count.REFUSED
        assert refusal[2]["code"] == "too_many_connections"

    async def test_a_handshake_beyond_the_limit_is_429(self) -> None:
        app = with_header(self.app(1))
        ann = {"authorization": "ann"}
        async with TestClient(app, headers=ann, codec="json") as first:
            full = await refused(app, authorization="ann")
            assert (full.status, full.reached) == (429, "connections_per_user")
            assert full.headers == (("retry-after", "5"),)
            (await accepted(app, authorization="bob")).abandon()
            await first.close()
            async with TestClient(app, headers=ann, codec="json"):
                assert app.memberships.users.count("ann") == 1
        assert counted(app) == NOBODY

    async def test_of_many_handshakes_at_once_no_more_than_the_limit_stay(self) -> None:
        app, opened = with_header(self.app(2)), list[str]()
        gate, waiting = anyio.Event(), list[object]()

        @app.lifecycle.upgrade
        async def wait() -> None:
            waiting.append(None)
            await gate.wait()

        @app.lifecycle.open
        async def note(socket: Socket) -> None:
            opened.append(socket.id)

        ends = Counter[int]()
        done = anyio.Event()

        async def connect() -> None:
            try:
                async with TestClient(app, headers={"authorization": "ann"}, codec="json") as one:
                    if one.closed is None:
                        await done.wait()
                    ends[one.closed[0] if one.closed else 0] += 1
            except RequestError as error:
                ends[int(error.code)] += 1

        async with create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(connect)
            await until(lambda: len(waiting) == 10)
            gate.set()
            await until(lambda: ends.total() == 8)
            assert app.memberships.users.count("ann") == 2
            done.set()
        assert len(opened) == 2
        assert ends[0] == 2
        assert ends[1013] + ends[429] == 8
        assert counted(app) == NOBODY

    @pytest.mark.parametrize("decides", [with_login, with_header])
    async def test_the_oldest_makes_room(self, decides: Callable[[ByteSocket], ByteSocket]) -> None:
        app, closed = decides(self.app(2, "close_oldest")), list[tuple[int, str]]()

        @app.lifecycle.close
        async def note(code: int, reason: str) -> None:
            closed.append((code, reason))

        def ann() -> TestClient:
            by_message = decides is with_login
            return TestClient(
                app,
                "ann" if by_message else None,
                headers={} if by_message else {"authorization": "ann"},
                codec="json",
            )

        async with ann() as oldest, ann() as older, ann() as newest:
            assert await oldest.wait_closed() == (4003, "replaced")
            told = await oldest.receive_message()
            assert (told["type"], told["data"]["code"]) == (6, 4003)
            assert told["data"]["error"]["code"] == "replaced"
            assert older.closed is newest.closed is None
            assert app.memberships.users.count("ann") == 2
            await until(lambda: closed)
            assert closed == [(4003, "replaced")]
        assert counted(app) == NOBODY

    async def test_a_limit_for_users_that_nothing_tells_apart_is_refused(self) -> None:
        app = self.app(1)

        @app.auth
        async def login(_: Socket, credentials: str) -> str:
            raise NotImplementedError

        with pytest.raises(
            ConfigurationError, match=r"^Limits\(connections_per_user=1\) needs.*app\.auth\(key="
        ):
            async with TestClient(app, "ann", codec="json"):
                pass


@pytest.mark.anyio
class TestRooms:
    async def test_a_join_that_would_make_one_room_too_many_is_refused(self) -> None:
        app = limited(rooms=2)
        app.room("room:{name}")
        async with TestClient(app) as one, TestClient(app) as two:
            await one.join("room:a")
            await one.join("room:b")
            with pytest.raises(RequestError) as caught:
                await one.join("room:c")
            assert caught.value.code == "too_many_rooms"
            await two.join("room:a")
            await two.join("room:b")
            await one.leave("room:a")
            with pytest.raises(RequestError):
                await two.join("room:c")  # somebody is in it yet
            await two.leave("room:a")
            await two.join("room:c")

    async def test_a_bulk_join_is_refused_as_a_whole(self) -> None:
        app = limited(rooms=2)
        app.room("room:{name}")
        async with TestClient(app, codec="json") as client:
            await client.join("room:a")
            await client.send({"type": 15, "rooms": ["room:a", "room:b", "room:c"]})
            answer = await client.receive_message()
            assert answer["type"] == 17
            assert answer["data"]["error"]["code"] == "too_many_rooms"
            assert len(app.memberships.index) == 2  # with the one of all sockets
            await client.send({"type": 15, "rooms": ["room:a", "room:b"]})
            assert (await client.receive_message())["type"] == 16

    async def test_joins_that_wait_for_their_guards_are_counted_when_they_are_done(self) -> None:
        app, waiting, gate = limited(rooms=1), list[object](), anyio.Event()
        room = app.room("room:{name}")

        @room.guard
        async def guard() -> None:
            waiting.append(None)
            await gate.wait()

        outcomes = Counter[str]()

        async def join(client: TestClient, name: str) -> None:
            try:
                await client.join(name)
            except RequestError as error:
                outcomes[error.code] += 1
            else:
                outcomes["joined"] += 1

        async with TestClient(app) as one, TestClient(app) as two, create_task_group() as tasks:
            tasks.start_soon(join, one, "room:a")
            tasks.start_soon(join, two, "room:b")
            await until(lambda: len(waiting) == 2)
            gate.set()
            await until(lambda: outcomes.total() == 2)
        assert outcomes == {"joined": 1, "too_many_rooms": 1}

    async def test_the_servers_own_code_has_no_limit(self) -> None:
        app = limited(rooms=1)
        for name in "abc":
            app.room(f"own:{name}")
        async with TestClient(app) as client:
            (socket,) = app.sockets()
            for name in ("own:a", "own:b", "own:c"):
                await socket.rooms.join(name)
            assert len(socket.rooms.list()) == 3
            assert client.closed is None
