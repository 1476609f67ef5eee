"""Jobs and the threads that do them. Nothing here is asynchronous."""

import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from uuid import uuid4

from tests.apps.progress.events import Job, Start


class Order:
    """A job on its way through the workshop."""

    def __init__(self, owner: int, start: Start) -> None:
        self.owner = owner
        self.job = Job(job_id=uuid4().hex, title=start.title, steps=start.steps)
        self.cancelled = threading.Event()

    def work(self) -> Iterator[int]:
        """Do the job step by step; gives how many are done, until somebody cancels it."""
        total = 0
        for step in range(1, self.job.steps + 1):
            if self.cancelled.is_set():
                return
            if self.job.title == "break":
                raise RuntimeError(f"step {step} broke")
            total += sum(range(step % 1000))
            self.job.done = step
            yield step


class Workshop:
    """Takes orders from any thread, and hands them to the threads that work."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self._queue: SimpleQueue[Order | None] = SimpleQueue()

    def take(self, order: Order) -> None:
        """Take an order; a thread begins with it as soon as one is free."""
        self.orders[order.job.job_id] = order
        self._queue.put(order)

    def of(self, owner: int) -> list[Job]:
        """The jobs of one owner, oldest first."""
        return [order.job for order in tuple(self.orders.values()) if order.owner == owner]

    def load(self) -> tuple[int, int]:
        """How many jobs wait, and how many are under way."""
        open_jobs = [o.job for o in tuple(self.orders.values()) if o.job.outcome is None]
        running = sum(job.done > 0 for job in open_jobs)
        return len(open_jobs) - running, running

    def run(self, do: Callable[[Order], None]) -> None:
        """Do orders, one after another, until the workshop closes: what one thread does."""
        while (order := self._queue.get()) is not None:
            do(order)

    def close(self, threads: int) -> None:
        """Cancel every job, and let so many threads go."""
        for order in self.orders.values():
            order.cancelled.set()
        for _ in range(threads):
            self._queue.put(None)
