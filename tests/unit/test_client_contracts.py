"""Contracts that clients name: seen on the socket, compared, logged once, refused by policy."""

import logging
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from anyio import create_task_group

from bytesocket_app import ByteSocket, ConfigurationError, Policies, Settings, Socket
from bytesocket_app.logs import restraint
from bytesocket_app.serving.contracts import MAX_STRANGERS
from bytesocket_app.testing import TestClient
from bytesocket_app.transports import Acceptance, Handshake
from tests.support.talk import Said, Say, logged, talk

pytestmark = pytest.mark.anyio

STRANGER = "0123456789abcdef" * 4
OTHER = "fedcba9876543210" * 4


def strict(**more: Any) -> ByteSocket:
    """An application that takes its own clients only, and what is listed."""
    return talk(Settings(policies=Policies(unknown_contract="refuse", **more)))


async def admit(app: ByteSocket, query: str) -> Socket:
    decision = await app.endpoint.admit(Handshake("/ws", query=query))
    assert isinstance(decision, Acceptance)
    socket: Socket = decision.context[0]
    return socket


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return logged(caplog, logging.WARNING)


class TestTheSocketKnowsIt:
    @pytest.mark.parametrize(
        ("query", "contract"),
        [
            ("", None),
            ("token=x", None),
            ("contract=", None),
            (f"contract={STRANGER}", STRANGER),
            (f"a=1&contract={STRANGER}&b=2", STRANGER),
            (f"contract={OTHER}&contract={STRANGER}", STRANGER),
            ("contract=%00%ff", "\0\ufffd"),
            ("my_contract=1", None),
            ("contract=" + "0" * 10_000, "0" * 256),
        ],
    )
    async def test_as_the_query_says(self, query: str, contract: str | None) -> None:
        assert (await admit(talk(), query)).contract == contract

    async def test_handlers_see_it(self) -> None:
        app = talk()

        @app.on(Say)
        async def say(socket: Socket) -> str | None:
            return socket.contract

        async with TestClient(app, query=f"contract={STRANGER}") as client:
            assert await client.request(Say(text="?"), str) == STRANGER


