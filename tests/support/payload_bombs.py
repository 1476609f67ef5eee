"""Validation bombs: an application that takes them, and what each costs a process.

`python -m tests.support.payload_bombs` prints, for each bomb, the memory that it takes.
"""

import json
import os
import sys
from typing import Any, Final

import msgpack
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from bytesocket_app.dispatch.answers import validation_details
from bytesocket_app.errors import DecodeError
from bytesocket_app.events.payload import PayloadType
from bytesocket_app.settings import Limits
from bytesocket_app.socket import Socket
from bytesocket_app.types import CodecName
from bytesocket_app.wire import decode
from tests.support.hostile_app import make
from tests.support.memory import Peak

MIB: Final = 1024 * 1024


class A(BaseModel):
    x: int
    y: int


class B(BaseModel):
    z: int
    w: int


class Items(BaseModel):
    items: list[A | B]


class StrictItems(Items):
    model_config = ConfigDict(strict=True)


class Numbers(BaseModel):
    items: list[int]


class ByName(BaseModel):
    items: dict[str, A | B]


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    items: int = 0


class Extras(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, int]  # pyright: ignore[reportIncompatibleVariableOverride] - as Pydantic has it


def _one_of_twenty() -> Any:
    found: Any = None
    for number in range(20):
        fields: dict[str, Any] = {f"f{number}_{index}": (int, ...) for index in range(5)}
        model = create_model(f"Model{number}", **fields)
        found = model if found is None else found | model
    return found


def _listing(item: Any) -> Any:
    fields: dict[str, Any] = {"items": (list[item], ...)}
    return create_model("Listing", **fields)


TYPES: Final[dict[str, Any]] = {
    "union": Items,
    "strict": StrictItems,
    "numbers": Numbers,
    "by_name": ByName,
    "closed": Closed,
    "extras": Extras,
    "many": _listing(_one_of_twenty()),
}
"""The payloads, by the names of their events."""


def listed(unit: str, size: int = MIB) -> str:
    """A payload whose list has as many of these items as fit."""
    return f'{{"items":[{",".join([unit] * (size // (len(unit) + 1) - 20))}]}}'


def named(unit: str, count: int) -> str:
    """An object with this many members."""
    return "{" + ",".join(f'"{index:05x}":{unit}' for index in range(count)) + "}"


BOMBS: Final[dict[str, tuple[str, str]]] = {
    "a mebibyte of empty objects for a union": ("union", listed("{}")),
    "a mebibyte of empty texts for integers": ("numbers", listed('""')),
    "empty objects for a union, just below the limit": ("union", listed("{}", 150_000)),
    "empty objects for a strict union": ("strict", listed("{}", 150_000)),
    "empty objects for twenty models": ("many", listed("{}", 150_000)),
    "empty texts for integers, just below the limit": ("numbers", listed('""', 299_000)),
    "a dict of empty objects for a union": ("by_name", f'{{"items":{named("{}", 49_000)}}}'),
    "unknown members of a closed model": ("closed", named("0", 99_000)),
    "unknown members of the wrong type": ("extras", named('""', 90_000)),
    "an object for a list": ("numbers", f'{{"items":{named("0", 99_000)}}}'),
    "a member whose name is the message": ("closed", '{"%s":1}' % ("k" * (MIB - 200))),
}
"""Name of the event and its data, as JSON."""

app = make()
for event, annotation in TYPES.items():

    @app.on(app.declare(event, annotation, direction="client"))
    async def take(socket: Socket) -> None:
        """Take what is valid, which nothing is."""


def in_codec(text: str, codec: CodecName) -> bytes:
    """The bomb as the payload of a frame."""
    return text.encode() if codec == "json" else msgpack.packb(json.loads(text))


def explode(payload: PayloadType, frame: bytes, codec: CodecName) -> tuple[int, int]:
    """Read a frame as the dispatcher does; returns the numbers of problems found and told."""
    try:
        value = decode(frame, codec == "binary", max_elements=Limits().elements)
        read = payload.validate if len(frame) <= payload.small else payload.validate_large
        read(value, codec)
    except DecodeError:
        return 0, 0
    except ValidationError as error:
        return error.error_count(), len(json.dumps(validation_details(error)))
    raise AssertionError("that was valid")


def main() -> None:
    """Print what each bomb costs, each in a process of its own."""
    event, text = BOMBS[sys.argv[1]]
    codec: CodecName = "json" if sys.argv[2] == "json" else "binary"
    payload, frame = PayloadType(TYPES[event]), in_codec(text, codec)
    # Other code is loaded, and the validators are made, before the measured call.
    assert explode(payload, in_codec(listed("[]", 4000), codec), codec)[0]
    peak = Peak(os.getpid())
    problems, told = explode(payload, frame, codec)
    json.dump({"peak": peak.grown(), "problems": problems, "told": told}, sys.stdout)


if __name__ == "__main__":
    main()
