"""An application that takes clients of its own contract only, and one as it was before."""

from bytesocket_app import ByteSocket, ClientEvent, Policies, Settings


class Ask(ClientEvent, name="ask"):
    text: str


class Knock(ClientEvent, name="knock"):
    """What clients could do once; nothing handles it any more."""


def doors(version: str, *more: type[ClientEvent]) -> ByteSocket:
    """The application in one of its versions, each with its events."""
    settings = Settings(policies=Policies(unknown_contract="refuse"))
    app = ByteSocket(title="Doors", version=version, events=[Ask, *more], settings=settings)

    @app.on(Ask)
    async def ask(event: Ask) -> str:
        return event.text.upper()

    return app


app = doors("2.0.0")
