"""Kinds of values that are about to be sent, where Pydantic writes others without an error.

An event that was changed after its construction, or made by `model_construct`, may hold anything.
Pydantic reports a text in place of a number, but writes None, a missing field, another model and
another literal as they are. `Kinds` finds these in two steps: `tests` look only at what Pydantic
passes over, in a few instructions, and `problem` at everything, to tell what is wrong.

This is no validation: validators do not run, and bounds are not looked at.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import cached_property
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeAlias, TypeGuard, cast
from uuid import UUID

from pydantic import AnyUrl, PostgresDsn
from pydantic_core import MultiHostUrl, Url
from typing_extensions import override

from bytesocket_app.events.core_schemas import ARRAYS, choices, fields_of, is_mapping
from bytesocket_app.events.serializing import masks_secrets, used_values, writes_its_own_kind

Test: TypeAlias = Callable[[Any], bool]
"""Function that returns True for a value that may be of a wrong kind."""

_SCALARS: Final[Mapping[str, tuple[type, ...]]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int, Decimal),
    "bool": (bool,),
    "bytes": (bytes, bytearray),
    "decimal": (Decimal, int),
    "datetime": (datetime,),
    "date": (date,),
    "time": (time,),
    "timedelta": (timedelta,),
    "uuid": (UUID,),
    "url": (Url, *AnyUrl.__bases__),
    "multi-host-url": (MultiHostUrl, *PostgresDsn.__bases__),
    "complex": (complex,),
    "fraction": (Fraction,),
}
"""Classes of values that are written as a type says."""

_WRAPPERS: Final = frozenset(
    {"default", "function-after", "function-before", "function-wrap", "custom-error"}
)
"""Schemas that are written as the one inside of them."""


class Problem(NamedTuple):
    """A value of a wrong kind.

    Attributes:
        place: Where it is, as in `items[0].n`; empty for the payload itself.
        expected: What is declared there.
        found: What is there; never the value.
    """

    place: str
    expected: str
    found: str

    def inside(self, place: str) -> "Problem":
        """Return the same problem as seen from outside."""
        joined = f"{place}.{self.place}" if self.place[:1] not in ("", "[") else place + self.place
        return self._replace(place=joined)

    @override
    def __str__(self) -> str:
        found = f"{self.expected} is declared, not {self.found}"
        return f"{self.place}: {found}" if self.place else found


class Kinds:
    """Kinds of the values of one type.

    Args:
        schema: Pydantic's core schema of the type.
    """

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        self._known: dict[str, Any] = {}

    @cached_property
    def tests(self) -> tuple[Test | None, Test | None]:
        """The test of every value, and that of those in whose text there is a null.

        Both return True for what `problem` has to look at, or raise an exception. The first finds
        what Pydantic writes without an error, and the second None where the type has none; for an
        object of simple fields alone the first one finds it too. None where there is nothing to
        test.
        """
        flat = _Odd(self._known, nulls=True).flat(self._schema)
        if flat is not None:
            return flat, None
        null = _Odd(self._known, nulls=True).test(self._schema)
        return _Odd(self._known, nulls=False).test(self._schema), null

    def problem(self, value: Any, *, is_partial: bool = False) -> Problem | None:
        """Return what is wrong with a value; None if nothing is.

        Args:
            value: The value.
            is_partial: True if fields that were not set are not sent.
        """
        return _Look(self._known, is_partial=is_partial).at(self._schema, value)


def _is_none(value: Any) -> bool:
    return value is None


_LEAF: Final[Test] = lambda value: value is None  # noqa: E731 - an object of its own
"""Test of a value that can only be None wrongly, which its object tests for many at once."""


class _Odd:
    """Maker of one of the tests of `Kinds.tests`.

    Args:
        definitions: Schemas that others refer to, by name; more are added.
        nulls: True for the test that finds None too.
    """

    def __init__(self, definitions: dict[str, Any], *, nulls: bool) -> None:
        self._known = definitions
        self._nulls = nulls
        self._referred: dict[str, Test] = {}

    def test(self, node: Any) -> Test | None:
        """Return the test of a schema; None if its values cannot be odd."""
        kind = node["type"]
        if _is_written(node):
            return self._written(node)
        if kind in _WRAPPERS:
            return self._nullable(node) if _is_nothing(node) else self.test(node["schema"])
        if kind in _SCALARS or kind == "enum":
            return _LEAF if self._nulls else None
        made = getattr(self, f"_{kind.replace('-', '_')}", None)
        return None if made is None else made(node)

    def flat(self, node: Any) -> Test | None:
        """Return the test of a model whose fields are all tested at once; None for others."""
        while node["type"] in _WRAPPERS and "serialization" not in node and not _is_nothing(node):
            node = node["schema"]
        inside = _fields_schema(node) if node["type"] == "model" else None
        if inside is None or node.get("root_model") or "serialization" in node:
            return None
        tests = self._field_tests(inside)
        if any(test is not _LEAF for _, test in tests):
            return None
        # Its class is not looked at: a field that is missing in another one raises KeyError.
        names, count = [name for name, _ in tests], len(dict(fields_of(inside)))
        find = _finder(names)
        if find is None or len(names) < count:
            return lambda value: (
                len(own := value.__dict__) != count or (find is not None and find(own))
            )
        if count == 1:
            only = names[0]
            return lambda value: value.__dict__[only] is None
        values = itemgetter(*names)
        return lambda value: None in values(value.__dict__)

    def _written(self, node: Any) -> Test | None:
        values = used_values(node)
        if values is not None:
            return _not_among(values)
        if not writes_its_own_kind(node["serialization"]):
            return None
        inside, look = _unwritten(node), _Look(self._known)
        usual = () if self._nulls else _usual(inside)
        if usual is None:
            return None
        return lambda value: not isinstance(value, usual) and look.at(inside, value) is not None

    def _nullable(self, node: Any) -> Test | None:
        inner = self.test(node["schema"])
        if inner is None or inner is _LEAF:
            return None
        return lambda value: value is not None and inner(value)

    def _definitions(self, node: Any) -> Test | None:
        _define(self._known, node)
        return self.test(node["schema"])

    def _lax_or_strict(self, node: Any) -> Test | None:
        lax = node["lax_schema"]
        return self.test(lax) if _is_written(lax) else None

    def _definition_ref(self, node: Any) -> Test | None:
        name = node["schema_ref"]

        def referred(value: Any) -> bool:
            test = self._referred.get(name)
            if test is None:
                test = self.test(self._known[name]) or _never
                self._referred[name] = test
            return test(value)

        return referred

    def _literal(self, node: Any) -> Test | None:
        return _not_among(node["expected"])

    def _union(self, node: Any) -> Test | None:
        """Return the test of a union, in which Pydantic is strict except for None."""
        if not self._nulls:
            return None
        tests = [(self._model_of(one), self.test(one)) for one in choices(node)]
        if any(test is None for _, test in tests):
            return None
        if all(test is _LEAF for _, test in tests):
            return _LEAF
        by_class = {cls: test for cls, test in tests if cls is not None and test is not None}
        others = all(test is _LEAF for cls, test in tests if cls is None)

        def is_odd(value: Any) -> bool:
            test = by_class.get(value.__class__)
            return (value is None or not others) if test is None else test(value)

        return is_odd

    def _model_of(self, node: Any) -> type | None:
        """Return the class whose objects a choice is for, if that decides."""
        if node["type"] == "definition-ref":
            node = self._known.get(node["schema_ref"], node)
        found = node["cls"] if node["type"] == "model" else None
        return found if isinstance(found, type) else None

    _tagged_union = _union

    def _list(self, node: Any) -> Test | None:
        inner = self.test(node["items_schema"]) if "items_schema" in node else None
        return self._array(inner)

    _set = _frozenset = _deque = _list

    def _array(self, inner: Test | None) -> Test | None:
        if inner is None:
            return _LEAF if self._nulls else None
        if inner is _LEAF:
            return lambda value: value is None or None in value
        if self._nulls:
            return lambda value: value is None or any(map(inner, value))
        return lambda value: value is not None and any(map(inner, value))

    def _tuple(self, node: Any) -> Test | None:
        items = node["items_schema"]
        variadic = node.get("variadic_item_index")
        tests = [self.test(one) for one in items]
        if variadic == 0 and len(items) == 1:
            return self._array(tests[0])
        if not any(tests):
            return _LEAF if self._nulls else None
        look = _Look(self._known)
        return lambda value: look.at(node, value) is not None

    def _named_tuple(self, node: Any) -> Test | None:
        look = _Look(self._known)
        return (lambda value: look.at(node, value) is not None) if self._nulls else None

    def _dict(self, node: Any) -> Test | None:
        keys = self.test(node["keys_schema"]) if "keys_schema" in node else None
        values = self.test(node["values_schema"]) if "values_schema" in node else None
        inner = values if values is not None and values is not _LEAF else None
        if keys is _LEAF:
            keys = None

        def is_odd(value: Any) -> bool:
            return (
                (value is not None and None in value)
                or (self._nulls and (value is None or (values is _LEAF and None in value.values())))
                or (keys is not None and value is not None and any(map(keys, value)))
                or (inner is not None and value is not None and any(map(inner, value.values())))
            )

        return is_odd

    _ordered_dict = _dict

    def _model(self, node: Any) -> Test | None:
        cls, inside = node["cls"], _fields_schema(node)
        if node.get("root_model"):
            root = self.test(inside)
            test = _is_none if root is _LEAF else root
            return lambda value: (
                type(value) is not cls
                or "root" not in value.__dict__
                or (test is not None and test(value.root))
            )
        if inside is None:
            return None
        members = self._members(inside)
        names = frozenset(dict(fields_of(inside)))
        count = len(names)

        def is_odd(value: Any) -> bool:
            if type(value) is not cls:
                return self._nulls or value is not None
            own = value.__dict__
            if len(own) != count and not names <= own.keys():
                return True
            return members is not None and members(own)

        return is_odd

    def _typed_dict(self, node: Any) -> Test | None:
        required = _required(node)
        members = self._members(node, required)

        def is_odd(value: Any) -> bool:
            if value is None:
                return self._nulls
            return not required <= value.keys() or (members is not None and members(value))

        return is_odd

    def _dataclass(self, node: Any) -> Test | None:
        cls = node["cls"]
        look = _Look(self._known)
        inside = _fields_schema(node)
        tests = [] if inside is None else [self.test(one["schema"]) for _, one in fields_of(inside)]
        if not any(tests):
            return lambda value: type(value) is not cls and (self._nulls or value is not None)
        return lambda value: (
            (self._nulls or value is not None) and (look.at(node, value) is not None)
        )

    def _members(self, node: Any, required: Iterable[str] | None = None) -> Test | None:
        """Return the test of an object's members, given as a dict that has the required ones."""
        found = self._field_tests(node)
        leaves = [
            name for name, test in found if test is _LEAF and (required is None or name in required)
        ]
        tests = [(name, test) for name, test in found if name not in leaves]
        find = _finder(leaves)
        if not tests:
            return find
        if required is None:
            return lambda own: (
                (find is not None and find(own)) or any(test(own[name]) for name, test in tests)
            )
        return lambda own: (
            (find is not None and find(own))
            or any(test(own[name]) for name, test in tests if name in own)
        )

    def _field_tests(self, node: Any) -> list[tuple[str, Test]]:
        """Return the tests of an object's fields, of those that need one."""
        fields = [(name, one) for name, one in fields_of(node) if not _is_left_out(one)]
        tests = [(name, self.test(one["schema"])) for name, one in fields]
        return [(name, test) for name, test in tests if test is not None]


