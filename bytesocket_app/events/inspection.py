"""Inspection of a payload type's core schema for lint findings.

Models are inspected once per direction; `events.findings` defines the findings.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, cast

from bytesocket_app.events.core_schemas import fields_of
from bytesocket_app.events.defaults import doubt_of
from bytesocket_app.events.findings import (
    FAULTS,
    LintFinding,
    Node,
    Way,
    is_object_member,
    value_doubts,
)
from bytesocket_app.events.nulls import taken_schema, writes_text
from bytesocket_app.events.serializing import masks_secrets, opaque_serializer, scalar_return

_NO_SCHEMAS: Final = frozenset(
    {
        *("cls", "computed_fields", "config", "default", "discriminator", "expected", "function"),
        *("json_schema_input_schema", "members", "metadata", "ref", "serialization", "type"),
    }
)
"""Keys of a schema whose values are not searched for further schemas."""

_NOTHING: Final[Node] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Place:
    """Place of a schema: its class and field, the codes allowed there, and its configuration."""

    config: Node
    owner: type | None = None
    field: str = ""
    allowed: frozenset[str] = frozenset()

    def inside(self, node: Node) -> "_Place":
        """Return the place of a class's fields; its own configuration replaces the outer one."""
        cls: Any = node.get("cls")
        given: Any = getattr(cls, "model_config", None) or getattr(cls, "__pydantic_config__", None)
        allowed = _allowed((given or _NOTHING).get("json_schema_extra"))
        return _Place(node.get("config", self.config), cls, "", allowed)

    def at(self, name: str, node: Node) -> "_Place":
        """Return the place of a field."""
        return replace(self, field=name).allowing(node)

    def allowing(self, node: Node) -> "_Place":
        """Return the same place, allowing the codes of a `Field(json_schema_extra=...)` too."""
        extra = (node.get("metadata") or _NOTHING).get("pydantic_js_extra")
        return self if extra is None else replace(self, allowed=self.allowed | _allowed(extra))


