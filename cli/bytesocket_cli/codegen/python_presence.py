"""Presence of rooms in a Python client: typed maps, and the changes that a client may make."""

from collections.abc import Mapping
from typing import Any

from bytesocket_cli.codegen.python_names import docstring, literal
from bytesocket_cli.codegen.python_types import AnnotationWriter
from bytesocket_cli.codegen.schema import Schema

Entry = Mapping[str, Any]

_UPDATE = """Change the client's own entry; members are told ten times a second at most.

Nobody answers; a refusal reaches the client's error hooks. It is never queued: without a
connection, and once the room is left, it is dropped."""
_ON_PRESENCE = "Call a function with every change of `presence`, once it is in there."


def presence_block(
    room: Entry, name: str, types: Mapping[str, Schema], writer: AnnotationWriter
) -> list[str]:
    """Write the class of a room's presence; nothing if it has none.

    Args:
        room: The room's entry in the contract.
        name: The name of its class.
        types: The contract's types.
        writer: Writer of annotations.
    """
    presence: Entry | None = room.get("presence")
    if presence is None:
        return []
    doc = docstring(f"Users in a room `{room['pattern']}`, by their keys.", "    ")
    if "entry" not in presence:
        return [f"class _{name}Presence(_bs.Presence[_t.Never]):", *doc]
    entry = writer.annotation(presence["entry"])
    made = [
        f"class _{name}Presence(_bs.Presence[{entry}]):",
        *doc,
        "",
        f"    _entry: _t.ClassVar[_bs.PayloadType | None] = _bs.PayloadType({entry})",
    ]
    if not presence["clients"]:
        return made
    fields = _fields(presence["entry"], types)
    changes = [
        f"    {literal(field)}: {writer.annotation(fields.get(field, {}))},"
        for field in presence["clients"]
    ]
    update = [
        "",
        f"    async def update(self, **changes: _te.Unpack[_{name}Changes]) -> _bs.Outcome:",
        *docstring(_UPDATE, "        "),
        "        return self._update(changes)",
    ]
    head = f'_{name}Changes = _te.TypedDict("_{name}Changes", {{'
    return [head, *changes, "}, total=False)", "", "", *made, *update]


def presence_members(room: Entry, name: str) -> list[str]:
    """Write what a room's class has for its presence; nothing if it has none."""
    if "presence" not in room:
        return []
    kind = f"_{name}Presence"
    callback = "_abc.Callable[[_bs.PresenceChange], object]"
    return [
        "",
        f"    _presence: _t.ClassVar[type[_bs.Presence[_t.Any]] | None] = {kind}",
        "",
        "    @property",
        f"    def presence(self) -> {kind}:",
        '        """The users in the room, as far as the server told."""',
        f"        people: {kind} = self._people()",
        "        return people",
        "",
        f"    def on_presence(self, callback: {callback}, /) -> None:",
        *docstring(_ON_PRESENCE, "        "),
        "        self._on_presence(callback)",
    ]


def _fields(schema: Schema, types: Mapping[str, Schema]) -> Mapping[str, Schema]:
    target = str(schema.get("$ref", "")).removeprefix("#/types/")
    found: Mapping[str, Schema] = types.get(target, schema).get("properties", {})
    return found
