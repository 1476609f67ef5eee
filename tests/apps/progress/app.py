"""Jobs in threads, shown to their owner: `bytesocket dev tests.apps.progress.app:app`."""

import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from anyio import create_task_group, from_thread, to_thread

from bytesocket_app import AuthError, ByteSocket, Refusal, Socket
from tests.apps.progress import events
from tests.apps.progress.events import (
    Advanced,
    Cancel,
    Credentials,
    Ended,
    Job,
    Load,
    Mine,
    Outcome,
    Start,
    Started,
)
from tests.apps.progress.jobs import Order, Workshop

THREADS = 2
logger = logging.getLogger("progress")


@dataclass(frozen=True)
class User:
    """Somebody who logged in, in one tab or in several."""

    id: int


class NoSuchJob(Refusal, code="no_such_job"):
    """You have none under this id, or it has ended."""


app = ByteSocket(title="Progress", version="1.0.0", events=events)
feed = app.room("feed", join="server")
workshop = Workshop()


@app.auth(key=lambda user: user.id)
async def log_in(credentials: Credentials) -> User:
    """Let somebody in."""
    if credentials.secret != f"secret {credentials.user_id}":
        raise AuthError("Wrong secret.")
    return User(credentials.user_id)


@app.lifecycle.open
async def subscribe(socket: Socket[User]) -> None:
    """Show every tab how busy the workshop is."""
    await socket.rooms.join(feed.name())


@app.lifespan
async def open_workshop(_: ByteSocket) -> AsyncGenerator[None]:
    """Have threads at work as long as the application lives."""
    async with create_task_group() as threads:
        for _number in range(THREADS):
            threads.start_soon(to_thread.run_sync, workshop.run, do)
        try:
            yield
        finally:
            workshop.close(THREADS)


def do(order: Order) -> None:
    """Do one job, in a thread, and report to every tab of its owner."""
    owner, job = app.user(order.owner), order.job
    outcome: Outcome = "failed"
    try:
        for done in order.work():
            from_thread.run(owner.emit, Advanced(job_id=job.job_id, done=done))
        outcome = "cancelled" if order.cancelled.is_set() else "done"
    except RuntimeError:
        logger.exception("job %s failed", job.job_id)
    job.outcome = outcome
    from_thread.run(owner.emit, Ended(job_id=job.job_id, outcome=outcome))
    from_thread.run(show_load)


@app.on(Start)
def start(socket: Socket[User], event: Start) -> str:
    """Take an order. A plain `def` runs in a thread, where it may wait for what is slow."""
    order = Order(socket.user.id, event)
    from_thread.run(app.user(order.owner).emit, Started(job=order.job))
    workshop.take(order)
    from_thread.run(show_load)
    return order.job.job_id


@app.on(Cancel, raises=(NoSuchJob,))
async def cancel(socket: Socket[User], event: Cancel) -> Job:
    """Stop a job after the step it is at."""
    order = workshop.orders.get(event.job_id)
    if order is None or order.owner != socket.user.id or order.job.outcome is not None:
        raise NoSuchJob(f"You have no job {event.job_id} to cancel.")
    order.cancelled.set()
    return order.job


@app.on(Mine)
async def mine(socket: Socket[User]) -> list[Job]:
    """Tell a new tab what is going on."""
    return workshop.of(socket.user.id)


async def show_load() -> None:
    """Show everybody how busy the workshop is."""
    waiting, running = workshop.load()
    await feed.emit(Load(waiting=waiting, running=running))
