"""An HTTPException of code that HTTP routes and sockets share is a refusal on the socket."""

from collections.abc import Generator
from typing import Annotated, Any

import pytest
from fastapi import Depends, HTTPException
from starlette.exceptions import HTTPException as StarlettesException
from starlette.exceptions import WebSocketException

from bytesocket_app import (
    AuthError,
    ByteSocket,
    CallNext,
    ErrorContext,
    Handshake,
    Message,
    Refusal,
    Socket,
)
from bytesocket_app.errors import RequestError
from bytesocket_app.testing import TestClient
from bytesocket_app.transports.http_errors import HttpError, http_error, http_refusal
from tests.support.asgi import Call, socket_scope
from tests.support.talk import Say, logged, talk

pytestmark = pytest.mark.anyio

CODES = [
    (401, "unauthorized"),
    (403, "forbidden"),
    (404, "not_found"),
    (409, "refused"),
    (429, "refused"),
    (460, "refused"),
    (307, "refused"),
    (500, "internal"),
    (503, "internal"),
]


class TestReading:
    @pytest.mark.parametrize("kind", [HTTPException, StarlettesException])
    @pytest.mark.parametrize(("status", "code"), CODES)
    def test_the_status_gives_the_code(self, kind: Any, status: int, code: str) -> None:
        refusal = http_refusal(kind(status, "Why."))
        if code == "internal":
            assert refusal is None
        else:
            assert refusal is not None
            assert (refusal.code, refusal.message, refusal.data) == (code, "Why.", None)

    def test_what_is_no_text_is_the_data(self) -> None:
        refusal = http_refusal(HTTPException(409, {"version": 7}))
        assert refusal is not None
        assert (refusal.message, refusal.data) == ("Conflict", {"version": 7})
        assert HttpError(460, None).message == "HTTP 460"

    @pytest.mark.parametrize(
        ("error", "expected"),
        [
            (WebSocketException(1008), HttpError(403, "")),
            (WebSocketException(4001, "Not today."), HttpError(403, "Not today.")),
            (WebSocketException(1011), HttpError(500, "")),
            (WebSocketException(1013), HttpError(503, "")),
        ],
    )
    def test_a_close_code_is_read_as_a_status(self, error: Exception, expected: HttpError) -> None:
        assert http_error(error) == expected

    def test_nothing_else_is_one(self) -> None:
        class Upstream(Exception):
            status_code = 404
            detail = "A secret of another server's answer."

        class HTTPException(Exception):
            status_code = "404"
            detail = ""

        for error in (Upstream(), HTTPException(), ValueError("404")):
            assert http_error(error) is None
            assert http_refusal(error) is None


def raising(status: int, detail: Any = "Not you.") -> ByteSocket:
    """An application whose every function asks for a dependency that refuses."""
    app = talk()
    room = app.room("doc:{doc_id}")

    def refuse() -> None:
        raise HTTPException(status, detail)

    @room.guard
    async def guard(doc_id: int, no: Annotated[None, Depends(refuse)]) -> None: ...

    @app.on(Say)
    async def say(no: Annotated[None, Depends(refuse)]) -> None: ...

    return app


