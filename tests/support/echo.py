"""One Node process in which generated clients give every event back."""

import base64

from bytesocket_app.types import EventName
from bytesocket_app.wire import Codec
from tests.support.conversation import Conversation


class Echo(Conversation):
    """The process: `with Echo("echo.ts", folder) as echo`; the folder holds generated modules."""

    def give_back(self, module: str, codec: Codec, event: EventName, frame: bytes) -> bytes:
        """Let an event arrive, have it emitted again, and return the frame that does.

        Raises:
            AssertionError: The client could not read or write it.
        """
        name = "msgpack" if codec.is_binary else "json"
        answer = self.ask([module, name, base64.b64encode(frame).decode(), event])
        assert isinstance(answer, str), answer["error"]
        return base64.b64decode(answer)
