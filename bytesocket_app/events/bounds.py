"""Bounds of declared payloads: which of their parts a client may make as large as it likes.

The limits of a message (`Limits.message_bytes`, `elements` and `depth`) bound them all; a bound in
the type itself refuses a part that is too large for its purpose, before a handler sees it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

from bytesocket_app.events.catalogue import Catalogue, EventSpec
from bytesocket_app.events.core_schemas import (
    BY_NAME,
    choices,
    extra_behavior,
    fields_of,
    is_dict,
    is_list,
    is_node,
    nodes,
)
from bytesocket_app.events.lint import owner_of, place_of
from bytesocket_app.events.recursion import RecursiveUnions
from bytesocket_app.types import EventName

Kind: TypeAlias = Literal["text", "bytes", "list", "map", "extras", "any", "nesting", "integer"]

REMEDIES: Final[Mapping[Kind, str]] = {
    "text": "text of any length: Field(max_length=...)",
    "bytes": "bytes of any length: Field(max_length=...)",
    "list": "any number of items: Field(max_length=...)",
    "map": "any number of members: Field(max_length=...)",
    "extras": "any number of unknown members: ConfigDict(extra='ignore')",
    "any": "any value at all: declare a type",
    "nesting": (
        "a union inside of itself, where each level multiplies the work, so that deep values are "
        'refused: Field(discriminator="kind")'
    ),
    "integer": "integers of any size, which JavaScript rounds beyond 2**53: Field(ge=..., le=...)",
}
"""Problem of each kind of part, and its remedy."""

_MEASURED: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("str", "url", "multi-host-url"), "text"),
    "bytes": "bytes",
    **dict.fromkeys(("list", "set", "frozenset", "deque", "generator", "tuple"), "list"),
    **dict.fromkeys(("dict", "frozendict", "ordered-dict", "counter"), "map"),
}
_INNER: Final[Mapping[str, str]] = {
    "items_schema": "[]",
    "keys_schema": "{key}",
    "values_schema": "{}",
    "schema": "",
    "json_schema": "",
    "lax_schema": "",
    "extras_schema": "{}",
}
"""Keys of the schemas inside of one, and what each adds to a path. Of two schemas for the same
input, the one for JSON and the lenient one say what clients may send."""


@dataclass(frozen=True, slots=True)
class Unbounded:
    """A part of a payload without a bound.

    Attributes:
        event: The event.
        path: Place of the part in the payload: `lines[].text`; "" for the payload itself.
        kind: Sort of the part, a key of `REMEDIES`.
        source: `file:line` of the field, or of the event's declaration.
    """

    event: EventName
    path: str
    kind: Kind
    source: str


def unbounded(catalogue: Catalogue) -> list[Unbounded]:
    """Return the parts without a bound of the payloads that clients may send.

    Integers are not among them: none takes more than a few bytes; see `unbounded_integers`.
    """
    specs = [spec for spec in catalogue.by_name.values() if spec.from_client]
    return [one for one in _parts_of(specs) if one.kind != "integer"]


def unbounded_integers(catalogue: Catalogue) -> list[Unbounded]:
    """Return the integers of payloads, of either direction, that may go beyond 2**53."""
    found = _parts_of(catalogue.by_name.values())
    return [one for one in found if one.kind == "integer" and "{key}" not in one.path]


def _parts_of(specs: Iterable[EventSpec]) -> Iterator[Unbounded]:
    for spec in specs:
        schema = spec.payload.core_schema()
        if schema is not None:
            for path, kind, source in dict.fromkeys(_Bounds(schema).parts()):
                yield Unbounded(spec.name, path.lstrip("."), kind, source or spec.source)


_Part: TypeAlias = tuple[str, Kind, str]


@dataclass(frozen=True, slots=True)
class _Spot:
    """Place of a schema in a payload: its path, configuration, class, and `file:line`."""

    path: str
    config: Mapping[str, Any]
    owner: type | None
    source: str

    def inside(self, node: Any) -> "_Spot":
        config, owner = node.get("config", self.config), node.get("cls", self.owner)
        return replace(self, config=config, owner=owner)

    def at(self, field: str) -> "_Spot":
        owner = None if self.owner is None else owner_of(self.owner, field)
        source = self.source if owner is None else place_of(owner, field)
        return replace(self, path=f"{self.path}.{field}", source=source)

    def below(self, step: str) -> "_Spot":
        return replace(self, path=self.path + step)


class _Bounds:
    """Looks for the parts of one type that have no bound."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        self._definitions = {node["ref"]: node for node in nodes(schema) if "ref" in node}
        self._unions = RecursiveUnions(schema)
        self._seen = set[str]()

    def parts(self) -> Iterator[_Part]:
        """Yield the path, the kind and the place of each."""
        return self._parts(self._schema, _Spot("", {}, None, ""), is_bound=False)

    def _parts(self, node: Any, place: "_Spot", *, is_bound: bool) -> Iterator[_Part]:
        kind = node["type"]
        if kind == "definition-ref":
            name = node["schema_ref"]
            if name not in self._seen:  # once, as a recursive type would not end
                self._seen.add(name)
                yield from self._parts(self._definitions[name], place, is_bound=is_bound)
            return
        place = place.inside(node)
        own = self._own(node, kind, place.config, is_bound=is_bound)
        if own is not None:
            yield place.path, own, place.source
        if kind in BY_NAME:
            for name, one in fields_of(node):
                yield from self._parts(one["schema"], place.at(name), is_bound=False)
        is_bound = kind not in _MEASURED and (is_bound or _is_measured(node))
        for inner, step in _inside(node):
            yield from self._parts(inner, place.below(step), is_bound=is_bound)

    def _own(
        self, node: Any, kind: str, config: Mapping[str, Any], *, is_bound: bool
    ) -> Kind | None:
        """Return what a schema itself has no bound of."""
        measured = _MEASURED.get(kind)
        if kind in {"any", "function-plain"}:
            return "any"
        if kind == "int":
            return None if node.keys() & {"ge", "gt"} and node.keys() & {"le", "lt"} else "integer"
        if measured is not None and not (is_bound or _has_bound(node, kind, config)):
            return measured
        if kind in BY_NAME and extra_behavior(node, config) == "allow":
            return "extras"
        return "nesting" if kind == "union" and self._unions.doubles(node) else None


def _has_bound(node: Any, kind: str, config: Mapping[str, Any]) -> bool:
    if kind == "tuple" and "variadic_item_index" not in node:
        return True
    return "max_length" in node or (kind == "str" and "str_max_length" in config)


def _is_measured(node: Any) -> bool:
    """Return True for a check of a length that Pydantic has put around another schema."""
    function = node["function"]["function"] if node["type"].startswith("function") else None
    return "max_length" in (getattr(function, "keywords", None) or ())


def _inside(node: Any) -> Iterator[tuple[Any, str]]:
    """Yield the schemas inside of one, other than fields, with what they add to a path."""
    for key, step in _INNER.items():
        inner: Any = node.get(key)
        for one in inner if is_list(inner) else [inner]:
            if is_dict(one) and is_node(one):
                yield one, step
    for one in choices(node) if "choices" in node else node.get("steps", ()):
        yield one, ""