class TestStrangersAreLogged:
    async def test_once_each(self, caplog: pytest.LogCaptureFixture) -> None:
        app = talk()
        own = app.contract().fingerprint
        for contract in (STRANGER, own, STRANGER, OTHER, OTHER):
            await admit(app, f"contract={contract}")
        assert warnings(caplog) == [
            f"a client of contract '{one[:16]}' is accepted; ours is {own[:16]}"
            for one in (STRANGER, OTHER)
        ]

    async def test_a_listed_one_is_none(self, caplog: pytest.LogCaptureFixture) -> None:
        app = strict(contracts=(STRANGER, OTHER[:16]))
        await admit(app, f"contract={STRANGER}")
        await admit(app, f"contract={OTHER}")
        assert warnings(caplog) == []

    async def test_no_more_of_them_than_memory_and_log_can_take(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(restraint, "clock", count().__next__)  # a second for each line
        app = talk()
        for number in range(10 * MAX_STRANGERS):
            await admit(app, f"contract={number:016x}{number:048x}")
        assert len(warnings(caplog)) == MAX_STRANGERS + 1
        assert warnings(caplog)[-1] == "further contracts of clients are not logged"

    async def test_a_line_of_the_clients_making_does_not_get_into_the_log(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        await admit(talk(), "contract=%0aERROR%20all%20is%20lost")
        assert "contract of no known form is accepted" in warnings(caplog)[0]


class TestTheApplicationsOwn:
    async def test_is_not_built_for_clients_that_name_none(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app = talk()
        monkeypatch.setattr(app, "contract", _forbidden)
        await admit(app, "")

    async def test_is_built_once_however_many_come_at_once(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app = talk()
        built: list[str] = []
        contract = app.contract

        def count() -> Any:
            built.append("once")
            return contract()

        monkeypatch.setattr(app, "contract", count)
        async with create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(admit, app, f"contract={STRANGER}")
        assert built == ["once"]

    @pytest.mark.parametrize("app", [talk, strict])
    async def test_may_be_impossible_and_no_client_suffers(
        self, app: Callable[[], ByteSocket], caplog: pytest.LogCaptureFixture
    ) -> None:
        made = app()

        @made.on("call")
        async def call(data: Callable[[], int]) -> None:
            """Take what JSON has no word for."""

        for _ in range(3):
            assert (await admit(made, f"contract={STRANGER}")).is_authenticated
        (only,) = warnings(caplog)
        assert only.startswith("clients' contracts are not compared: The payload of event 'call'")

    async def test_a_defect_of_ours_is_logged_with_its_traceback(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app = talk()
        monkeypatch.setattr(app, "contract", _forbidden)
        assert (await admit(app, f"contract={STRANGER}")).is_authenticated
        assert caplog.records[0].exc_info is not None


class TestRefusal:
    async def test_says_why_and_closes_for_good(self, caplog: pytest.LogCaptureFixture) -> None:
        app = strict()
        own = app.contract().fingerprint
        seen: list[object] = []

        @app.lifecycle.open
        async def opened() -> None:
            seen.append("open")

        @app.lifecycle.close
        async def closed(socket: Socket, code: int) -> None:
            seen.append(code)

        async with TestClient(app, query=f"contract={STRANGER}") as client:
            await client.emit(Say(text="hi"))
            answer = await client.receive_message()
            assert await client.wait_closed() == (4010, "unknown contract")
        assert answer == {
            "type": 6,
            "data": {
                "phase": "onUpgrade",
                "error": {
                    "code": "unknown_contract",
                    "message": (
                        "This client was made for contract 0123456789abcdef, and the server has "
                        f"{own[:16]}: reload the page, or update the client."
                    ),
                },
                "code": 4010,
            },
        }
        assert seen == [4010]
        assert warnings(caplog) == [
            f"a client of contract '0123456789abcdef' is refused; ours is {own[:16]}"
        ]

    async def test_comes_before_authentication(self) -> None:
        app = strict()

        @app.auth
        async def authenticate(socket: Socket) -> str:
            raise AssertionError(f"{socket} should not get here")

        async with TestClient(app, query=f"contract={STRANGER}") as client:
            assert await client.wait_closed() == (4010, "unknown contract")

    async def test_does_not_concern_the_applications_own_clients(self) -> None:
        app = strict()
        async with TestClient(app, query=f"contract={app.contract().fingerprint}") as client:
            await app.sockets()[0].emit(Said(text="hi"))
            assert await client.receive(Said) == Said(text="hi")

    async def test_does_not_concern_clients_that_name_none(self) -> None:
        assert (await admit(strict(), "")).is_authenticated

    async def test_of_clients_that_name_none_is_a_policy_of_its_own(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = talk(Settings(policies=Policies(without_contract="refuse")))
        for _ in range(2):
            assert not (await admit(app, "token=x")).is_authenticated
        assert warnings(caplog) == ["a client that names no contract is refused"]
        assert (await admit(app, f"contract={STRANGER}")).is_authenticated

    async def test_never_concerns_a_test_client(self) -> None:
        app = strict(without_contract="refuse")
        async with TestClient(app, query="token=x") as client:
            (socket,) = app.sockets()
            assert socket.contract == app.contract().fingerprint
            await socket.emit(Said(text="hi"))
            assert await client.receive(Said) == Said(text="hi")


@pytest.mark.parametrize(
    "contracts", [STRANGER, [STRANGER], ("0123",), (STRANGER.upper(),), (STRANGER + "0",), (7,)]
)
async def test_what_is_no_fingerprint_cannot_be_listed(contracts: Any) -> None:
    with pytest.raises(ConfigurationError, match="use a tuple of fingerprints, 16 to 64 hex"):
        Policies(contracts=contracts)


def _forbidden() -> Any:
    raise LookupError("no contract")
