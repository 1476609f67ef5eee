"""The Python sides of the applications: programs that use their generated clients.

They do what the TypeScript ones in `tests/node/uses` do. The type checkers must refuse the lines
that say `# wrong`, and no other.
"""

PROGRAM = """
from collections.abc import Callable
from contextlib import AsyncExitStack
from uuid import UUID

import anyio
from bytesocket_app.client import ClientSettings, ClientState, ErrorContext, RequestError
from document_client import Credentials, DocRoom, DocumentClient, Edit, Edited, Look, Move, Moved
from document_client import OutOfDateError
from progress_client import Advanced, Cancel, Ended, Job, Load, Mine, ProgressClient, Start, Started
from progress_client import Credentials as Login

PLAN = UUID("00000000-0000-4000-8000-000000000001")
DIARY = UUID("00000000-0000-4000-8000-000000000002")
NONE = UUID("00000000-0000-4000-8000-000000000003")


async def document_tab(url: str, tell: Callable[[object], None]) -> None:
    settings = ClientSettings(backoff_base=0.01, backoff_cap=0.05)
    bob = Credentials(name="Bob", secret="b")
    async with (
        DocumentClient(url, auth=bob, settings=settings) as client,
        anyio.create_task_group() as tasks,
    ):
        client.on_error(ignore)
        for doc_id in (DIARY, NONE):
            try:
                await client.join("doc:{doc_id}", doc_id=doc_id).ready
            except RequestError as error:
                tell(error.code)

        plan: DocRoom = client.join("doc:{doc_id}", doc_id=PLAN)
        await plan.ready
        snapshot = await plan.request(Look())
        tell(snapshot.people)
        version = snapshot.version

        def insert() -> Edit:
            return Edit(version=version, start=0, end=0, text="x")

        version = (await plan.request(insert())).version
        try:
            await plan.request(Edit(version=version - 1, start=0, end=0, text="x"))
        except OutOfDateError as error:
            tell(error.data.version)

        @plan.on(Moved)
        def moved(event: Moved) -> None:
            tell({"position": event.position})

        @plan.on(Edited)
        def edited(event: Edited) -> None:
            nonlocal version
            version = event.version
            tell({"version": version})

        lost = anyio.Event()

        @client.on_state
        def changed(state: ClientState) -> None:
            if state == "waiting":
                lost.set()

        tell("ready")
        await lost.wait()
        tell([await plan.emit(Move(position=1)), await plan.emit(insert())])
        await plan.ready
        tell("back")
        await anyio.sleep_forever()


def ignore(context: ErrorContext) -> None:
    assert context.phase  # refusals and lost connections are seen elsewhere


async def wrong_tab(client: DocumentClient, plan: DocRoom) -> None:
    client.join("doc:{doc_id}", doc_id=7)  # wrong: a UUID
    client.join("doc:{id}", doc_id=PLAN)  # wrong: no such room
    await client.emit(Move(position=1))  # wrong: cursors belong into a document
    await client.request(Move(position=1))  # wrong: nor are they requests outside of one
    await plan.emit(Moved(person="Bob", position=1))  # wrong: the server sends it
    Move(position="1")  # wrong: a number


def tab(url: str, user_id: int) -> ProgressClient:
    return ProgressClient(url, auth=Login(user_id=user_id, secret=f"secret {user_id}"))


async def progress_dashboard(url: str, tell: Callable[[object], None]) -> None:
    async with AsyncExitStack() as stack:
        first, second = tab(url, 1), await stack.enter_async_context(tab(url, 1))
        other = await stack.enter_async_context(tab(url, 2))
        strange: list[str] = []
        other.on(Started, lambda _: strange.append("started"))
        other.on(Advanced, lambda _: strange.append("advanced"))
        other.on(Ended, lambda _: strange.append("ended"))
        load = other.events(Load)
        started, advanced = second.events(Started), second.events(Advanced)
        await other.ready
        await second.ready
        async with first:
            job_id = await first.request(Start(title="Count", steps=1_000_000))
            tell((await anext(started)).job.job_id == job_id)
            now = await anext(load)
            tell(now.waiting + now.running)
            report = await anext(advanced)
            tell(report.job_id == job_id and report.done > 0)
        tell((await anext(advanced)).done > report.done)
        jobs: list[Job] = await second.request(Mine())
        tell([[job.title, job.outcome] for job in jobs])
        try:
            await other.request(Cancel(job_id=job_id))
        except RequestError as error:
            tell(error.code)
        ended = second.events(Ended)
        job = await second.request(Cancel(job_id=job_id))
        tell([job.steps, (await anext(ended)).outcome])
        tell(strange)


async def wrong_dashboard(client: ProgressClient) -> None:
    client.join("feed")  # wrong: the server puts everybody into it
    await client.request(Start(steps=1))  # wrong: a job has a title
    await client.request(Started)  # wrong: the server sends it
"""
