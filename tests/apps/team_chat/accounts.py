"""Who is there: login by HTTP, and the two dependencies that routes and handlers share."""

from collections.abc import Generator
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Response
from pydantic import BaseModel
from starlette.requests import HTTPConnection

from tests.apps.team_chat.database import Database, Person, Session

http = APIRouter()


def get_session(connection: HTTPConnection) -> Generator[Session]:
    """A transaction for one request, or for one message."""
    database: Database = connection.app.state.database
    with database.begin() as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session, scope="function")]


def current_user(connection: HTTPConnection, session: SessionDep) -> Person:
    """The person behind the session cookie, or behind the bearer token."""
    scheme, _, bearer = connection.headers.get("authorization", "").partition(" ")
    token = bearer if scheme.lower() == "bearer" else connection.cookies.get("session", "")
    person = session.logged_in(token)
    if person is None:
        raise HTTPException(401, "Log in first.")
    return person


CurrentUser = Annotated[Person, Depends(current_user)]


def somebody(name: str, session: SessionDep) -> Person:
    """The person that a path names."""
    person = session.person(name=name)
    if person is None:
        raise HTTPException(404, f"Nobody is called {name}.")
    return person


Somebody = Annotated[Person, Depends(somebody)]


class Login(BaseModel):
    name: str
    password: str


@http.post("/login")
def log_in(login: Login, session: SessionDep, response: Response) -> str:
    person = session.person(name=login.name, password=login.password)
    if person is None:
        raise HTTPException(401, "This is not the password.")
    token = session.log_in(person)
    response.set_cookie("session", token, httponly=True)
    return token


@http.get("/me")
def me(user: CurrentUser) -> Person:
    return user
