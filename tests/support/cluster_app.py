"""An application of several real processes on one broker, and peers that count what they get."""

import json
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.support.server_process import DEADLINE, RudePeer, ServerProcess, get, serving

SOURCE = """\
import os
from time import perf_counter
from typing import Any

from bytesocket_app import (
    ByteSocket, ClientEvent, Event, Limits, ServerEvent, Settings, Socket, Timeouts
)


class Publish(ClientEvent, name="publish"):
    number: int


class Command(ClientEvent, name="command"):
    verb: str
    key: str


class Metrics(ClientEvent, name="metrics"):
    pass


class Number(ServerEvent, name="number"):
    sender: str
    number: int


class Wave(Event, name="wave"):
    number: int


limits = Limits(engine_messages=int(os.environ.get("ENGINE_MESSAGES", "1000")))
timeouts = Timeouts(ping=0, engine_grace=0.5)
app = ByteSocket(
    title="Cluster",
    events=[Publish, Command, Metrics, Number, Wave],
    serialization="json",
    engine=os.environ["ENGINE"],
    engine_secret="a secret of these tests",
    settings=Settings(limits=limits, timeouts=timeouts),
)
app.room("lobby").relay(Wave)
app.room("hall")


@app.auth(key=str)
async def known(credentials: str) -> str:
    return credentials


@app.on(Publish)
async def publish(event: Publish) -> list[Any]:
    begun = perf_counter()
    outcome = await app.rooms.emit("lobby", Number(sender=NAME, number=event.number))
    return [outcome, perf_counter() - begun]


@app.on(Command)
async def command(event: Command) -> Any:
    user = app.user(event.key)
    if event.verb == "who":
        return NAME
    if event.verb == "emit":
        return await user.emit(Number(sender=NAME, number=0))
    if event.verb == "burst":
        return [await app.rooms.emit(event.key, Number(sender=NAME, number=n)) for n in range(400)]
    if event.verb == "count":
        found = await app.rooms.count(event.key)
        return [found.sockets, list(found.missing)]
    if event.verb == "clear":
        return await app.rooms.clear(event.key)
    return await (user.close() if event.verb == "close" else user.join("hall"))


@app.on(Metrics)
async def metrics(socket: Socket, event: Metrics) -> dict[str, Any]:
    return dict(app.metrics())


NAME = os.environ.get("NAME", str(os.getpid()))
"""


