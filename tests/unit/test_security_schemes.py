"""FastAPI's security schemes as dependencies of dependencies, unchanged."""

from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Header, HTTPException, Security
from fastapi.security import APIKeyCookie, HTTPBearer, OAuth2PasswordBearer, SecurityScopes
from fastapi.security.http import HTTPAuthorizationCredentials

from bytesocket_app import Socket
from bytesocket_app.errors import RequestError
from bytesocket_app.testing import TestClient
from tests.support.talk import Say, talk

pytestmark = pytest.mark.anyio

KEY = APIKeyCookie(name="session")
BEARER = HTTPBearer()
PASSWORD = OAuth2PasswordBearer(tokenUrl="login")


async def by_key(key: Annotated[str, Depends(KEY)]) -> str:
    return f"cookie {key}"


async def by_bearer(found: Annotated[HTTPAuthorizationCredentials, Depends(BEARER)]) -> str:
    return f"bearer {found.credentials}"


def by_password(token: Annotated[str, Depends(PASSWORD)]) -> str:
    return f"token {token}"


@pytest.mark.parametrize(
    ("scheme", "header", "value", "name"),
    [
        (by_key, "cookie", "session=ann", "cookie ann"),
        (by_bearer, "authorization", "Bearer ann", "bearer ann"),
        (by_password, "authorization", "Bearer ann", "token ann"),
    ],
)
async def test_a_scheme_works_unchanged(scheme: Any, header: str, value: str, name: str) -> None:
    app = talk()
    user = Annotated[str, Depends(scheme)]

    async def authenticate(user: Any) -> str:
        return str(user)

    async def say(socket: Socket[str], user: Any) -> str:
        return f"{socket.user} is {user}"

    authenticate.__annotations__["user"] = say.__annotations__["user"] = user
    app.auth(authenticate)
    app.on(Say)(say)
    FastAPI().get("/me")(authenticate)  # as an HTTP route has it
    async with TestClient(app, headers={header: value}) as client:
        assert await client.request(Say(text=""), str) == f"{name} is {name}"
    with pytest.raises(RequestError) as refused:
        async with TestClient(app):
            raise AssertionError
    assert refused.value.code in {"401", "403"}  # FastAPI's versions differ


async def allowed(
    scopes: SecurityScopes, granted: Annotated[list[str], Header(alias="x-scopes")]
) -> str:
    """As the OAuth2 page of FastAPI's manual has it."""
    if not set(scopes.scopes) <= set(granted):
        raise HTTPException(403, f"This takes {scopes.scope_str}.")
    return scopes.scope_str


async def reader(scope: Annotated[str, Security(allowed, scopes=["read"])]) -> str:
    return scope


async def test_security_scopes_add_up_on_the_way() -> None:
    app, made = talk(), list[str]()

    def once() -> str:
        made.append("once")
        return "shared"

    @app.on(Say)
    async def say(
        read: Annotated[str, Depends(reader)],
        again: Annotated[str, Depends(reader)],
        both: Annotated[str, Security(reader, scopes=["write"])],
        none: Annotated[str, Depends(allowed)],
        one: Annotated[str, Security(once, scopes=["a"])],
        other: Annotated[str, Depends(once)],
    ) -> list[str]:
        return [read, again, both, none, one + other]

    async with TestClient(app, headers={"x-scopes": "read, write"}) as client:
        found = await client.request(Say(text=""), list[str])
        assert found == ["read", "read", "write read", "", "sharedshared"]
    assert made == ["once"]
    async with TestClient(app, headers={"x-scopes": "read"}) as client:
        with pytest.raises(RequestError, match="This takes write read") as refused:
            await client.request(Say(text=""), list[str])
    assert refused.value.code == "forbidden"
