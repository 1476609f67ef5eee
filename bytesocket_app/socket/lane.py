"""What sockets have in common that can be written to in one go."""

from typing import NamedTuple

from bytesocket_app.transports import Transport
from bytesocket_app.types import CodecName


class Lane(NamedTuple):
    """One codec on one kind of transport: its sockets all get the same bytes in the same way."""

    codec: CodecName
    kind: type[Transport]
