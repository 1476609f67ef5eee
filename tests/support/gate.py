"""An application that lets nobody in who has no session, and says why."""

from pydantic import BaseModel

from bytesocket_app import AuthError, ByteSocket, ClientEvent, Handshake


class Login(BaseModel):
    """Where to log in."""

    page: str


class NotLoggedIn(AuthError, code="not_logged_in"):
    """There is no session."""

    data: Login


class Ask(ClientEvent, name="ask"):
    """A question."""

    text: str


app = ByteSocket(title="Gate", events=[Ask])


@app.auth
async def session(handshake: Handshake) -> str:
    """Let in who has a ticket."""
    if "ticket=good" not in handshake.query:
        raise NotLoggedIn("Log in first.", data=Login(page="/login"))
    return "ann"


@app.on(Ask)
async def ask(event: Ask) -> str:
    """Shout."""
    return event.text.upper()
