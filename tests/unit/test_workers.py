"""The sockets that several workers have, when one that ended is started again, and who is told."""

import errno
import socket
from contextlib import ExitStack, closing

import pytest

from bytesocket_app.errors import ConfigurationError
from bytesocket_app.serving import neighbours
from bytesocket_app.serving.runners import listening
from bytesocket_app.serving.runners.listening import bind_each
from bytesocket_cli.workers import WorkerSlot


def accepted(listener: socket.socket) -> int:
    """Accept all that wait; return how many there were."""
    count = 0
    while True:
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            return count
        connection.close()
        count += 1


class TestSockets:
    def test_a_worker_that_does_not_listen_is_given_no_connection(self) -> None:
        with ExitStack() as stack:
            first, second = [stack.enter_context(one) for one in bind_each("127.0.0.1", 0, 2)]
            address = first.getsockname()
            assert second.getsockname() == address
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(address, 10)
            second.listen(400)
            for _ in range(20):
                stack.enter_context(closing(socket.create_connection(address, 10)))
            assert (accepted(second), second.getsockname()) == (20, address)
            first.listen(400)
            for _ in range(200):
                stack.enter_context(closing(socket.create_connection(address, 10)))
            shares = [accepted(first), accepted(second)]
            assert sum(shares) == 200
            assert min(shares) > 20

    def test_a_slot_without_a_worker_listens_no_more_until_the_next_one_does(self) -> None:
        with ExitStack() as stack:
            first, second = [stack.enter_context(one) for one in bind_each("127.0.0.1", 0, 2)]
            slot = WorkerSlot(1, first, is_own=True)
            slot.hush()  # nobody listened yet, which is fine
            for listener in (first, second):
                listener.listen(400)
            slot.hush()
            for _ in range(40):
                stack.enter_context(closing(socket.create_connection(first.getsockname(), 10)))
            assert accepted(second) == 40
            first.listen(400)
            for _ in range(100):
                stack.enter_context(closing(socket.create_connection(first.getsockname(), 10)))
            assert accepted(first) > 10

    def test_a_socket_that_all_share_is_never_hushed(self) -> None:
        with listening.listen("127.0.0.1", 0) as listener:
            WorkerSlot(1, listener, is_own=False).hush()
            with closing(socket.create_connection(listener.getsockname(), 10)):
                pass

    def test_a_port_that_other_workers_have_is_in_use(self) -> None:
        with ExitStack() as stack:
            theirs = stack.enter_context(bind_each("127.0.0.1", 0, 1)[0])
            theirs.listen(1)
            with pytest.raises(ConfigurationError, match=r"is already in use.*--port"):
                bind_each("127.0.0.1", theirs.getsockname()[1], 2)

    def test_what_was_bound_is_closed_if_the_next_one_cannot_be(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bound: list[socket.socket] = []
        usual = socket.socket.bind

        def bind(self: socket.socket, address: tuple[str, int]) -> None:
            bound.append(self)
            if len(bound) > 1:
                raise OSError(errno.EADDRINUSE, "Address already in use")
            usual(self, address)

        monkeypatch.setattr(socket.socket, "bind", bind)
        with pytest.raises(ConfigurationError):
            bind_each("127.0.0.1", 0, 2)
        assert [one.fileno() for one in bound] == [-1, -1]


def test_where_the_system_does_not_balance_one_socket_is_for_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listening, "BALANCED", False)
    (only,) = bind_each("127.0.0.1", 0, 3)
    with only, closing(socket.create_connection(only.getsockname(), 10)):
        pass


class TestEnds:
    """A worker that ended, by the times of its ends and the seconds that it served."""

    def slot(self) -> WorkerSlot:
        """A slot whose worker ended never."""
        return WorkerSlot(1, socket.socket(), is_own=True)

    def test_pauses_grow_and_five_ends_in_half_a_minute_are_too_many(self) -> None:
        slot = self.slot()
        with slot.listener:
            pauses = [slot.ended(float(second), 0.0) for second in (0, 1, 2, 4, 7)]
        assert pauses == [0, 0.5, 1, 2, None]

    def test_slow_ends_go_on_for_ever_with_the_longest_pause(self) -> None:
        slot = self.slot()
        with slot.listener:
            pauses = [slot.ended(second * 10.0, 0.0) for second in range(20)]
        assert pauses == [0, 0.5, 1, 2, *[5] * 16]

    def test_one_that_served_for_long_begins_anew(self) -> None:
        slot = self.slot()
        with slot.listener:
            pauses = [slot.ended(second, 40.0) for second in (0.0, 41.0, 82.0)]
        assert pauses == [0, 0, 0]


class TestGunicorn:
    """gunicorn's marks, by stand-ins of its worker; other servers are asked themselves."""

    class Config:
        """A configuration."""

        def __init__(self, workers: int) -> None:
            self.workers = workers

    class Worker:
        """A worker that runs an application."""

        def __init__(self, workers: int, age: int) -> None:
            self.cfg = TestGunicorn.Config(workers)
            self.age = age

        def run(self) -> str | None:
            """Have the application look around."""
            return neighbours.several()

    @pytest.mark.parametrize(
        ("workers", "age", "told"), [(2, 1, "gunicorn"), (2, 2, None), (1, 1, None), (1, 4, None)]
    )
    def test_the_first_of_several_tells(
        self, monkeypatch: pytest.MonkeyPatch, workers: int, age: int, told: str | None
    ) -> None:
        monkeypatch.setenv("SERVER_SOFTWARE", "gunicorn/27.0.1")
        assert self.Worker(workers, age).run() == told

    def test_elsewhere_nobody_is_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("SERVER_SOFTWARE", raising=False)
        assert self.Worker(2, 1).run() is None
