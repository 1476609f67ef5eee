"""A club: who is turned away at the door, taken out of a room, or sent home for good."""

from pydantic import BaseModel, ConfigDict

from bytesocket_app import AuthError, ByteSocket, ClientEvent, Event, Handshake, Refusal, Socket


class Door(BaseModel):
    """Where the door is."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    door: bytes


class NoMember(AuthError, code="no_member"):
    """They are not on the list."""

    data: Door


class Shut(Refusal, code="shut"):
    """It is not open today."""

    data: Door


class Wave(Event, name="wave"):
    """Say hello in a room."""

    text: str


class Kick(ClientEvent, name="kick"):
    """Take me out of a room."""

    room: str
    code: str | None


class Home(ClientEvent, name="home"):
    """Close my connection."""

    code: int | None
    final: bool


app = ByteSocket(title="Club", events=[Wave, Kick, Home])
bar = app.room("bar:{number}")
bar.relay(Wave)


@app.lifecycle.upgrade
async def opening_hours(handshake: Handshake) -> None:
    """Refuse everybody on some days."""
    if "day=monday" in handshake.query:
        raise Shut("Closed on Mondays.", data=Door(door=b"\xff"))


@app.auth(key=str)
async def listed(handshake: Handshake) -> str:
    """Let in who is on the list."""
    if "name=ann" not in handshake.query:
        raise NoMember("You are not on the list.", data=Door(door=b"\xfe"))
    return "ann"


@app.on(Kick, raises=(NoMember, Shut))
async def kick(socket: Socket[str], event: Kick) -> None:
    """Take the user out of a room."""
    await app.user("ann").leave(event.room, code=event.code, message="Time to go.")


@app.on(Home)
async def home(socket: Socket[str], event: Home) -> None:
    """Close every connection of the user."""
    await app.user("ann").close(event.code, final=event.final)