def _never(_value: Any) -> bool:
    return False


def _finder(names: list[str]) -> Test | None:
    """Return the test whether one of some members is None."""
    if not names:
        return None
    if len(names) == 1:
        name = names[0]
        return lambda own: own[name] is None
    values = itemgetter(*names)
    return lambda own: None in values(own)


def _not_among(values: Iterable[Any]) -> Test:
    values = list(values)
    kinds: dict[Any, Any] = {value: type(value) for value in values}
    if len(kinds) < len(values):  # `True` and `1` are equal
        return _no_pair_among({(value, type(value)) for value in values})

    def is_odd(value: Any) -> bool:
        try:
            return kinds.get(value) is not type(value)
        except TypeError:  # not hashable, so none of them
            return True

    return is_odd


def _no_pair_among(pairs: Collection[Any]) -> Test:
    def is_odd(value: Any) -> bool:
        try:
            return (value, type(value)) not in pairs
        except TypeError:  # not hashable, so none of them
            return True

    return is_odd


class _Look:
    """A look at a whole value, which tells what is wrong with it."""

    def __init__(self, definitions: dict[str, Any], *, is_partial: bool = False) -> None:
        self._known = definitions
        self._is_partial = is_partial

    def at(self, node: Any, value: Any) -> Problem | None:
        """Return the first problem of a value; None if there is none."""
        kind = node["type"]
        if _is_written(node):
            return self._written(node, value)
        if kind in _WRAPPERS:
            if kind == "default" and value is node.get("default", ...) and _is_sentinel(value):
                return None
            return self.at(node["schema"], value)
        if kind in _SCALARS:
            return _scalar(kind, value)
        look = getattr(self, f"_{kind.replace('-', '_')}", None)
        found: Problem | None = None if look is None else look(node, value)
        return found

    def _written(self, node: Any, value: Any) -> Problem | None:
        values = used_values(node)
        if values is not None:
            return _literal_problem(values, value) if _not_among(values)(value) else None
        if not writes_its_own_kind(node["serialization"]):
            return None
        if masks_secrets(node["serialization"]):
            return _wrong("a secret", None) if value is None else None
        return self.at(_unwritten(node), value)

    def _lax_or_strict(self, node: Any, value: Any) -> Problem | None:
        return self.at(_of_python(node), value)

    _json_or_python = _lax_or_strict

    def _chain(self, node: Any, value: Any) -> Problem | None:
        """Look at a `Sequence`, of which there are other classes than list and tuple."""
        steps = node["steps"]
        if len(steps) != 2 or steps[0]["type"] != "is-instance":  # noqa: PLR2004
            return None
        problem = self.at(steps[0], value)
        if problem is not None or isinstance(value, str | bytes | bytearray):
            return problem or _wrong(_class_name(steps[0]), value)
        held: Any = list(value) if _is_sequence(value) else value
        return self.at(steps[1], held)

    def _is_instance(self, node: Any, value: Any) -> Problem | None:
        return None if isinstance(value, node["cls"]) else _wrong(_class_name(node), value)

    def _nullable(self, node: Any, value: Any) -> Problem | None:
        return None if value is None else self.at(node["schema"], value)

    def _definitions(self, node: Any, value: Any) -> Problem | None:
        _define(self._known, node)
        return self.at(node["schema"], value)

    def _definition_ref(self, node: Any, value: Any) -> Problem | None:
        return self.at(self._known[node["schema_ref"]], value)

    def _none(self, _node: Any, value: Any) -> Problem | None:
        return None if value is None else _wrong("None", value)

    def _literal(self, node: Any, value: Any) -> Problem | None:
        for one in node["expected"]:
            if isinstance(value, type(one)) and value == one and type(value) is not bool:
                return None
        return (
            _literal_problem(node["expected"], value)
            if _not_among(node["expected"])(value)
            else None
        )

    def _enum(self, node: Any, value: Any) -> Problem | None:
        return None if isinstance(value, node["cls"]) else _wrong(node["cls"].__name__, value)

    def _union(self, node: Any, value: Any) -> Problem | None:
        found: list[Problem] = []
        for one in choices(node):
            problem = self.at(one, value)
            if problem is None:
                return None
            found.append(problem)
        deepest = max(found, key=lambda problem: len(problem.place))
        if deepest.place:
            return deepest
        expected = " or ".join(dict.fromkeys(problem.expected for problem in found))
        return _wrong(expected, value)

    _tagged_union = _union

    def _list(self, node: Any, value: Any) -> Problem | None:
        kind = node["type"]
        if not isinstance(value, ARRAYS[kind]):
            return _wrong(kind, value)
        items, members = node.get("items_schema"), list(cast("Iterable[Any]", value))
        return None if items is None else self._items([items] * len(members), members)

    _set = _frozenset = _deque = _list

    def _named_tuple(self, node: Any, value: Any) -> Problem | None:
        if not isinstance(value, node["cls"]):
            return _wrong(node["cls"].__name__, value)
        return self._members(node, value._asdict(), frozenset())

    def _tuple(self, node: Any, value: Any) -> Problem | None:
        if not isinstance(value, ARRAYS["tuple"]):
            return _wrong("tuple", value)
        members: list[Any] = list(cast("Iterable[Any]", value))
        items, variadic = list(node["items_schema"]), node.get("variadic_item_index")
        if variadic is not None:
            more = len(members) - len(items) + 1
            items[variadic : variadic + 1] = [items[variadic]] * max(more, 0)
        if len(items) != len(members):
            return Problem("", f"a tuple of {len(items)}", f"one of {len(members)}")
        return self._items(items, members)

    def _items(self, schemas: Iterable[Any], value: Iterable[Any]) -> Problem | None:
        for index, (schema, item) in enumerate(zip(schemas, value, strict=True)):
            problem = self.at(schema, item)
            if problem is not None:
                return problem.inside(f"[{index}]")
        return None

    def _dict(self, node: Any, value: Any) -> Problem | None:
        if not is_mapping(value):
            return _wrong("dict", value)
        for key, member in value.items():
            if key is None:
                return _wrong("a key", None)
            problem = self.at(node["keys_schema"], key) if "keys_schema" in node else None
            if problem is not None:
                return problem._replace(place="", expected=f"a key of {problem.expected}")
            problem = self.at(node["values_schema"], member) if "values_schema" in node else None
            if problem is not None:
                return problem.inside("[...]")
        return None

    _ordered_dict = _dict

    def _model(self, node: Any, value: Any) -> Problem | None:
        cls, inside = node["cls"], _fields_schema(node)
        if not isinstance(value, cls):
            return _wrong(cls.__name__, value)
        own: dict[str, Any] = value.__dict__
        if node.get("root_model"):
            return self.at(inside, own["root"]) if "root" in own else Problem("", "a root", "none")
        if inside is None:
            return None
        sent = value.__pydantic_fields_set__ if self._is_partial else None
        problem = self._members(inside, own, frozenset(dict(fields_of(inside))), sent)
        extra = value.__pydantic_extra__
        if problem is None and extra and "extras_schema" in inside:
            return self._extras(inside["extras_schema"], extra)
        return problem

    def _typed_dict(self, node: Any, value: Any) -> Problem | None:
        if not is_mapping(value):
            return _wrong(_title(node, "dict"), value)
        return self._members(node, value, _required(node))

    def _dataclass(self, node: Any, value: Any) -> Problem | None:
        cls, inside = node["cls"], _fields_schema(node)
        if not isinstance(value, cls) or isinstance(value, type):
            return _wrong(cls.__name__, value)
        if inside is None:
            return None
        names = dict(fields_of(inside))
        own = {name: getattr(value, name) for name in names if hasattr(value, name)}
        return self._members(inside, own, frozenset(names))

    def _members(
        self,
        node: Any,
        own: Mapping[str, Any],
        required: frozenset[str],
        sent: Any = None,
    ) -> Problem | None:
        for name, field in fields_of(node):
            if _is_left_out(field) or (sent is not None and name not in sent and name in own):
                continue
            if name in own:
                problem = self.at(field["schema"], own[name])
            elif name in required:
                problem = Problem("", "a value", "none, it is missing")
            else:
                continue
            if problem is not None:
                return problem.inside(name)
        return None

    def _extras(self, schema: Any, extra: Mapping[str, Any]) -> Problem | None:
        for member in extra.values():
            problem = self.at(schema, member)
            if problem is not None:
                return problem.inside("[...]")  # a peer may have chosen the name
        return None


