"""Headers that a user gives: each is sent once, or refused by name."""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from bytesocket_app.client import ClientSettings, DynamicClient, ErrorContext
from bytesocket_app.errors import ConfigurationError
from tests.support.scripted_server import ScriptedServer

pytestmark = pytest.mark.anyio

DEADLINE = 30.0
FAST = ClientSettings(backoff_base=0.02, backoff_cap=0.05, close_timeout=2)

REPLACED = ["Host", "Authorization", "User-Agent", "Origin", "X-Own"]
FORBIDDEN = [
    "Connection",
    "Upgrade",
    "Sec-WebSocket-Key",
    "sec-websocket-version",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Anything",
    "Content-Length",
    "Transfer-Encoding",
]


async def sent(given: Any) -> Any:
    """The headers of a handshake."""
    with ScriptedServer() as server, anyio.fail_after(DEADLINE):
        url = server.url.replace("//", "//ann:pass@")
        async with DynamicClient(url, headers=given, settings=FAST) as chat:
            await chat.ready
        return server.headers[0]


@pytest.mark.parametrize("write", [str, str.lower, str.upper])
@pytest.mark.parametrize("name", REPLACED)
async def test_a_given_header_replaces_that_of_the_handshake(
    name: str, write: Callable[[str], str]
) -> None:
    def make() -> dict[str, str]:
        return {write(name): "given"}

    for given in (make(), make):
        headers = await sent(given)
        assert headers.get_all(name) == ["given"]


async def test_the_handshakes_own_headers_are_sent_once() -> None:
    headers = await sent({"x-a": "1", "X-A": "2"})
    counts = {name: len(headers.get_all(name)) for name in headers}
    assert set(counts.values()) == {1}
    assert headers["Authorization"].startswith("Basic ")


@pytest.mark.parametrize("name", FORBIDDEN)
async def test_a_header_that_makes_the_handshake_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} is made by the handshake") as at_once:
        DynamicClient("ws://127.0.0.1:1/", headers={name: "x"})
    assert ("subprotocols=" in str(at_once.value)) == (name == "Sec-WebSocket-Protocol")


async def given_later(headers: Any) -> tuple[ConfigurationError, list[ErrorContext]]:
    """What a client ends with whose function returns these headers."""

    def make() -> Any:
        return headers

    errors = list[ErrorContext]()
    with ScriptedServer() as server, anyio.fail_after(DEADLINE):
        async with DynamicClient(server.url, headers=make, settings=FAST) as chat:
            chat.on_error(errors.append)
            with pytest.raises(ConfigurationError) as refused:
                await chat.ready
            assert chat.ended is refused.value
        assert server.paths == []
    return refused.value, errors


WRONG: list[tuple[Any, str]] = [
    ({"Upgrade": "x"}, "Upgrade is made by"),
    ({"X-A": "secret\r\nX-B: 1"}, "X-A has a character"),
    ({"X-A": "secret\u20ac"}, "X-A has a character"),
    ({"X-A": None}, "X-A is a text, not NoneType"),
    ({"X-A": 5}, "X-A is a text, not int"),
    ({"X A": "secret"}, "'X A' is no name"),
    ({"": "secret"}, "'' is no name"),
    ({1: "secret"}, "1 is no name"),
    ([("X-A", "secret")], "not list"),
]


@pytest.mark.parametrize(("headers", "words"), WRONG)
async def test_headers_that_cannot_be_sent_are_refused_and_their_text_is_not_told(
    headers: Any, words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words) as at_once:
        DynamicClient("ws://127.0.0.1:1/", headers=headers)
    later, errors = await given_later(headers)
    assert str(later) == str(at_once.value)
    assert "secret" not in str(later)
    assert [each.error for each in errors] == [later]


async def test_a_function_that_returns_none_adds_none() -> None:
    def make() -> Any:
        return None

    async def later() -> Any:
        return None

    makers: list[Callable[[], Any] | Callable[[], Awaitable[Any]]] = [make, later]
    for given in makers:
        assert "X-A" not in await sent(given)
