"""An application that takes clients of its own contract only, and one as it was before."""

from bytesocket_app import ByteSocket, ClientEvent, Policies, Settings


class Ask(ClientEvent, name="ask"):
    text: str


def doors(version: str) -> ByteSocket:
    """The application in one of its versions; the version is part of the contract."""
    settings = Settings(policies=Policies(unknown_contract="refuse"))
    app = ByteSocket(title="Doors", version=version, events=[Ask], settings=settings)

    @app.on(Ask)
    async def ask(event: Ask) -> str:
        return event.text.upper()

    return app


app = doors("2.0.0")