def _is_sequence(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, Sequence)


def _scalar(kind: str, value: Any) -> Problem | None:
    is_right = isinstance(value, _SCALARS[kind])
    if kind == "date":
        is_right = is_right and not isinstance(value, datetime)
    elif kind == "decimal":
        is_right = is_right and not isinstance(value, bool)
    return None if is_right else _wrong(kind, value)


def _wrong(expected: str, value: Any) -> Problem:
    return Problem("", expected, "None" if value is None else type(value).__name__)


def _literal_problem(values: Iterable[Any], value: Any) -> Problem:
    """Tell of a value that is none of a few; it is not shown, as nobody chose it."""
    return _wrong(f"one of {', '.join(map(repr, values))}", value)


def _fields_schema(node: Any) -> Any:
    """Return the part of an object's schema that has its fields; None for one without."""
    inside = node["schema"]
    if node.get("root_model"):  # all of it: the root may have a default
        return inside
    while inside["type"] in _WRAPPERS or inside["type"] == "definitions":
        inside = inside["schema"]
    has_fields = inside["type"] in ("model-fields", "dataclass-args")
    return inside if has_fields else None


def _required(node: Any) -> frozenset[str]:
    total = node.get("total", True)
    return frozenset(name for name, one in fields_of(node) if one.get("required", total))


