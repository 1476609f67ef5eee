"""Work of validation for unions inside of themselves, which doubles with each level of nesting.

Pydantic reads a value of a union without a discriminator with every choice that takes its kind. If
two choices hold the union again, each level multiplies the work: a valid message with 60 levels
would never be done. A walk over the decoded value counts how often each part would be read, and
refuses what is read too often, before Pydantic sees it.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from itertools import chain
from typing import Any, Final, NoReturn, TypeAlias, TypeGuard, cast

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from bytesocket_app.events.core_schemas import choices, is_node, nodes

_SPARE: Final = 8192
"""Work that any message may make: objects read by a model each."""
_TIMES: Final = 8
"""How much more of it a message may make than each of its parts read once."""
_FIELDS: Final = 4
_MEMBERS: Final = 8
_CHARACTERS: Final = 1024
"""Declared fields, each of which may be a problem, members of a list or map, and characters of
text, that cost as much as an object."""

_KNOWN: Final = 256
"""Loads that are kept from one message to the next."""

_LISTS: Final = frozenset({"list", "set", "frozenset", "deque", "generator", "tuple"})
_DICTS: Final = frozenset({"dict", "frozendict", "ordered-dict", "counter"})
_BY_NAME: Final = frozenset(
    {"model-fields", "typed-dict", "dataclass-args", "named-tuple", "arguments"}
)
_POSITIONAL: Final = frozenset({"named-tuple", "arguments"})
_WRAPPED: Final = ("schema", "json_schema", "lax_schema", "arguments_schema")
"""Keys of the schemas that read the same value. Of two for the same input, the one for JSON and the
lenient one say what peers may send."""


class RecursiveUnions:
    """Readers of the parts of one type's values, and the unions that they are read through.

    Args:
        schema: The type's core schema.
    """

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        self._definitions = {node["ref"]: node for node in nodes(schema) if "ref" in node}
        self._made: dict[tuple[int, str], _ValueReader] = {}
        self._unions: dict[int, set[_ValueReader]] = {}

    def doubles(self, union: Any) -> bool:
        """Return True if two choices of a union take values of one kind, and hold the union again.

        Tagged unions are read by one choice; lists and maps are told apart at once.
        """
        kinds = Counter(
            kind
            for choice in choices(union)
            for kind in {one.kind for one in self._untagged(choice) if self._holds(one, union)}
        )
        return any(count > 1 for count in kinds.values())

    def guard(self) -> Callable[[Any], None] | None:
        """Return what refuses a decoded value that is too much work; None for most types.

        The function raises `pydantic.ValidationError`.
        """
        unions = (node for node in nodes(self._schema) if node["type"] == "union")
        if not any(map(self.doubles, unions)):
            return None
        readers, known = Counter(self._readers(self._schema)), dict[Any, _Load]()

        def refuse_much(decoded: Any) -> None:
            if len(known) > _KNOWN:
                known.clear()
            if _is_too_much(decoded, _load(readers, known)):
                _refuse()

        return refuse_much

    def _untagged(self, node: Any) -> Iterator["_ValueReader"]:
        waiting, seen = self._readers(node), set["_ValueReader"]()
        while waiting:
            reader = waiting.pop()
            if reader.kind == "tagged" and reader not in seen:
                seen.add(reader)
                waiting += reader.all()
            elif reader.kind != "tagged":
                yield reader

    def _holds(self, reader: "_ValueReader", union: Any) -> bool:
        """Return True if a reader's values may hold the union."""
        waiting, seen = [reader], set["_ValueReader"]()
        while waiting:
            one = waiting.pop()
            if one not in seen:
                seen.add(one)
                waiting += one.all()
        return not seen.isdisjoint(self._unions.get(id(union), ()))

    def _readers(self, node: Any, holder: "_ValueReader | None" = None) -> "_ValueReaders":
        """Return what reads a value of a schema, as often as it does.

        Args:
            node: The schema.
            holder: What reads the value that the schema's value is a part of.
        """
        found: _ValueReaders = []
        waiting: list[tuple[Any, frozenset[str]]] = [(node, frozenset())]
        while waiting:
            one, names = waiting.pop()
            kind = one["type"]
            if kind in _LISTS or kind in _DICTS or kind in _BY_NAME:
                found += self._containers(one, kind)
            elif kind in {"tagged-union", "json"}:
                found.append(self._reader(one, "tagged" if kind == "tagged-union" else "text"))
            elif kind == "definition-ref":
                name = one["schema_ref"]
                if name not in names:  # else it is inside of itself, with nothing around
                    waiting.append((self._definitions[name], names | {name}))
            else:
                if kind == "union" and holder is not None:
                    self._unions.setdefault(id(one), set()).add(holder)
                waiting += ((inner, names) for inner in _wrapped(one))
        return found

    def _containers(self, node: Any, kind: str) -> Iterator["_ValueReader"]:
        if kind in _LISTS or kind in _POSITIONAL:
            yield self._reader(node, "list")
        if kind not in _LISTS:
            yield self._reader(node, "map")

    def _reader(self, node: Any, kind: str) -> "_ValueReader":
        reader = self._made.get((id(node), kind))
        if reader is None:
            # Known before its parts are looked at, as they may hold it again.
            reader = self._made[id(node), kind] = _ValueReader(kind)
            self._fill(reader, node)
        return reader

    def _fill(self, reader: "_ValueReader", node: Any) -> None:
        if reader.kind == "list":
            self._fill_list(reader, node)
        elif reader.kind == "tagged":
            self._fill_tagged(reader, node)
        elif reader.kind == "text":
            reader.rest = self._readers(node["schema"], reader) if "schema" in node else []
        elif node["type"] in _BY_NAME:
            self._fill_fields(reader, node)
        elif "values_schema" in node:
            reader.rest = self._readers(node["values_schema"], reader)

    def _fill_fields(self, reader: "_ValueReader", node: Any) -> None:
        if "extras_schema" in node:
            reader.rest = self._readers(node["extras_schema"], reader)
        reader.weight += len(node.get("fields", ())) // _FIELDS
        for name, field in _fields(node):
            found = self._readers(field["schema"], reader)
            paths = list(_paths(field.get("validation_alias", field.get("alias"))))
            for path in paths:
                reader.put(path, found)
            if [name] not in paths:  # the field's own name, or else an unknown member
                reader.put([name], found if not paths else [*found, *reader.rest])

    def _fill_list(self, reader: "_ValueReader", node: Any) -> None:
        items: Any = node.get("items_schema", ())
        if node["type"] in _POSITIONAL:
            items = [field["schema"] for _, field in _fields(node)]
        elif isinstance(items, dict):
            reader.rest = self._readers(items, reader)
            return
        each = [self._readers(item, reader) for item in items]
        variadic = node.get("variadic_item_index", len(each))
        reader.by_key = dict(enumerate(each[:variadic]))
        reader.rest = list(chain.from_iterable(each[variadic:]))

    def _fill_tagged(self, reader: "_ValueReader", node: Any) -> None:
        discriminator = node["discriminator"]
        reader.tag = discriminator if callable(discriminator) else _looker(discriminator)
        for tag, choice in zip(node["choices"], choices(node), strict=True):
            key = tag.value if isinstance(tag, Enum) else tag
            reader.by_key[key] = self._readers(choice, reader)
        reader.rest = list(chain.from_iterable(reader.by_key.values()))


