"""The application's link to its other processes, for as long as it runs."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from anyio import (
    TASK_STATUS_IGNORED,
    CancelScope,
    Lock,
    create_task_group,
    current_time,
    fail_after,
    sleep,
)
from anyio.abc import TaskGroup, TaskStatus

from bytesocket_app.cluster import Node
from bytesocket_app.delivery.elsewhere import Elsewhere
from bytesocket_app.delivery.hub import Hub
from bytesocket_app.delivery.memberships import Memberships
from bytesocket_app.delivery.presence import PresenceKeeper
from bytesocket_app.delivery.presence_link import PresenceLink
from bytesocket_app.engines import Engine, EngineAddress
from bytesocket_app.engines.make import make_engine
from bytesocket_app.errors import ConfigurationError, EngineError
from bytesocket_app.lifecycle.failures import leaf

SWEEP: Final = 0.5
"""Seconds between two looks for channels that nobody needs any more."""


class Cluster:
    """Link of one application to its other processes.

    It is up once for all who need it at the same time: a server's lifespan, `app.running()`, every
    `TestClient`. If the one in whose task group it runs leaves, another lends its own.

    Args:
        engine: An engine, or the address of one.
        namespace: What the application's channels are told apart by.
        hub, memberships: Delivery in this process.
        presence: Who is in its rooms.
        one_copy: True to give a member of several rooms of a bulk message one copy.
        patience: Seconds to wait for the broker at the start; 0 for no limit.

    Attributes:
        elsewhere: Delivery to the other processes; None while there is no link at all.
    """

    def __init__(
        self,
        engine: Engine | EngineAddress,
        namespace: str,
        hub: Hub,
        memberships: Memberships,
        presence: PresenceKeeper,
        *,
        one_copy: bool,
        patience: float,
    ) -> None:
        self._engine = engine
        self._namespace = namespace
        self._hub = hub
        self._memberships = memberships
        self._presence = presence
        self._one_copy = one_copy
        self._patience = patience
        self._shown = engine.shown if isinstance(engine, EngineAddress) else repr(engine)
        self._lenders: list[TaskGroup] = []
        self._owner: TaskGroup | None = None
        self._scope: CancelScope | None = None
        self._turn: Lock | None = None
        self.elsewhere: Elsewhere | None = None

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Hold the link for the block.

        Raises:
            EngineError: The broker cannot be reached, or will not have this application.
        """
        if self._turn is None or not self._lenders:
            self._turn = Lock()  # a lock belongs to one event loop
        error: Exception | None = None
        async with create_task_group() as tasks:
            try:
                async with self._turn:
                    if self._owner is None:
                        await self._start(tasks)
            except (ConfigurationError, EngineError) as exc:
                error = exc  # raised below, where no group wraps it
            else:
                self._lenders.append(tasks)
                try:
                    yield
                finally:
                    self._lenders.remove(tasks)
                    if self._owner is tasks:
                        await self._stop()
            tasks.cancel_scope.cancel()
        if error is not None:
            raise error

    async def _start(self, tasks: TaskGroup) -> None:
        """Run the link in a task group, and wait until it is up."""
        elsewhere = self._made()
        try:
            with fail_after(self._patience or None):
                await tasks.start(self._serve, elsewhere)
        except TimeoutError:
            raise EngineError(
                f"{self._shown} could not be reached in {self._patience:g} s: "
                f"{elsewhere.node.reason}"
            ) from None
        self._owner = tasks

    async def _stop(self) -> None:
        """End the link; another lender takes it over, if there is one."""
        self._owner = None
        if self.elsewhere is not None:
            with CancelScope(shield=True):
                await self.elsewhere.node.leave()
        if self._scope is not None:
            self._scope.cancel()
        if self._lenders:
            self._owner = self._lenders[0]
            self._owner.start_soon(self._serve, self._made())

    def _made(self) -> Elsewhere:
        engine = self._engine
        if isinstance(engine, EngineAddress):
            engine = make_engine(engine, "bytesocket")
        make = partial(Node, engine, self._namespace)
        elsewhere = Elsewhere(make, self._hub, one_copy=self._one_copy)
        is_ordered: bool = getattr(engine, "is_ordered", False)
        elsewhere.presence = PresenceLink(elsewhere.node, self._presence, is_ordered=is_ordered)
        return elsewhere

    async def _serve(
        self, elsewhere: Elsewhere, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED
    ) -> None:
        """Hold the link, until its scope is cancelled."""
        self._scope = scope = CancelScope()
        self.elsewhere = elsewhere
        try:
            with scope:
                async with create_task_group() as tasks:
                    tasks.start_soon(elsewhere.node.run)
                    self._attach(elsewhere)
                    if elsewhere.presence is not None:
                        tasks.start_soon(elsewhere.presence.run)
                    await elsewhere.node.wait_up()
                    task_status.started()
                    while True:
                        await sleep(SWEEP)
                        elsewhere.sweep(current_time())
        except BaseExceptionGroup as group:
            raise leaf(group) from None
        finally:
            if self.elsewhere is elsewhere:
                self._detach()

    def _attach(self, elsewhere: Elsewhere) -> None:
        memberships = self._memberships
        elsewhere.hear(memberships.index, memberships.users)
        memberships.occupancy = elsewhere
        self._hub.elsewhere = elsewhere
        if elsewhere.presence is not None:
            elsewhere.presence.attach()

    def _detach(self) -> None:
        if self.elsewhere is not None and self.elsewhere.presence is not None:
            self.elsewhere.presence.detach()
        self.elsewhere = self._hub.elsewhere = self._memberships.occupancy = None
