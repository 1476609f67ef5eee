"""The application's link to its other processes, for as long as it runs."""

import logging
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from math import inf
from typing import Final, NamedTuple

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
from bytesocket_app.cluster.reporting import metrics_of
from bytesocket_app.delivery.elsewhere import Elsewhere
from bytesocket_app.delivery.hub import Hub
from bytesocket_app.delivery.memberships import Memberships
from bytesocket_app.delivery.presence import PresenceKeeper
from bytesocket_app.delivery.presence_link import PresenceLink
from bytesocket_app.engines import Engine, EngineAddress, parse_engine
from bytesocket_app.engines.make import make_engine
from bytesocket_app.engines.url import VARIABLE
from bytesocket_app.errors import ConfigurationError, EngineError
from bytesocket_app.lifecycle.failures import leaf
from bytesocket_app.settings import Limits

logger = logging.getLogger("bytesocket")

SWEEP: Final = 0.5
"""Seconds between two looks for channels that nobody needs any more."""

ENGINE_TIMEOUT: Final = "BYTESOCKET_ENGINE_TIMEOUT"
"""Environment variable with the seconds to wait for the broker at the start."""


class EngineChoice(NamedTuple):
    """Engine of an application, or its address, and the seconds to wait for it at the start."""

    engine: Engine | EngineAddress
    patience: float

    @property
    def is_alone(self) -> bool:
        """True if there is nobody to reach, and so no link."""
        return isinstance(self.engine, EngineAddress) and self.engine.is_alone

    @property
    def is_local(self) -> bool:
        """True if it reaches nothing outside this process."""
        return isinstance(self.engine, EngineAddress) and self.engine.is_local


def engine_of(
    environment: Mapping[str, str], engine: Engine | EngineAddress, patience: float
) -> EngineChoice:
    """Choose an application's engine and patience: the environment's, or else its own.

    Raises:
        ConfigurationError: A variable has a value that cannot be.
    """
    url, seconds = environment.get(VARIABLE, ""), environment.get(ENGINE_TIMEOUT, "")
    try:
        if url:
            engine = parse_engine(url)
    except ConfigurationError as error:
        raise ConfigurationError(f"{VARIABLE}: {error}") from None
    if seconds:
        try:
            patience = float(seconds)
        except ValueError:
            patience = -1
        if not 0 <= patience < inf:
            raise ConfigurationError(f"{ENGINE_TIMEOUT}={seconds!r} is no time: use seconds, as 10")
    return EngineChoice(engine, patience)