class _ValueReader:
    """Model, list, dict or the like that reads values of one kind.

    Attributes:
        kind: "map", "list", "text" (which holds JSON), or "tagged": any of them, by its tag.
        by_key: What the parts with these names or positions, or the values with these tags, are
            read by.
        rest: What all others are read by.
        tag: Function that finds the tag of a value, if the kind is "tagged".
        weight: What one reading costs at least.
    """

    __slots__ = ("by_key", "kind", "rest", "tag", "weight")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.by_key: dict[Any, _ValueReaders] = {}
        self.rest: _ValueReaders = []
        self.tag: Callable[[Any], Any] | None = None
        self.weight = 1

    def all(self) -> Iterator["_ValueReader"]:
        """Yield what any part is read by."""
        return chain(self.rest, *self.by_key.values())

    def put(self, path: list[Any], found: "_ValueReaders") -> None:
        """Have the part at a path read by these."""
        for key in reversed(path[1:]):
            step = _ValueReader("map" if isinstance(key, str) else "list")
            if isinstance(key, int) and key < 0:
                step.rest = found
            else:
                step.by_key[key] = found
            found = [step]
        self.by_key[path[0]] = [*self.by_key.get(path[0], ()), *found]

    def choice(self, value: Any) -> "_ValueReaders":
        """Return what reads a value with its tag; all choices if the tag is not clear."""
        try:
            tag = self.tag(value) if self.tag is not None else None
            return self.by_key.get(tag, self.rest)
        except Exception:  # noqa: BLE001 - a user's function, which Pydantic will call again
            return self.rest


_ValueReaders: TypeAlias = list[_ValueReader]