class Member:
    """A client that is in a room, and notes what comes, and when.

    Args:
        port: Of its process.
        user: Whom it authenticates as.
        room: The room that it joins; none without one.
    """

    def __init__(self, port: int, user: str, room: str | None = "lobby") -> None:
        self.peer = RudePeer(port)
        self.peer.send({"type": 4, "data": user})
        self.messages: list[dict[str, Any]] = []
        self.times: list[float] = []
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        self.until(lambda: self._has(5), "authentication was not answered")
        if room is not None:
            self.join(room)

    def join(self, room: str) -> None:
        """Join a room."""
        self.peer.send({"type": 9, "room": room})
        self.until(lambda: self._has(10), "the join was not answered")

    def numbers(self, sender: str) -> list[int]:
        """What came from a process, in its order."""
        found = [each["data"] for each in tuple(self.messages) if each.get("event") == "number"]
        return [each["number"] for each in found if each["sender"] == sender]

    def all_of(self, sender: str, last: int) -> list[int]:
        """What came from a process once this number has come."""
        self.until(lambda: last in self.numbers(sender), f"{last} of {sender} did not come")
        return self.numbers(sender)

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait until a condition is true of what came."""
        with self._news:
            assert self._news.wait_for(condition, DEADLINE), f"{what}: {self.messages[-3:]}"

    def close(self) -> None:
        """Drop the connection."""
        self.peer.reset()
        self._thread.join(DEADLINE)

    def _has(self, kind: int) -> bool:
        return any(each.get("type") == kind for each in self.messages)

    def _read(self) -> None:
        with suppress(OSError, AssertionError):
            while True:
                opcode, payload = self.peer.receive()
                with self._news:
                    if opcode == 1:
                        self.messages.append(json.loads(payload))
                        self.times.append(time.monotonic())
                    elif opcode == 8:
                        self.messages.append({"close": int.from_bytes(payload[:2])})
                    self._news.notify_all()


class Speaker:
    """A client that has its process publish, and notes what became of it.

    Attributes:
        name: Of its process.
        accepted: Numbers that were sent or queued.
        dropped: Numbers that were dropped.
        slowest: Seconds of the slowest emit.
    """

    def __init__(self, port: int, name: str) -> None:
        self.name = name
        self.accepted: list[int] = []
        self.dropped: list[int] = []
        self.slowest = 0.0
        self._peer = RudePeer(port)
        self._peer.send({"type": 4, "data": f"speaker {name}"})
        self._peer.receive()
        self._number = 0

    @property
    def said(self) -> list[int]:
        """All numbers, for members of the same process."""
        return list(range(1, self._number + 1))

    def say(self) -> None:
        """Publish the next number."""
        self._number += 1
        outcome, seconds = self._peer.request("publish", {"number": self._number})
        self.slowest = max(self.slowest, seconds)
        (self.dropped if outcome == "dropped" else self.accepted).append(self._number)

    def command(self, verb: str, key: str) -> Any:
        """Have the process do something to a user or a room."""
        return self._peer.request("command", {"verb": verb, "key": key})

    def metrics(self) -> dict[str, Any]:
        """Read the counters of the process."""
        found: dict[str, Any] = self._peer.request("metrics", {})
        return found

    def until(self, condition: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        """Wait until a condition is true of the counters."""
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            metrics = self.metrics()
            if condition(metrics):
                return metrics
            time.sleep(0.05)
        raise AssertionError(f"{what}: {self.metrics()}")

    def close(self) -> None:
        """Drop the connection."""
        self._peer.close()


class House:
    """Processes on one broker, each with a speaker and a member of the lobby."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        (folder / "app.py").write_text(SOURCE)
        self._folder = folder
        self._stack = stack
        self.processes: list[ServerProcess] = []
        self.speakers: list[Speaker] = []
        self.members: list[Member] = []

    def add(self, url: str, variables: Mapping[str, str] = MappingProxyType({})) -> None:
        """Start one more process, whose broker is at a URL."""
        name = "abcdef"[len(self.processes)]
        more = {"ENGINE": url, "NAME": name, **variables}
        arguments = ("run", "app:app", "--port", "0", "--transport", "picows")
        process = self._stack.enter_context(serving(*arguments, cwd=self._folder, variables=more))
        self.processes.append(process)
        self.speakers.append(Speaker(process.port, name))
        self.members.append(Member(process.port, f"member {name}"))

    def close(self) -> None:
        """Drop all connections."""
        for speaker in self.speakers:
            speaker.close()
        for member in self.members:
            member.close()

    def meet(self) -> None:
        """Wait until all processes have heard of each other."""
        number = len(self.processes)
        for each in self.speakers:
            each.until(lambda m: m["cluster_nodes"] == number, "they do not know each other")

    def talk(self, seconds: float, pause: float = 0.005, *, number: int | None = None) -> None:
        """Have every process publish for a while, or the first ones."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for each in self.speakers[:number]:
                each.say()
            time.sleep(pause)

    def unready(self, *reasons: str) -> None:
        """Wait until every `/ready` is red, and names one of these reasons."""
        self._readiness(lambda status, text: status == 503 and any(r in text for r in reasons))

    def ready(self) -> None:
        """Wait until every `/ready` is green."""
        self._readiness(lambda status, text: (status, text) == (200, "ok\n"))

    def _readiness(self, is_so: Callable[[int, str], bool]) -> None:
        deadline = time.monotonic() + DEADLINE
        for process in self.processes:
            while True:
                status, text = get(process.port, "/ready")
                if is_so(status, text.decode()):
                    break
                assert time.monotonic() < deadline, (status, text)
                time.sleep(0.02)

    def check(self, *, may_drop: bool = False, number: int | None = None) -> None:
        """Check that each member has what was accepted, once and in order, and the counters.

        Args:
            may_drop: True if messages may have been dropped, as they were told.
            number: How many processes are looked at, the first ones; all without it.
        """
        number = len(self.processes) if number is None else number
        speakers = self.speakers[:number]
        for speaker in speakers:
            speaker.until(
                lambda m: m["engine_up"] == 1 and m["engine_waiting"] == 0, "something still waits"
            )
            speaker.say()  # the last one, after which nothing of it is under way
            assert speaker.accepted[-1] == speaker.said[-1]
        for index in range(number):
            for speaker in speakers:
                expected = speaker.said if speaker is speakers[index] else speaker.accepted
                got = self.members[index].all_of(speaker.name, expected[-1])
                missing = sorted(set(expected) - set(got))
                assert not missing, f"{len(missing)} of {len(expected)} are missing: {missing[:9]}"
                assert len(got) == len(set(got)), "some came twice"
                assert got == expected, "they came in another order"
        for speaker in speakers:
            metrics = speaker.metrics()
            assert metrics['engine_dropped_total{why="buffer"}'] == len(speaker.dropped)
            assert metrics["engine_lost_total"] == metrics["engine_foreign_total"] == 0
            assert may_drop or not speaker.dropped


@contextmanager
def house(folder: Path, *urls: str, **variables: str) -> Generator[House]:
    """Run processes for the block that know each other, one at each URL of the broker."""
    with ExitStack() as stack:
        made = House(folder, stack)
        stack.callback(made.close)
        for url in urls:
            made.add(url, variables)
        made.meet()
        yield made
