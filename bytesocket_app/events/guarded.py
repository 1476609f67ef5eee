"""Validation of large payloads, which stops early where a list of all problems would be long.

Pydantic collects every problem of a value: a mebibyte of wrong list items costs seconds and more
than a gigabyte. A changed copy of the type's schema stops at the first bad member of each
collection, and looks at unknown members of closed models before the model does. It accepts the same
values, and reads them alike.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any, Final, cast

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, SchemaValidator, core_schema

from bytesocket_app.events.core_schemas import (
    BY_NAME,
    choices,
    core,
    extra_behavior,
    fields_of,
    is_dict,
    is_node,
    mapped,
    nodes,
    schema_validator,
)

_COLLECTIONS: Final = {
    "counter": "CounterSchema",
    "deque": "DequeSchema",
    "dict": "DictSchema",
    "frozendict": "FrozenDictSchema",
    "frozenset": "FrozenSetSchema",
    "list": "ListSchema",
    "ordered-dict": "OrderedDictSchema",
    "set": "SetSchema",
    "tuple": "TupleSchema",
}
_STOPPING: Final = frozenset(
    kind
    for kind, name in _COLLECTIONS.items()
    if "fail_fast" in getattr(getattr(core_schema, name, None), "__annotations__", ())
)
"""Collections that the installed Pydantic can leave at the first bad member."""

_NAMED_INSIDE: Final = frozenset({"typed-dict", "definition-ref"})
_TOLD: Final = 16
"""Unknown members that are looked at one by one."""


def problems_of_one(schema: Any) -> int:
    """Return how many problems one element of a value may have; 0 if a value has few elements.

    A model may lack all of its fields, and a value of a union be wrong for every choice.
    """
    found = list(nodes(schema))
    if not any(node["type"] in _COLLECTIONS or _takes_extras(node) for node in found):
        return 0
    definitions = {node["ref"]: node for node in found if "ref" in node}
    return max(_problems(node, definitions, frozenset()) for node in found)


def _takes_extras(node: Mapping[str, Any]) -> bool:
    told = extra_behavior(node, node.get("config", {}))
    return told == "forbid" or "extras_schema" in node


def _problems(node: Any, definitions: Mapping[str, Any], seen: frozenset[str]) -> int:
    kind = node.get("type")
    if kind in BY_NAME:
        return len(node["fields"]) or 1
    if kind == "definition-ref":
        name = node["schema_ref"]
        is_new = name in definitions and name not in seen
        return _problems(definitions[name], definitions, seen | {name}) if is_new else 1
    if kind in {"union", "tagged-union"}:
        each = [_problems(one, definitions, seen) for one in choices(node)]
        return sum(each) if kind == "union" else max(each)
    inner = node.get("schema")
    return _problems(inner, definitions, seen) if is_dict(inner) else 1


def guarded_schema(schema: Any, *, is_json: bool) -> Any:
    """Return a changed copy of a core schema, whose validator stops early.

    Args:
        schema: The type's core schema.
        is_json: True for use in JSON mode, where functions in front of a schema would change how
            strict it is.
    """
    return _Guard(schema, is_json=is_json).schema


class _Guard:
    """Copies a schema with its changes.

    Attributes:
        schema: The copy.
        definitions: The copies of what it refers to, for the validators of unknown members.
    """

    def __init__(self, schema: Any, *, is_json: bool) -> None:
        self._is_json = is_json
        self.definitions: list[Any] = []
        self._own = [one for node in nodes(schema) for one in node.get("definitions", ())]
        self.schema = self._copy(schema, {})

    def _copy(self, schema: Any, config: Any) -> Any:
        if is_node(schema):
            config = schema.get("config", config)
        node = mapped(schema, partial(self._copy, config=config))
        if not is_node(node):
            return node
        kind = node["type"]
        if kind == "union" and not self._is_json:
            node["choices"] = list(map(self._named, schema["choices"], node["choices"]))
        if kind == "definitions" and isinstance(node.get("definitions"), list):
            self.definitions += node["definitions"]
        if kind in _STOPPING:
            node["fail_fast"] = True
        elif kind in BY_NAME and kind != "named-tuple":
            return self._closed(node, config or {})
        return node

    def _named(self, own: Any, copy: Any) -> Any:
        """Return the copy of a union's choice with the name that problems have for the choice.

        A check in front of a dict would add itself to that name. Models have names of their own.
        """
        if isinstance(own, tuple) or not any(node["type"] in _NAMED_INSIDE for node in nodes(own)):
            return copy
        whole = core_schema.definitions_schema(core(own), self._own) if self._own else own
        return copy, schema_validator(whole).title

    def _closed(self, node: dict[str, Any], config: Any) -> Any:
        """Return the schema of a model's fields that tells of a few unknown members only."""
        behaviour = extra_behavior(node, config)
        if self._is_json:
            if behaviour != "forbid" or node["type"] != "model-fields":
                return node
            node["extra_behavior"] = "allow"
            ref = node.pop("ref", None)
            inner = core(node)
            return core_schema.no_info_after_validator_function(_without_extras, inner, ref=ref)
        check: Callable[[Any], Any]
        if behaviour == "forbid":
            check = _Unknown(node)
        elif behaviour == "allow" and "extras_schema" in node:
            check = _Extras(node, config, self.definitions)
        else:
            return node
        ref = node.pop("ref", None)
        return core_schema.no_info_before_validator_function(check, core(node), ref=ref)


