"""An authentication function decides from the handshake, or from the client's credentials."""

from typing import Any

import pytest
from pydantic import BaseModel

from bytesocket_app import AuthError, ByteSocket, ConfigurationError, Handshake, Socket
from bytesocket_app.declarations.auth import Authenticator
from bytesocket_app.dispatch.authentication import ask

pytestmark = pytest.mark.anyio


class Credentials(BaseModel):
    token: str
    device: int = 0


class Connection:
    """All that `ask` needs of a socket."""

    handshake = Handshake("/ws", query="token=t")


SOCKET: Any = Connection()


async def from_message(socket: Socket, credentials: Credentials) -> str:
    return credentials.token


async def from_handshake(handshake: Handshake) -> str:
    return handshake.query


async def test_a_credentials_parameter_waits_for_the_message() -> None:
    authenticator = Authenticator(from_message)
    assert authenticator.credentials is not None
    assert authenticator.credentials.annotation is Credentials
    assert await ask(authenticator, SOCKET, {"token": "t"}, "json") == "t"


async def test_without_credentials_the_handshake_decides() -> None:
    authenticator = Authenticator(from_handshake)
    assert authenticator.credentials is None
    assert await ask(authenticator, SOCKET, {"ignored": 1}, "json") == "token=t"


@pytest.mark.parametrize("codec", ["json", "binary"])
async def test_credentials_of_the_wrong_shape_are_refused_in_words(codec: Any) -> None:
    authenticator = Authenticator(from_message)
    with pytest.raises(AuthError) as caught:
        await ask(authenticator, SOCKET, {"device": "secret"}, codec)
    assert caught.value.message == (
        "The credentials cannot be read: token: Field required; device: Input should be a valid "
        "integer, unable to parse string as an integer"
    )
    assert "secret" not in caught.value.message


async def test_credentials_that_are_no_object_are_called_credentials() -> None:
    with pytest.raises(AuthError, match="cannot be read: credentials: Input should be a valid"):
        await ask(Authenticator(from_message), SOCKET, None, "json")


async def test_credentials_may_be_of_any_type() -> None:
    async def one(credentials: str | None) -> Any:
        return credentials

    def bare(socket: Any, token: Any) -> Any:
        return token

    assert await ask(Authenticator(one), SOCKET, None, "json") is None
    bare.__annotations__.clear()  # as those write it who use no checker
    assert await ask(Authenticator(bare), SOCKET, {"any": 1}, "json") == {"any": 1}


async def test_a_plain_function_and_its_refusal_work_alike() -> None:
    def refuse(socket: Socket, credentials: Credentials) -> None:
        raise AuthError("Who are you?")

    with pytest.raises(AuthError, match="Who are you"):
        await ask(Authenticator(refuse), SOCKET, {"token": "t"}, "json")


def in_no_way(user: object, device: object) -> int:
    raise NotImplementedError


def test_the_key_is_kept() -> None:
    assert Authenticator(from_message, str).key is str
    assert Authenticator(from_message).key is None


@pytest.mark.parametrize("key", ["id", 3, in_no_way, lambda: 3])
def test_a_key_that_is_no_function_of_a_user_is_refused_at_once(key: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"key=.* cannot tell users apart") as caught:
        ByteSocket(title="Talk").auth(key=key)(from_handshake)
    assert f"{__file__}:" in str(caught.value)


def refused(function: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        Authenticator(function)
    return str(caught.value)


def test_credentials_without_validator_are_refused_at_once() -> None:
    async def with_app(socket: Socket, app: ByteSocket) -> None:
        raise NotImplementedError

    message = refused(with_app)
    assert f"{__file__}:{with_app.__code__.co_firstlineno}" in message
    assert "credentials cannot be ByteSocket" in message
    assert "the application is `socket.app`" in message


def test_an_unknown_parameter_is_refused_with_what_there_is() -> None:
    def function(wat: Any) -> None:
        raise NotImplementedError

    function.__annotations__.clear()
    message = refused(function)
    assert (
        "an authentication function: nothing serves the parameter `wat (no annotation)`" in message
    )
    assert "the client's credentials" in message


def test_two_credentials_are_refused() -> None:
    async def function(one: Credentials, other: Credentials) -> None:
        raise NotImplementedError

    assert "a second parameter for the client's credentials" in refused(function)
