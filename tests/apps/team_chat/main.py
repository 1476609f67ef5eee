"""The application: `uvicorn tests.apps.team_chat.main:api`."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi import FastAPI

from tests.apps.team_chat import accounts, channels, people
from tests.apps.team_chat.chat import chat
from tests.apps.team_chat.chat import http as news
from tests.apps.team_chat.database import Database


@asynccontextmanager
async def lifespan(api: FastAPI) -> AsyncGenerator[None]:
    with TemporaryDirectory() as folder:
        api.state.database = Database(Path(folder, "chat.db"))
        yield


api = FastAPI(title="Team chat", lifespan=lifespan)
for routes in (accounts.http, channels.http, people.http, news):
    api.include_router(routes)
chat.include(channels.sockets)
chat.attach(api, path="/ws")