class _Unknown:
    """Refuses a dict with more members than a closed model can have."""

    def __init__(self, node: Mapping[str, Any]) -> None:
        self._known = frozenset(_names(node))
        is_data_class = node["type"] == "dataclass-args"
        self._problem = "unexpected_keyword_argument" if is_data_class else "extra_forbidden"

    def __call__(self, value: Any) -> Any:
        if is_dict(value) and len(value) > len(self._known) + _TOLD:
            _refuse(value, self._known, self._problem)
        return value


class _Extras:
    """Looks at many unknown members until the first bad one, before the model looks at all."""

    def __init__(self, node: Mapping[str, Any], config: Any, definitions: list[Any]) -> None:
        self._known = frozenset(_names(node))
        self._values = node["extras_schema"]
        self._keys = node.get("extras_keys_schema")
        self._config = config
        self._definitions = definitions
        self._validator: SchemaValidator | None = None

    def __call__(self, value: Any) -> Any:
        if is_dict(value) and len(value) > len(self._known) + _TOLD:
            self._validator = self._validator or self._made()
            extras = {key: item for key, item in value.items() if key not in self._known}
            self._validator.validate_python(extras)
        return value

    def _made(self) -> SchemaValidator:
        """Make the validator when it is first needed, as a model may hold itself."""
        schema: core_schema.CoreSchema = core_schema.dict_schema(self._keys, self._values)
        if "dict" in _STOPPING:
            schema = core({**schema, "fail_fast": True})
        if self._definitions:
            schema = core_schema.definitions_schema(schema, self._definitions)
        return schema_validator(schema, self._config)


def _without_extras(made: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
    """Refuse the unknown members of a closed model, which was read as an open one."""
    fields, extras, names = made
    if extras:
        _refuse(extras, frozenset(), "extra_forbidden")
    return fields, None, names


def _refuse(members: Mapping[Any, Any], known: frozenset[str], problem: str) -> None:
    """Raise ValidationError for the first unknown members."""
    unknown = (key for key in members if isinstance(key, str) and key not in known)
    problems: list[InitErrorDetails] = [
        {"type": problem, "loc": (key,), "input": members[key]} for key in islice(unknown, _TOLD)
    ]
    if problems:
        raise ValidationError.from_exception_data("", problems)


def _names(node: Mapping[str, Any]) -> Iterator[str]:
    """Yield every name that a field may have in the input."""
    for name, one in fields_of(node):
        yield name
        yield from _texts(one.get("validation_alias"))


def _texts(alias: Any) -> Iterator[str]:
    if isinstance(alias, str):
        yield alias
    elif isinstance(alias, list):
        for part in cast("list[object]", alias):
            yield from _texts(part)
