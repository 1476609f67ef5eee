"""An application with rates, which tells what arrived."""

from bytesocket_app import ByteSocket, ClientEvent, Event, Socket


class Step(ClientEvent):
    """A step of a walk; the server may lose its nerve at one."""

    walk: str
    number: int
    closes: bool = False


class Double(ClientEvent):
    """A request with a rate."""

    number: int


class Say(Event):
    """A word in a hall."""

    text: str


class Walked(ClientEvent):
    """The question which steps of a walk arrived; nothing limits it."""

    walk: str


app = ByteSocket(title="Walk", events=[Step, Double, Say, Walked], serialization="json")
walks: dict[str, list[int]] = {}


@app.on(Step, rate="20/s", burst=5)
async def step(socket: Socket, event: Step) -> None:
    walks.setdefault(event.walk, []).append(event.number)
    if event.closes:
        await socket.close(4000, "enough")


@app.on(Double, rate="20/s", burst=5)
async def double(event: Double) -> int:
    return 2 * event.number


@app.on(Walked)
async def walked(event: Walked) -> list[int]:
    return walks.get(event.walk, [])


@app.room("hall:{name}", join="client").on(Say, rate="20/s", burst=5)
async def say(event: Say) -> str:
    return event.text