class TestAtWork:
    @pytest.mark.parametrize(("status", "code"), CODES)
    async def test_a_request_and_a_join_are_refused_alike(
        self, status: int, code: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with TestClient(raising(status)) as client:
            with pytest.raises(RequestError) as of_request:
                await client.request(Say(text="x"), str)
            with pytest.raises(RequestError) as of_join:
                await client.join("doc:7")
        assert of_request.value.code == of_join.value.code == code
        assert of_request.value.message == of_join.value.message
        assert (of_join.value.message == "Not you.") == (code != "internal")
        assert bool(logged(caplog)) == (code == "internal")

    async def test_without_an_id_the_peer_is_told_too(self) -> None:
        async with TestClient(raising(404)) as client:
            await client.emit(Say(text="x"))
            answer = await client.receive_message()
        assert answer["type"] == 3
        assert answer["data"]["error"] == {"code": "not_found", "message": "Not you."}

    async def test_a_concurrent_handler_refuses_as_any_other(self) -> None:
        app = talk()

        @app.on(Say, concurrent=True)
        def say() -> None:
            raise HTTPException(403, {"need": "admin"})

        async with TestClient(app) as client:
            with pytest.raises(RequestError) as refused:
                await client.request(Say(text="x"), str)
        assert (refused.value.code, refused.value.data) == ("forbidden", {"need": "admin"})

    @pytest.mark.parametrize(("status", "code"), [(403, "forbidden"), (502, "internal")])
    async def test_in_middleware(self, status: int, code: str) -> None:
        app = talk()

        @app.middleware
        async def refuse(socket: Socket, message: Message, call_next: CallNext) -> None:
            raise HTTPException(status)

        @app.on(Say)
        async def say() -> None: ...

        async with TestClient(app) as client:
            with pytest.raises(RequestError) as refused:
                await client.request(Say(text="x"), str)
        assert refused.value.code == code

    async def test_the_transaction_sees_the_exception_itself(self) -> None:
        app, seen = talk(), list[str]()

        def transaction() -> Generator[None]:
            try:
                yield
            except HTTPException as exc:
                seen.append(f"rollback {exc.status_code}")
                raise

        @app.on(Say)
        async def say(session: Annotated[None, Depends(transaction)]) -> None:
            raise HTTPException(404)

        async with TestClient(app) as client:
            with pytest.raises(RequestError, match="Not Found"):
                await client.request(Say(text="x"), str)
        assert seen == ["rollback 404"]


def doors(status: int, *, by_message: bool) -> ByteSocket:
    app = talk()

    async def by_handshake(handshake: Handshake) -> str:
        raise HTTPException(status, "Log in first.")

    async def by_credentials(credentials: str) -> str:
        raise HTTPException(status, "Log in first.")

    app.auth(by_credentials if by_message else by_handshake)
    return app


class TestAuth:
    @pytest.mark.parametrize(
        ("status", "answered"), [(401, 401), (403, 403), (404, 404), (429, 429), (503, 503)]
    )
    async def test_the_handshake_is_answered_with_the_status(
        self, status: int, answered: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        call = Call(doors(status, by_message=False), socket_scope("/ws"))
        call.tell("websocket.connect")
        await call.run()
        assert call.sent[0]["status"] == answered
        assert call.sent[1]["body"] == b"Log in first.\n"
        assert not logged(caplog)

    async def test_a_redirection_to_the_login_page_is_403(self) -> None:
        with pytest.raises(RequestError) as refused:
            async with TestClient(doors(303, by_message=False)):
                raise AssertionError
        assert refused.value.code == "403"

    @pytest.mark.parametrize(
        ("status", "code"), [(401, "unauthorized"), (403, "forbidden"), (500, "internal")]
    )
    async def test_credentials_of_a_message_are_refused_with_the_code(
        self, status: int, code: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        with pytest.raises(RequestError) as refused:
            async with TestClient(doors(status, by_message=True), credentials="x"):
                raise AssertionError
        assert refused.value.code == code
        assert bool(logged(caplog)) == (code == "internal")


class TestUpgrade:
    @pytest.mark.parametrize(
        ("error", "answered", "text"),
        [
            (HTTPException(404, "No such team."), 404, "No such team."),
            (HTTPException(503, "Later."), 503, "Later."),
            (AuthError("Who are you?"), 401, "Who are you?"),
            (Refusal("Not here."), 403, "Not here."),
            (LookupError("a secret"), 403, "The upgrade was refused."),
        ],
    )
    async def test_a_hook_answers_the_handshake(
        self, error: Exception, answered: int, text: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        app, told = talk(), list[BaseException]()

        @app.lifecycle.upgrade
        async def refuse(handshake: Handshake) -> None:
            raise error

        @app.lifecycle.error
        async def tell(context: ErrorContext) -> None:
            told.append(context.error)

        call = Call(app, socket_scope("/ws"))
        call.tell("websocket.connect")
        await call.run()
        assert call.sent[0]["status"] == answered
        assert call.sent[1]["body"].decode() == f"{text}\n"
        assert told == [error]
        # What says no on purpose is no failure; what broke is.
        assert bool(logged(caplog)) == (text == "Later." or isinstance(error, LookupError))