class Cluster:
    """Link of one application to its other processes.

    It is up once for all who need it at the same time: a server's lifespan, `app.running()`, every
    `TestClient`. If the one in whose task group it runs leaves, another lends its own.

    Args:
        engine: An engine, or the address of one.
        namespace: What the application's channels are told apart by.
        hub, memberships: Delivery in this process.
        presence: Who is in its rooms.
        limits: Bound what may wait for the broker.
        secret: Key of the messages' HMAC; None for none.
        patience: Seconds to wait for the broker at the start; 0 for no limit.

    Attributes:
        elsewhere: Delivery to the other processes; None while there is no link at all.
    """

    def __init__(  # noqa: PLR0913 - most by keyword
        self,
        engine: Engine | EngineAddress,
        namespace: str,
        hub: Hub,
        memberships: Memberships,
        presence: PresenceKeeper,
        *,
        limits: Limits,
        secret: bytes | None = None,
        patience: float,
    ) -> None:
        self._engine = engine
        self._running: Engine | None = None
        self._namespace = namespace
        self._hub = hub
        self._memberships = memberships
        self._presence = presence
        self._limits = limits
        self._secret = secret
        self._patience = patience
        self._shown = engine.shown if isinstance(engine, EngineAddress) else repr(engine)
        self._lenders: list[TaskGroup] = []
        self._owner: TaskGroup | None = None
        self._scope: CancelScope | None = None
        self._turn: Lock | None = None
        self.elsewhere: Elsewhere | None = None

    @property
    def is_running(self) -> bool:
        """True while somebody holds the link, whether or not it is up."""
        return bool(self._lenders)

    def outage(self) -> tuple[float, str] | None:
        """Return the seconds since the broker was lost, and why; None while it is there."""
        node = None if self.elsewhere is None else self.elsewhere.node
        if node is None or node.down_since is None:
            return None
        return current_time() - node.down_since, node.reason

    def metrics(self) -> dict[str, int | float]:
        """Return the counters of the link; those of a link that is not up yet are all 0."""
        return metrics_of(None if self.elsewhere is None else self.elsewhere.node)

    def check_rates(self, sources: Iterable[str]) -> None:
        """Log a warning if rates are to be shared that the engine, which runs, cannot count.

        Args:
            sources: `file:line` of each shared rate.
        """
        elsewhere, places = self.elsewhere, ", ".join(sources)
        if places and elsewhere is not None and not elsewhere.rates.can_count:
            logger.warning(
                "%s cannot count rates for all processes, so that each process counts by itself "
                "what shared=True says at %s: use Redis or Valkey, or a rate that each process "
                "may allow.",
                self._shown,
                places,
            )

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
        elsewhere, presence = self._made()
        try:
            with fail_after(self._patience or None):
                await tasks.start(self._serve, elsewhere, presence)
        except TimeoutError:
            # An engine need not say why it never was up; ours do.
            why = getattr(self._running, "reason", "") or elsewhere.node.reason
            raise EngineError(
                f"{self._shown} could not be reached in {self._patience:g} s: {why}"
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
            self._owner.start_soon(self._serve, *self._made())

    def _made(self) -> tuple[Elsewhere, PresenceLink]:
        engine, secret = self._engine, None
        if isinstance(engine, EngineAddress):
            secret = engine.secret
            engine = make_engine(engine, "bytesocket")
        self._running = engine
        make = partial(
            Node,
            engine,
            self._namespace,
            messages=self._limits.engine_messages,
            size=self._limits.engine_bytes,
            secret=self._secret or secret,
        )
        elsewhere = Elsewhere(make, self._hub)
        is_ordered: bool = getattr(engine, "is_ordered", False)
        return elsewhere, PresenceLink(elsewhere, self._presence, is_ordered=is_ordered)

    async def _serve(
        self,
        elsewhere: Elsewhere,
        presence: PresenceLink,
        *,
        task_status: TaskStatus[None] = TASK_STATUS_IGNORED,
    ) -> None:
        """Hold the link, until its scope is cancelled."""
        self._scope = scope = CancelScope()
        self.elsewhere = elsewhere
        try:
            with scope:
                async with create_task_group() as tasks:
                    elsewhere.tasks = tasks
                    tasks.start_soon(elsewhere.node.run)
                    self._attach(elsewhere)
                    presence.attach()
                    tasks.start_soon(presence.run)
                    await elsewhere.node.wait_up()
                    task_status.started()
                    while True:
                        await sleep(SWEEP)
                        now = current_time()
                        self._sweep(elsewhere, presence, now)
        except BaseExceptionGroup as group:
            raise leaf(group) from None
        finally:
            if self.elsewhere is elsewhere:
                presence.detach()
                self._detach()
                if not self._lenders:
                    self._presence.end()

    def _sweep(self, elsewhere: Elsewhere, presence: PresenceLink, now: float) -> None:
        """Do what is due; whatever fails, the link outlives it."""
        for sweep in (elsewhere.sweep, presence.sweep):
            try:
                sweep(now)
            except Exception:
                logger.exception("work for the link to %s failed", self._shown)

    def _attach(self, elsewhere: Elsewhere) -> None:
        memberships = self._memberships
        elsewhere.hear(memberships.index, memberships.users)
        memberships.occupancy = elsewhere
        self._hub.elsewhere = elsewhere

    def _detach(self) -> None:
        self.elsewhere = self._hub.elsewhere = self._memberships.occupancy = None