class _Load:
    """Readers of one value, each with how often it reads the value.

    Args:
        times: The readers, with these numbers.
        known: Loads that are known already, so that each is made once.
    """

    def __init__(self, times: "_Times", known: "_Known") -> None:
        self._times = times
        self._known = known
        self._by_kind: dict[str, _Times] = {}
        for reader, count in times.items():
            self._by_kind.setdefault(reader.kind, {})[reader] = count
        self._inside: dict[tuple[str, Any], _Load | None] = {}
        self.work = sum(reader.weight * count for reader, count in times.items())

    def chosen(self, value: Any) -> "_Load":
        """Return the load with a choice in place of each tagged union."""
        if "tagged" not in self._by_kind:
            return self
        chosen: _Times = {}
        for reader, count in self._times.items():
            for one in reader.choice(value) if reader.kind == "tagged" else [reader]:
                chosen[one] = chosen.get(one, 0) + count
        return _load(chosen, self._known).chosen(value)

    def parts(self, value: Any) -> Iterator[tuple[Any, "_Load"]]:
        """Yield the parts of a value that can hold others, and their loads."""
        kind = _kind_of(value)
        readers = self._by_kind.get(kind)
        if readers is None:
            return
        for key, part in _items(value):
            if isinstance(part, dict | list | str | bytes):
                load = self._of_part(kind, key, readers)
                if load is not None:
                    yield part, load

    def _of_part(self, kind: str, key: Any, readers: "_Times") -> "_Load | None":
        name = (kind, key if any(key in reader.by_key for reader in readers) else None)
        if name not in self._inside:
            inner: _Times = {}
            for reader, count in readers.items():
                for one in reader.by_key.get(key, reader.rest):
                    inner[one] = inner.get(one, 0) + count
            self._inside[name] = _load(inner, self._known) if inner else None
        return self._inside[name]


_Times: TypeAlias = dict[_ValueReader, int]
_Known: TypeAlias = dict[frozenset[tuple[_ValueReader, int]], _Load]


def _load(times: _Times, known: _Known) -> _Load:
    name = frozenset(times.items())
    load = known.get(name)
    if load is None:
        load = known[name] = _Load(times, known)
    return load


def _is_too_much(decoded: Any, load: _Load) -> bool:
    size = work = 0
    waiting: list[Iterator[tuple[Any, _Load]]] = [iter([(decoded, load)])]
    while waiting:
        found = next(waiting[-1], None)
        if found is None:
            waiting.pop()
            continue
        value, load = found
        load = load.chosen(value)
        weight = _weight(value)
        size += weight
        work += weight * load.work
        if value:
            waiting.append(load.parts(value))
    return work > _SPARE + _TIMES * size


def _items(value: Any) -> Iterable[tuple[Any, Any]]:
    if _is_dict(value):
        return value.items()
    if _is_list(value):
        return enumerate(value)
    try:
        return [(None, json.loads(value, object_pairs_hook=_with_every_member, parse_int=len))]
    except (ValueError, RecursionError):  # no JSON, or deeper than Pydantic reads it
        return ()


def _with_every_member(pairs: list[tuple[str, Any]]) -> dict[Any, Any]:
    """Return a dict with each member of a name, of which a model reads the last, a dict all."""
    last = dict(pairs)
    if len(last) == len(pairs):
        return last
    return last | dict(enumerate(value for _, value in pairs))


def _kind_of(value: Any) -> str:
    return "map" if isinstance(value, dict) else "list" if isinstance(value, list) else "text"


def _weight(value: Any) -> int:
    """Return what one reading of a value costs without its parts that can hold others."""
    if isinstance(value, str | bytes):
        return 1 + len(value) // _CHARACTERS
    members: Iterable[Any]
    if _is_dict(value):
        members = chain(value, value.values())
    elif _is_list(value):
        members = value
    else:
        return 1
    texts = sum(len(one) for one in members if isinstance(one, str | bytes)) if value else 0
    return 1 + len(value) // _MEMBERS + texts // _CHARACTERS


def _refuse() -> NoReturn:
    """Raise the ValidationError of a value that is too much work."""
    problem = PydanticCustomError(
        "union_nesting",
        "nested too deep for a union without a discriminator, where each level multiplies the "
        'work: the union needs Field(discriminator="kind")',
    )
    raise ValidationError.from_exception_data("", [{"type": problem, "loc": (), "input": None}])


def _wrapped(node: Any) -> Iterator[Any]:
    """Yield the schemas that read the same value as one that wraps them."""
    for key in _WRAPPED:
        inner = node.get(key)
        if _is_dict(inner) and is_node(inner):
            yield inner
    yield from choices(node) if "choices" in node else node.get("steps", ())


def _fields(node: Any) -> Iterable[tuple[str, Any]]:
    fields: Any = node.get("fields", node.get("arguments_schema"))
    return fields.items() if _is_dict(fields) else ((one["name"], one) for one in fields)


def _paths(alias: Any) -> Iterator[list[Any]]:
    """Yield the paths of an alias: a name, a path, or a list of paths."""
    if isinstance(alias, str):
        yield [alias]
    elif _is_list(alias) and alias:
        yield from cast("list[list[Any]]", alias if _is_list(alias[0]) else [alias])


def _looker(discriminator: Any) -> Callable[[Any], Any]:
    """Return the function that finds a tag at the first path that a value has."""
    paths = list(_paths(discriminator))

    def find(value: Any) -> Any:
        for path in paths:
            found = value
            for key in path:
                has = key in found if isinstance(key, str) else -len(found) <= key < len(found)
                if not has:
                    break
                found = found[key]
            else:
                return found
        return None

    return find


def _is_dict(value: object) -> TypeGuard[dict[Any, Any]]:
    return isinstance(value, dict)


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)
