"""Rates: of events outside rooms and in them, for sockets, users and addresses."""

from bytesocket_app import ByteSocket, ClientEvent, Event, Handshake


class Bid(ClientEvent):
    """An offer; the highest wins."""

    amount: int


class Say(Event):
    """A word to everybody in the room."""

    text: str


class Move(Event, volatile=True):
    """A cursor."""

    x: int


class Look(ClientEvent):
    """Nothing is said of how often it may come."""


app = ByteSocket(title="Auction", events=[Bid, Say, Move, Look])
lot = app.room("lot:{number}", join="client")


@app.auth(key=str)
async def everybody(_: Handshake) -> str:
    return "ann"


@app.on(Bid, rate="5/s", burst=10)
async def bid(event: Bid) -> int:
    return event.amount


@app.on(Look)
async def look() -> int:
    return 1


lot.relay(Say, rate="30/m", per="user")
lot.relay(Move, rate="20/s", per="address")
