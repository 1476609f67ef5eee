"""Generated Python clients as modules of this process, and how an event gets through them."""

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from bytesocket_app.client.messages import event_frame
from bytesocket_app.events import EventModel, PayloadType
from bytesocket_app.types import EventName
from bytesocket_app.wire import Codec, decode


def load(text: str, name: str, folder: Path) -> ModuleType:
    """Import the text of a generated client."""
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class PythonClient:
    """The event classes of a generated client, by the event's name.

    Attributes:
        arriving: What the server sends.
        sent: What the client sends.
    """

    def __init__(self, module: ModuleType) -> None:
        self.arriving: Mapping[EventName, type[EventModel]] = _classes(module, "server")
        self.sent: Mapping[EventName, type[EventModel]] = _classes(module, "client")

    def read(self, name: EventName, frame: bytes, codec: Codec) -> EventModel:
        """Read an arriving event."""
        payload = PayloadType(self.arriving[name])
        model: EventModel = payload.validate(data_of(frame, codec), codec.name)
        return model

    def write(self, name: EventName, data: Any, codec: Codec) -> bytes:
        """Make an event of plain data, and the frame that sends it."""
        payload = PayloadType(self.sent[name])
        return event_frame(codec, name, payload.validate(data, codec.name))


def data_of(frame: bytes, codec: Codec) -> Any:
    """Take the payload out of a frame."""
    message: Any = decode(frame, is_binary=codec.is_binary)
    return message["data"]


def _classes(module: ModuleType, direction: str) -> Mapping[EventName, type[EventModel]]:
    classes = [one for one in vars(module).values() if isinstance(one, type)]
    return {
        one.__event_name__: one
        for one in classes
        if issubclass(one, EventModel) and getattr(one, "__event_name__", None) is not None
        if one.__event_direction__ in {direction, "both"}
    }
