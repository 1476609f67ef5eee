"""The contract: what an application and its clients have agreed on, as one canonical document.

`source` holds what the application declares, `build` writes the document from it, and everything
else (clients in any language, the command line, comparison of two versions) reads the document.
Pydantic's JSON Schema is mended on the way: `schema`, `tidy`, `naming` and `types`. Nothing here
knows of sockets or handlers.
"""

from bytesocket_app.contract.build import build
from bytesocket_app.contract.document import FORMAT, Contract, canonical
from bytesocket_app.contract.source import (
    NO_REPLY,
    ContractSource,
    EventEntry,
    MessageAuth,
    RoomEntry,
    RoomEventEntry,
)
from bytesocket_app.errors import ContractError

__all__ = [
    "FORMAT",
    "NO_REPLY",
    "Contract",
    "ContractError",
    "ContractSource",
    "EventEntry",
    "MessageAuth",
    "RoomEntry",
    "RoomEventEntry",
    "build",
    "canonical",
]
