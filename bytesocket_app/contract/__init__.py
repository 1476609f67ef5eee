"""The contract between an application and its clients, as a canonical document.

`describe` collects an application's declarations into a `source`, `build` writes the document from
it, and `fingerprint` makes a digest of that. Generators of clients, the command line and
`compatibility` read the document. `schema`, `tidy`, `naming` and `types` adapt Pydantic's JSON
Schema.
"""

from bytesocket_app.contract.build import build
from bytesocket_app.contract.document import FORMAT, Contract
from bytesocket_app.contract.fingerprint import canonical
from bytesocket_app.contract.source import (
    NO_REPLY,
    ContractSource,
    EventEntry,
    MessageAuth,
    PresenceEntry,
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
    "PresenceEntry",
    "RoomEntry",
    "RoomEventEntry",
    "build",
    "canonical",
]
