"""Probes in the table of an HTTP side."""

from collections.abc import AsyncGenerator

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette

from bytesocket_app import ByteSocket

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["starlette", "fastapi", "attached"])
async def served(
    request: pytest.FixtureRequest,
) -> AsyncGenerator[tuple[ByteSocket, httpx.AsyncClient]]:
    """An application whose probes stand among the routes of an HTTP side."""
    api = Starlette() if request.param == "starlette" else FastAPI()
    app = ByteSocket(title="Probed", http=None if request.param == "attached" else api)
    if request.param == "attached":
        app.attach(api)
    api.router.routes.extend(app.health_routes())
    asgi = api if request.param == "attached" else app
    transport = httpx.ASGITransport(app=asgi)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        yield app, client


async def test_an_http_side_answers_the_probes_and_says_when_it_drains(
    served: tuple[ByteSocket, httpx.AsyncClient],
) -> None:
    app, client = served

    async def said(path: str) -> tuple[int, str]:
        answer = await client.get(path)
        return answer.status_code, answer.text

    draining = [app.is_draining]
    assert [await said(path) for path in ("/health", "/ready")] == [(200, "ok\n")] * 2
    await app.drain(1)
    assert [*draining, app.is_draining] == [False, True]
    assert [await said(path) for path in ("/health", "/ready")] == [
        (200, "ok\n"),
        (503, "draining\n"),
    ]
    assert (await said("/healthy"))[0] == 404


async def test_probes_stand_in_no_openapi_document() -> None:
    api = FastAPI()
    api.router.routes.extend(ByteSocket(title="Probed").health_routes())
    assert api.openapi()["paths"] == {}