class Inspection:
    """Inspects core schemas, each model once per direction."""

    def __init__(self) -> None:
        self._known: set[tuple[type, Way]] = set()
        self._definitions: dict[str, Node] = {}
        self._all: dict[str, Node] = {}
        self._way: Way = "input"
        self._found: dict[LintFinding, None] = {}
        self._structures: Mapping[str, Callable[[Node, _Place], None]] = {
            "dataclass": self._data_class,
            "dataclass-args": self._fields,
            "definition-ref": self._reference,
            "definitions": self._defining,
            "function-after": self._after,
            "json": self._json,
            "model": self._model,
            "model-fields": self._fields,
            "typed-dict": self._typed_dict,
            "union": self._union,
        }

    def doubts(self, schema: Node, way: Way) -> list[LintFinding]:
        """Return the findings about a type in a direction, except in models inspected before."""
        self._way = way
        self._definitions, self._all, self._found = {}, {}, {}
        self._visit(schema, _Place(_NOTHING))
        return list(self._found)

    def _visit(self, node: Node, place: _Place) -> None:
        place = place.allowing(node)
        if self._written_otherwise(node, place):
            return
        taken = taken_schema(node) if self._way == "input" else None
        if taken is not None:
            self._visit(taken, place)
            return
        for code in value_doubts(node, place.config, self._way):
            self._add(code, place)
        if node["type"] == "default":
            outgoing = self._way == "output"
            doubt = doubt_of(node, place.config, self._all, outgoing=outgoing)
            if doubt is not None:
                self._add(f"default-{doubt}", place)
        self._structures.get(node["type"], self._children)(node, place)

    def _children(self, node: Node, place: _Place) -> None:
        for key, value in node.items():
            if key not in _NO_SCHEMAS:
                for child in _schemas(value):
                    self._visit(child, place)

    def _add(self, code: str, place: _Place) -> None:
        if code not in place.allowed or code in FAULTS:
            self._found[LintFinding(code, place.owner, place.field)] = None

    def _written_otherwise(self, node: Node, place: _Place) -> bool:
        """Return True if a serializer decides what is sent, and not the type. Adds its findings."""
        if self._way == "input" or "serialization" not in node:
            return False
        serialization = node["serialization"]
        kind: str = serialization["type"]
        if kind not in {"function-plain", "function-wrap"}:
            return kind in {"to-string", "format"}
        if masks_secrets(serialization):
            self._add("secret-sent", place)
        elif serialization.get("return_schema") is not None:
            self._visit(serialization["return_schema"], place)
        elif scalar_return(serialization) is None and opaque_serializer(serialization):
            self._add("unknown-output", place)
        else:
            return kind == "function-plain"
        return True

    def _defining(self, node: Node, place: _Place) -> None:
        for definition in node["definitions"]:
            self._definitions[definition["ref"]] = self._all[definition["ref"]] = definition
        self._visit(node["schema"], place)

    def _reference(self, node: Node, place: _Place) -> None:
        # Each definition once: a recursive type would not end.
        target = self._definitions.pop(node["schema_ref"], None)
        if target is not None:
            self._visit(target, place)

    def _model(self, node: Node, place: _Place) -> None:
        if (node["cls"], self._way) not in self._known:
            self._known.add((node["cls"], self._way))
            self._children(node, place.inside(node))

    def _data_class(self, node: Node, place: _Place) -> None:
        self._children(node, place.inside(node))

    def _typed_dict(self, node: Node, place: _Place) -> None:
        self._fields(node, place.inside(node))

    def _fields(self, node: Node, place: _Place) -> None:
        for name, one in fields_of(node):
            if self._way == "output" and one.get("serialization_exclude"):
                continue
            here = place.at(name, one)
            if self._way == "input" and is_object_member(name, one, place.config):
                self._add("object-member", here)
            self._visit(one["schema"], here)
        if "extras_schema" in node:
            self._visit(node["extras_schema"], place)
        if self._way == "output":
            for one in node.get("computed_fields", ()):
                self._visit(one["return_schema"], place.at(one["property_name"], one))

    def _json(self, node: Node, place: _Place) -> None:
        if self._way == "output":  # text comes in, its value goes out
            self._children(node, place)

    def _after(self, node: Node, place: _Place) -> None:
        # Not within Pydantic's own validators: Base64Bytes and SecretBytes are sent as text.
        if getattr(node["function"]["function"], "__module__", "") != "pydantic.types":
            self._children(node, place)

    def _union(self, node: Node, place: _Place) -> None:
        choices = list(_schemas(node["choices"]))
        others = [one for one in choices if one["type"] != "bytes"]
        if others != choices and any(writes_text(one, self._all) for one in others):
            self._add("bytes-or-text", place)
            choices = others
        for one in choices:
            self._visit(one, place)


def doubt_of_all(code: str, schema: Node) -> list[LintFinding]:
    """Return a finding about a type as a whole, unless the type's author allows its code."""
    place = _Place(_NOTHING).inside(schema).allowing(schema)
    return [] if code in place.allowed else [LintFinding(code, place.owner, "")]


def _allowed(extra: object) -> frozenset[str]:
    """Return the codes that the author allows: `json_schema_extra={"x-allow": ["nan"]}`."""
    listed = cast("dict[str, object]", extra).get("x-allow") if isinstance(extra, dict) else None
    return frozenset(map(str, cast("list[object]", listed) if isinstance(listed, list) else ()))


def _schemas(value: object) -> Iterator[Node]:
    """Yield the schemas in the value of a schema's key."""
    if isinstance(value, dict):
        node = cast("dict[str, Any]", value)
        if isinstance(node.get("type"), str):
            yield node
        else:
            for inner in node.values():
                yield from _schemas(inner)
    elif isinstance(value, list | tuple):
        for inner in cast("list[object]", value):
            yield from _schemas(inner)
