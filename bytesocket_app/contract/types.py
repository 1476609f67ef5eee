"""Types of a contract: generated and named together, with separate input and output."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from pydantic import TypeAdapter
from pydantic.errors import PydanticUserError

from bytesocket_app.contract.merging import Merging
from bytesocket_app.contract.naming import TypePath, choose_names, class_ids, input_names, type_path
from bytesocket_app.contract.schema import NoSchema, SchemaGenerator
from bytesocket_app.contract.shape import Schema, compact, references
from bytesocket_app.contract.tidy import renamed, tidied
from bytesocket_app.errors import ContractError

Way: TypeAlias = Literal["input", "output"]
"""Direction of a type: "input" if clients send its values, "output" if the server does."""

_MODES: Final[Mapping[Way, Literal["validation", "serialization"]]] = {
    "input": "validation",
    "output": "serialization",
}
_WAYS: Final[Mapping[str, Way]] = {mode: way for way, mode in _MODES.items()}
_ADVICE: Final = (
    "Use a type that Pydantic can write as JSON, leave the field out of the model, or describe it "
    "with WithJsonSchema."
)

Ways: TypeAlias = dict[Way, Schema]
"""Schemas of a type, one for each direction in use, with references by label."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Placeholder in a document for a schema until all types have names."""

    index: int


@dataclass(slots=True)
class TypeTable:
    """Collects annotations; `settle` returns their schemas and the named types in them."""

    _generator: SchemaGenerator = field(default_factory=SchemaGenerator)
    _roots: list[tuple[Schema, Way, str]] = field(default_factory=list[tuple[Schema, Way, str]])
    _adapters: dict[int, tuple[Any, TypeAdapter[Any]]] = field(
        default_factory=dict[int, tuple[Any, TypeAdapter[Any]]]
    )

    def add(self, annotation: Any, way: Way, what: str) -> Slot:
        """Add an annotation.

        Args:
            annotation: Any type that Pydantic can validate.
            way: Direction of its values.
            what: Name of its place in errors: `payload of event 'chat:post'`.

        Raises:
            ContractError: The annotation cannot be written as JSON Schema, or refers to a name
                that is not defined.
        """
        try:
            raw = self._generator.take(self._adapter(annotation).core_schema, _MODES[way])
        except NoSchema as problem:
            raise _unfit(what, problem) from None
        except NameError as error:
            reason = str(error).partition("\n")[0]
            raise ContractError(
                f"The {what} is not complete: {reason}. Define or import that name where the type "
                "is declared, and outside of an `if TYPE_CHECKING:` block."
            ) from None
        except PydanticUserError as error:
            reason = str(error.message).partition("\n")[0].rstrip(".")
            raise ContractError(f"The {what} has no form in JSON: {reason}. {_ADVICE}") from None
        self._roots.append((raw, way, what))
        return Slot(len(self._roots) - 1)

    def settle(self) -> tuple[list[Schema], dict[str, Schema]]:
        """Return the schema of each slot, and all named types by name.

        Raises:
            ContractError: A type that is referred to cannot be written as JSON Schema, or two types
                cannot be told apart by name.
        """
        raw = self._reachable()
        tidy = {key: self._tidy(*found) for key, found in raw.items()}
        paths = _paths(tidy)
        labels = {key: paths[_ref(key)].label() for key in raw}
        table = _by_label(tidy, labels)
        chosen = _chosen_names(table)
        split = _split(table)
        plain = choose_names({labels[key]: paths[_ref(key)] for key in raw}, chosen)
        names = {"output": plain, "input": input_names(plain, sorted(split))}

        types = {
            names[way][label]: renamed(schema, names[way].__getitem__)
            for label, ways in table.items()
            for way, schema in ways.items()
        }
        roots = [
            renamed(self._tidy(schema, way), lambda key: names[_way(key)][labels[key]])
            for schema, way, _ in self._roots
        ]
        return roots, types

    def _adapter(self, annotation: Any) -> TypeAdapter[Any]:
        # An id is unique only while its object lives, so the annotation is kept beside it.
        known = self._adapters.get(id(annotation))
        if known is None:
            adapter = TypeAdapter[Any](annotation)
            adapter.rebuild(raise_errors=True)
            known = self._adapters[id(annotation)] = annotation, adapter
        return known[1]

    def _tidy(self, schema: Schema, way: Way) -> Schema:
        return tidied(schema, outgoing=way == "output", resolve=self._generator.resolved)

    def _reachable(self) -> dict[str, tuple[Schema, Way]]:
        """Return the raw definitions that the roots refer to, directly or indirectly."""
        found: dict[str, tuple[Schema, Way]] = {}
        for root, _, what in self._roots:
            pending = [*references(root)]
            while pending:
                key = pending.pop()
                if key in found:
                    continue
                try:
                    schema = self._generator.definition(key)
                except NoSchema as problem:
                    raise _unfit(what, problem) from None
                found[key] = schema, _way(key)
                pending.extend(references(schema))
        return found


def _way(key: str) -> Way:
    return _WAYS[key.rpartition("|")[2]]


def _unfit(what: str, problem: NoSchema) -> ContractError:
    part = f", field `{problem.field}`," if problem.field else ""
    return ContractError(
        f"The {what}{part} cannot go into the contract: {problem.reason}. {_ADVICE}"
    )


def _ref(key: str) -> str:
    return key.rpartition("|")[0]


def _paths(tidy: Mapping[str, Schema]) -> dict[str, TypePath]:
    """Return the path of each type, by Pydantic's reference; types that are one share it."""
    known = class_ids(map(_ref, tidy))
    schemas: dict[str, dict[str, Schema]] = {}
    for key, schema in tidy.items():
        schemas.setdefault(_ref(key), {})[_way(key)] = schema
    return Merging({ref: type_path(ref, known) for ref in schemas}, schemas).paths


def _by_label(schemas: Mapping[str, Schema], labels: Mapping[str, str]) -> dict[str, Ways]:
    """Return the schemas by label; if types that are one differ in documentation, one of them."""
    table: dict[str, Ways] = {}
    for key, schema in schemas.items():
        ways = table.setdefault(labels[key], {})
        mine = renamed(schema, labels.__getitem__)
        known = ways.get(_way(key))
        ways[_way(key)] = mine if known is None else min(known, mine, key=compact)
    return table


def _chosen_names(table: Mapping[str, Ways]) -> dict[str, str]:
    """Remove and return the names that users chose with `json_schema_extra={"x-name": ...}`."""
    chosen: dict[str, str] = {}
    for label, ways in table.items():
        for schema in ways.values():
            name = schema.pop("x-name", None)
            if isinstance(name, str):
                chosen[label] = name
    return chosen


def _split(table: Mapping[str, Ways]) -> frozenset[str]:
    """Return the types whose input differs from their output, directly or in a type they use."""
    both = {label: ways for label, ways in table.items() if len(ways) == len(_MODES)}
    split = {
        label for label, ways in both.items() if compact(ways["input"]) != compact(ways["output"])
    }
    users: dict[str, set[str]] = {}
    for label, ways in both.items():
        for used in references(ways["output"]):
            users.setdefault(used, set()).add(label)
    pending = list(split)
    while pending:
        fresh = users.get(pending.pop(), set()) - split
        split |= fresh
        pending.extend(fresh)
    return frozenset(split)
