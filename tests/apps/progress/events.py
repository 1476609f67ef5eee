"""What a dashboard and the jobs behind it tell each other."""

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, Field

from bytesocket_app import ClientEvent, ServerEvent

Outcome: TypeAlias = Literal["done", "cancelled", "failed"]


class Credentials(BaseModel):
    """Who somebody says they are."""

    user_id: int
    secret: str


class Start(ClientEvent, name="job:start"):
    """Start a job; the answer is its id."""

    title: Annotated[str, Field(min_length=1, max_length=80)]
    steps: Annotated[int, Field(ge=1, le=1_000_000)]


class Cancel(ClientEvent, name="job:cancel"):
    """Give a job up; the answer is how far it came."""

    job_id: str


class Mine(ClientEvent, name="job:mine"):
    """Ask for my jobs, as a tab does that has just been opened."""


class Job(BaseModel):
    """A job as its owner sees it."""

    job_id: str
    title: str
    steps: int
    done: int = 0
    outcome: Outcome | None = None


class Started(ServerEvent, name="job:started"):
    """A job of mine was started, in this tab or in another."""

    job: Job


class Advanced(ServerEvent, name="job:advanced", volatile="job_id"):
    """A job of mine got on. Of each job the newest is enough."""

    job_id: str
    done: int


class Ended(ServerEvent, name="job:ended"):
    """A job of mine came to its end."""

    job_id: str
    outcome: Outcome


class Load(ServerEvent, name="feed:load"):
    """How much there is to do for everybody."""

    waiting: int
    running: int