def _is_left_out(field: Any) -> bool:
    return bool(field.get("serialization_exclude") or "serialization_exclude_if" in field)


def _is_nothing(node: Any) -> bool:
    """Return True for a field whose default is None, whatever its type says."""
    return node["type"] == "default" and "default" in node and node["default"] is None


def _is_sentinel(value: Any) -> bool:
    """Return True for a default that stands for a missing value, and is not of the field's type."""
    return value is None or isinstance(value, Enum)


def _is_written(node: Any) -> bool:
    return "serialization" in node or used_values(node) is not None


def _unwritten(node: Any) -> Any:
    """Return a schema without its serializer, which says of what kind the value is."""
    return {key: value for key, value in node.items() if key != "serialization"}


def _of_python(node: Any) -> Any:
    """Return the part of a schema that says of what kind a value in Python is.

    Where a function of Pydantic's reads any value, as for an IP address, it is the strict part.
    """
    while node["type"] in ("lax-or-strict", "json-or-python"):
        if node["type"] == "json-or-python":
            node = node["python_schema"]
        else:
            is_open = node["lax_schema"]["type"] == "function-plain"
            node = node["strict_schema" if is_open else "lax_schema"]
    return node


def _usual(node: Any) -> tuple[type, ...] | None:
    """Return the classes whose values Pydantic looks at itself, or has nothing to look at.

    None where any value is written as it is.
    """
    node = _of_python(node)
    while node["type"] in _WRAPPERS:
        node = node["schema"]
    if node["type"] == "chain":
        return (list, tuple)
    if node["type"] == "dict":
        return (dict,)
    is_class = node["type"] == "is-instance" and isinstance(node["cls"], type)
    return (node["cls"],) if is_class else None


def _class_name(node: Any) -> str:
    return str(node.get("cls_repr") or getattr(node["cls"], "__name__", node["cls"]))


def _define(definitions: dict[str, Any], node: Any) -> None:
    for one in node["definitions"]:
        definitions[one["ref"]] = one


def _title(node: Any, otherwise: str) -> str:
    return str(node.get("cls_name") or otherwise)
