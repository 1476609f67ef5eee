"""Values of any type that Pydantic can validate, drawn by Hypothesis from its core schema.

The contract is what is under test, so nothing here reads it: constraints, defaults and
discriminators come from Pydantic itself. Bounded on purpose: collections hold three items at most.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from enum import Flag
from functools import reduce
from typing import Any, cast

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from pydantic import TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticOmit, to_json

Node = Mapping[str, Any]
Strategy = SearchStrategy[Any]

ANY: Node = {"type": "any"}
SAFE = 2**53 - 1
MANY = 3
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ZONES: SearchStrategy[Any] = st.integers(-12 * 60, 14 * 60).map(
    lambda m: dt.timezone(dt.timedelta(minutes=m))
)
NO_ZONE: SearchStrategy[Any] = st.none()
FORMATS: Mapping[str, Sequence[str]] = {
    "ipv4": ["127.0.0.1", "0.0.0.0"],
    "ipv6": ["::1", "2001:db8::1"],
    "path": ["/a/b", "c.txt"],
    "regex": ["^a+$", "[b-d]"],
    "zoneinfo": ["UTC", "Europe/Berlin"],
    "uri": ["https://example.org/a?b=c", "http://münchen.example/"],
    "password": ["hunter2", "*/"],
}
WRAPPED = {
    "default": "schema",
    "nullable": "schema",
    "function-before": "schema",
    "function-after": "schema",
    "function-wrap": "schema",
    "json-or-python": "json_schema",
    "lax-or-strict": "lax_schema",
    "model-field": "schema",
    "custom-error": "schema",
    "dataclass": "schema",
}


@st.composite
def _valid(draw: st.DrawFn, inputs: Strategy, validate: Callable[[Any], Any]) -> Any:
    given = draw(inputs)
    try:
        return validate(given)
    except ValidationError:
        assume(False)


def samples(annotation: Any, *, raw: bool = True) -> Strategy:
    """Draw values of a type, as the server holds them.

    Args:
        annotation: The type.
        raw: Whether bytes may be any, or UTF-8 text only, which every codec carries.
    """
    adapter = TypeAdapter[Any](annotation)
    return _valid(Sampler(raw=raw).of(adapter.core_schema), adapter.validate_python)


class Sampler:
    """Makes strategies of what a schema's validator takes in Python mode, by alias."""

    def __init__(self, *, raw: bool) -> None:
        self._raw = raw
        self._known: dict[str, Node] = {}
        self._made: dict[str, Strategy] = {}

    def of(self, node: Node) -> Strategy:
        """Make the strategy of one node."""
        if ref := node.get("ref"):
            self._known.setdefault(ref, node)
        if texts := _texts(node):
            return st.sampled_from(texts)
        kind = node["type"].replace("-", "_")
        if method := getattr(self, f"_{kind}", None):
            made: Strategy = method(node)
            return made
        inner = self.of(node[WRAPPED[node["type"]]])
        return inner | st.none() if node["type"] == "nullable" else inner

    # ---- scalars

    def _any(self, node: Node) -> Strategy:
        scalars = st.none() | st.booleans() | st.integers(-SAFE, SAFE) | TEXT
        return scalars | st.lists(scalars, max_size=MANY) | st.dictionaries(TEXT, scalars)

    def _none(self, node: Node) -> Strategy:
        return st.none()

    def _bool(self, node: Node) -> Strategy:
        return st.booleans()

    def _int(self, node: Node) -> Strategy:
        low, high = node.get("ge", -SAFE), node.get("le", SAFE)
        low, high = max(low, node.get("gt", low - 1) + 1), min(high, node.get("lt", high + 1) - 1)
        step = node.get("multiple_of", 1)
        return st.integers(-(-low // step), high // step).map(lambda n: n * step)

    def _float(self, node: Node) -> Strategy:
        return st.floats(
            node.get("ge", node.get("gt")),
            node.get("le", node.get("lt")),
            exclude_min="gt" in node,
            exclude_max="lt" in node,
            allow_nan=False,
            allow_infinity=False,
        )

    def _decimal(self, node: Node) -> Strategy:
        digits, places = node.get("max_digits", 12), node.get("decimal_places", 3)
        most = 10 ** (digits - places) - 1
        low = node.get("ge", node.get("gt", -most))
        high = node.get("le", node.get("lt", most))
        return st.decimals(low, high, places=places, allow_nan=False, allow_infinity=False)

    def _str(self, node: Node) -> Strategy:
        pattern = node.get("pattern")
        if pattern is not None:
            return st.from_regex(re.compile(pattern), fullmatch=True)
        least = node.get("min_length", 0)
        most = node.get("max_length", least + 12)
        return st.text(st.characters(exclude_categories=["Cs"]), min_size=least, max_size=most)

    def _bytes(self, node: Node) -> Strategy:
        least = node.get("min_length", 0)
        most = node.get("max_length", least + 12)
        if self._raw:
            return st.binary(min_size=least, max_size=most)
        return st.text("aä€", min_size=least, max_size=most // 3).map(str.encode)

    def _literal(self, node: Node) -> Strategy:
        return st.sampled_from(node["expected"])

    def _enum(self, node: Node) -> Strategy:
        members = st.sampled_from(list(node["cls"]))
        if not issubclass(node["cls"], Flag):
            return members
        none = node["cls"](0)
        return st.sets(members).map(lambda chosen: reduce(_union, chosen, none))

    def _uuid(self, node: Node) -> Strategy:
        return st.uuids(version=node.get("version"))

    def _url(self, node: Node) -> Strategy:
        return st.sampled_from(FORMATS["uri"])

    # ---- times

    def _zones(self, node: Node) -> Strategy:
        constraint = node.get("tz_constraint")
        if constraint == "naive":
            return NO_ZONE
        return ZONES if constraint == "aware" else NO_ZONE | ZONES

    def _datetime(self, node: Node) -> Strategy:
        past, future = dt.datetime(1000, 1, 1), dt.datetime(3000, 1, 1)
        now = {"past": (past, past.replace(year=2000)), "future": (future, future)}
        low, high = now.get(node.get("now_op", ""), (past, future))
        return st.datetimes(low, high, timezones=self._zones(node))

    def _date(self, node: Node) -> Strategy:
        return st.dates(node.get("ge", dt.date.min), node.get("le", dt.date.max))

    def _time(self, node: Node) -> Strategy:
        return st.times(timezones=self._zones(node))

    def _timedelta(self, node: Node) -> Strategy:
        return st.timedeltas(dt.timedelta(-(10**6)), dt.timedelta(10**6))

    # ---- collections

    def _list(self, node: Node) -> Strategy:
        items = self.of(node.get("items_schema", ANY))
        least = node.get("min_length", 0)
        return st.lists(items, min_size=least, max_size=node.get("max_length", least + MANY))

    _deque = _generator = _list

    def _set(self, node: Node) -> Strategy:
        return self._list(node).map(set) if node.get("strict") else self._list(node)

    def _frozenset(self, node: Node) -> Strategy:
        return self._list(node).map(frozenset) if node.get("strict") else self._list(node)

    def _tuple(self, node: Node) -> Strategy:
        items: list[Strategy] = [self.of(item) for item in node["items_schema"]]
        if "variadic_item_index" not in node:
            return st.tuples(*items)
        rest = int(node["variadic_item_index"])
        items[rest] = st.lists(items[rest], max_size=MANY)
        return st.tuples(*items).map(lambda t: (*t[:rest], *t[rest], *t[rest + 1 :]))

    def _dict(self, node: Node) -> Strategy:
        keys = node.get("keys_schema", ANY)
        names = TEXT if keys["type"] == "any" else self.of(keys)
        values = self.of(node.get("values_schema", ANY))
        return st.dictionaries(names, values, max_size=MANY)

    _ordered_dict = _counter = _dict

    def _named_tuple(self, node: Node) -> Strategy:
        return st.tuples(*(self.of(field["schema"]) for field in node["fields"]))

    def _call(self, node: Node) -> Strategy:
        arguments = node["arguments_schema"]["arguments_schema"]
        return st.tuples(*(self.of(argument["schema"]) for argument in arguments))

    # ---- objects

    def _model(self, node: Node) -> Strategy:
        return self.of(node["schema"])

    def _model_fields(self, node: Node) -> Strategy:
        fields = self._fields(node["fields"].items())
        if node.get("extra_behavior") != "allow":
            return fields
        values = self.of(node.get("extras_schema", ANY))
        extra = st.dictionaries(st.sampled_from(["extra-one", "extra_two"]), values)
        return st.tuples(extra, fields).map(lambda both: {**both[0], **both[1]})

    def _dataclass_args(self, node: Node) -> Strategy:
        return self._fields((field["name"], field) for field in node["fields"])

    def _typed_dict(self, node: Node) -> Strategy:
        return self._fields(node["fields"].items())

    def _fields(self, fields: Any) -> Strategy:
        needed, others = dict[str, Strategy](), dict[str, Strategy]()
        for name, field in fields:
            try:
                strategy = self.of(field["schema"])
            except PydanticOmit:
                continue
            inner = _bare(field["schema"])
            has_default = field["schema"]["type"] == "default" or field.get("required") is False
            is_tag = inner["type"] in {"literal", "enum"}
            chosen = others if has_default and not is_tag else needed
            chosen[_alias(name, field)] = strategy
        return st.fixed_dictionaries(needed, optional=others)

    # ---- unions and references

    def _union(self, node: Node) -> Strategy:
        choices = map(_choice, node["choices"])
        return st.one_of([self.of(one) for one in choices if one["type"] != "missing-sentinel"])

    def _tagged_union(self, node: Node) -> Strategy:
        return st.one_of([self.of(choice) for choice in node["choices"].values()])

    def _chain(self, node: Node) -> Strategy:
        return self.of(node["steps"][0])

    def _json(self, node: Node) -> Strategy:
        inner = self.of(node.get("schema", ANY))
        return inner.map(lambda value: to_json(value).decode())

    def _missing_sentinel(self, node: Node) -> Strategy:
        raise PydanticOmit

    def _definitions(self, node: Node) -> Strategy:
        self._known |= {one["ref"]: one for one in node["definitions"]}
        return self.of(node["schema"])

    def _definition_ref(self, node: Node) -> Strategy:
        ref = node["schema_ref"]
        if ref not in self._made:
            self._made[ref] = st.deferred(lambda: self.of(self._known[ref]))
        return self._made[ref]


def _union(some: Any, more: Any) -> Any:
    return some | more


def _choice(choice: Any) -> Node:
    # A member of a union may come with a label.
    return cast("tuple[Node, str]", choice)[0] if isinstance(choice, tuple) else choice


def _bare(node: Node) -> Node:
    while node["type"] in {"default", "nullable"}:
        node = node["schema"]
    return node


def _alias(name: str, field: Node) -> str:
    alias = field.get("validation_alias", name)
    if isinstance(alias, str):
        return alias
    paths = alias if isinstance(alias[0], list) else [alias]
    return next((path[0] for path in paths if len(path) == 1), name)


def _texts(node: Node) -> Sequence[str]:
    """Return samples of what only Pydantic's own functions can tell from other text."""
    metadata: Node = node.get("metadata") or {}
    if not metadata.get("pydantic_js_functions"):
        return ()
    if node["type"] in {"model", "dataclass", "typed-dict", "enum", "definitions"}:
        return ()
    schema = GenerateJsonSchema().generate(cast("Any", node), mode="validation")
    return FORMATS.get(str(schema.get("format")), ())
