"""An application behind proxies sees the clients, if the proxies are trusted."""

from typing import Any

import pytest

from bytesocket_app.serving.runners.proxied import Proxied
from bytesocket_app.transports.asgi import Receive, Scope, Send

pytestmark = pytest.mark.anyio


async def seen(trusted: str, kind: str, client: Any, **headers: str) -> tuple[Any, str]:
    """Return client and scheme as the application sees them."""
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)

    async def nothing(*_: Any) -> Any:
        raise AssertionError

    scope = {
        "type": kind,
        "scheme": "ws" if kind == "websocket" else "http",
        "client": client,
        "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()],
    }
    await Proxied(app, tuple(trusted.split()))(scope, nothing, nothing)
    (found,) = scopes
    return found["client"], found["scheme"]


@pytest.mark.parametrize(("kind", "secure"), [("http", "https"), ("websocket", "wss")])
async def test_the_nearest_trusted_proxys_word_counts(kind: str, secure: str) -> None:
    said = {"x_forwarded_for": "6.6.6.6, 1.2.3.4, 10.0.0.2", "x_forwarded_proto": "http, HTTPS "}
    assert await seen("10.0.0.0/8", kind, ["10.0.0.1", 9], **said) == (("1.2.3.4", 0), secure)


@pytest.mark.parametrize("client", [["11.0.0.1", 9], ["", 0], None])
async def test_the_word_of_others_is_not_looked_at(client: Any) -> None:
    said = {"x_forwarded_for": "1.2.3.4", "x_forwarded_proto": "https"}
    assert await seen("10.0.0.0/8", "http", client, **said) == (client, "http")


@pytest.mark.parametrize("client", [None, ["", 0]])
async def test_a_proxy_on_a_unix_socket_may_be_trusted(client: Any) -> None:
    assert await seen("unix", "websocket", client, x_forwarded_for="1.2.3.4:5") == (
        ("1.2.3.4", 5),
        "ws",
    )


async def test_what_a_proxy_leaves_out_or_writes_wrongly_changes_nothing() -> None:
    peer = ["10.0.0.1", 9]
    assert await seen("10.0.0.1", "http", peer) == (tuple(peer), "http")
    said = {"x_forwarded_for": "someone", "x_forwarded_proto": "gopher"}
    assert await seen("10.0.0.1", "http", peer, **said) == (tuple(peer), "http")


async def test_the_lifespan_has_no_client() -> None:
    assert await seen("10.0.0.1", "lifespan", None) == (None, "http")


def test_what_is_no_address_is_refused() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None: ...

    with pytest.raises(ValueError, match="'all' does not appear"):
        Proxied(app, ("all",))
