"""`handshake.state`: what an upgrade hook leaves there is in `socket.state`."""

from typing import Annotated, Any

import pytest
from fastapi import Depends
from starlette.requests import HTTPConnection

from bytesocket_app import AuthError, ByteSocket, Handshake, Refusal, Socket
from bytesocket_app.testing import RequestError, TestClient
from bytesocket_app.transports import Acceptance
from tests.support.talk import Say, talk

pytestmark = pytest.mark.anyio


def tenants() -> ByteSocket:
    """An application whose upgrade hook finds the tenant of a host, or refuses."""
    app = talk()

    @app.lifecycle.upgrade
    async def find_tenant(handshake: Handshake) -> None:
        name, _, rest = handshake.headers.get("host", "").partition(".")
        if not rest:
            raise Refusal("Nobody lives here.")
        handshake.state["tenant"] = name

    return app


async def test_what_an_upgrade_hook_leaves_is_on_the_socket_from_its_first_hook_on() -> None:
    app, seen = tenants(), list[Any]()

    @app.lifecycle.open
    async def opened(socket: Socket) -> None:
        seen.append(socket.state["tenant"])
        assert socket.state is socket.handshake.state

    @app.on(Say)
    async def say(socket: Socket, event: Say) -> str:
        tenant: str = socket.state["tenant"]
        return f"{tenant}: {event.text}"

    async with TestClient(app, headers={"host": "acme.example.org"}) as client:
        assert await client.request(Say(text="hi"), str) == "acme: hi"
    assert seen == ["acme"]


async def test_authentication_from_the_handshake_reads_and_adds_to_it() -> None:
    app = tenants()

    @app.auth
    async def authenticate(handshake: Handshake) -> str:
        if handshake.state["tenant"] == "mallory":
            raise AuthError("Not you.")
        handshake.state["plan"] = "gold"
        user: str = handshake.state["tenant"]
        return user

    async with TestClient(app, headers={"host": "acme.example.org"}):
        (socket,) = app.sockets()
        assert (socket.user, socket.state) == ("acme", {"tenant": "acme", "plan": "gold"})
    with pytest.raises(RequestError):
        async with TestClient(app, headers={"host": "mallory.example.org"}):
            raise AssertionError("it must not open")


async def test_dependencies_read_it_from_the_handshake_and_from_starlettes_connection() -> None:
    app = tenants()

    async def typed(handshake: Handshake) -> str:
        tenant: str = handshake.state["tenant"]
        return tenant

    async def shared(connection: HTTPConnection) -> str:
        tenant: str = connection.state.tenant
        return tenant

    @app.on(Say)
    async def say(
        event: Say, ours: Annotated[str, Depends(typed)], theirs: Annotated[str, Depends(shared)]
    ) -> list[str]:
        return [ours, theirs]

    async with TestClient(app, headers={"host": "acme.example.org"}) as client:
        assert await client.request(Say(text="hi"), list[str]) == ["acme", "acme"]


async def test_beside_what_the_server_and_middleware_keep_in_a_scope() -> None:
    async def shared(connection: HTTPConnection) -> list[Any]:
        connection.state.seen = True
        return [connection.state.database, connection.state.tenant, connection["session"]]

    app = tenants()

    @app.on(Say)
    async def say(socket: Socket, found: Annotated[list[Any], Depends(shared)]) -> list[Any]:
        assert socket.state == {"tenant": "acme"}
        return found

    scope = {"type": "websocket", "state": {"database": "db"}, "session": 7, "path": "/ws"}
    handshake = Handshake("/ws", headers={"host": "acme.example.org"}, native=scope)
    accepted = await app.endpoint.admit(handshake)
    assert isinstance(accepted, Acceptance)
    socket: Socket = accepted.context[0]
    (handler,) = app._handlers.all()  # pyright: ignore[reportPrivateUsage]
    found = await handler.bound.invoke(socket, Say(text="x"), None, app)
    accepted.abandon()
    assert found == ["db", "acme", 7]
    assert scope["state"] == {"database": "db", "seen": True}


async def test_each_connection_has_notes_of_its_own_though_an_adaptor_uses_a_handshake_twice() -> (
    None
):
    app = talk()
    once = Handshake("/ws", state={"adaptor": "mine"})
    found: list[Socket] = []
    for _ in range(2):
        accepted = await app.endpoint.admit(once)
        assert isinstance(accepted, Acceptance)
        found.append(accepted.context[0])
        accepted.abandon()
    found[0].state["x"] = 1
    assert (found[1].state, once.state) == ({"adaptor": "mine"}, {"adaptor": "mine"})


def test_it_shows_in_no_text_and_makes_no_two_handshakes_different() -> None:
    one, other = Handshake("/ws", state={"token": "secret"}), Handshake("/ws")
    assert "secret" not in repr(one)
    assert one == other
