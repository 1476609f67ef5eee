"""Types that are one in the contract, and suffixes for those that only seem to be.

Pydantic makes a type of each way in which an argument of a generic is written: of `Page[List[int]]`
and of `Page[list[int]]`. They are one type if their schemas are equal. Others that would have one
name, such as `Page[int]` and `Page[Annotated[int, Ge(1)]]`, get a suffix from what the name leaves
out, or from their schema.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from bytesocket_app.contract.fingerprint import without_annotations
from bytesocket_app.contract.naming import TypePath
from bytesocket_app.contract.shape import Schema, compact
from bytesocket_app.contract.tidy import renamed
from bytesocket_app.errors import ContractError

Texts: TypeAlias = dict[str, str]
"""Schema of a type as text, by direction, with references by label."""

_DIGITS: Final = 6


@dataclass(slots=True)
class _Cluster:
    """References that are one type."""

    refs: list[str]
    texts: Texts = field(default_factory=Texts)

    def takes(self, texts: Texts) -> bool:
        return all(self.texts.get(way, text) == text for way, text in texts.items())

    def add(self, ref: str, texts: Texts) -> None:
        self.refs.append(ref)
        self.texts |= texts

    @property
    def digest(self) -> str:
        text = self.texts.get("output") or self.texts["input"]
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


class Merging:
    """Partition of an application's types.

    Args:
        paths: Paths of the types, by Pydantic's reference.
        schemas: Their schemas by direction, with references `REFERENCE|MODE`.

    Attributes:
        paths: The path of each type that remains, by Pydantic's references.

    Raises:
        ContractError: Two different classes have one path.
    """

    def __init__(
        self, paths: Mapping[str, TypePath], schemas: Mapping[str, Mapping[str, Schema]]
    ) -> None:
        self._given = paths
        self._schemas = schemas
        groups: dict[tuple[object, ...], list[str]] = defaultdict(list)
        for ref, path in paths.items():
            groups[path.parts, path.name() if path.arguments else path.label()].append(ref)
        self._groups = [[_Cluster(refs)] for refs in groups.values()]
        self._labels: dict[str, str] = {}
        self._name_clusters()
        # All groups in each round, so that their order has no influence.
        while sum([self._split(group) for group in self._groups]):
            self._name_clusters()
        self.paths = {ref: path for group in self._groups for ref, path in self._suffixed(group)}

    def _name_clusters(self) -> None:
        """Give each cluster a label, by which schemas refer to it in the next comparison."""
        for group in self._groups:
            for cluster in group:
                label = min(self._given[ref].label() for ref in cluster.refs)
                if len(group) > 1:
                    label += f"~{self._first(cluster).written}~{cluster.digest}"
                self._labels |= dict.fromkeys(cluster.refs, label)

    def _first(self, cluster: _Cluster) -> TypePath:
        return min(map(self._given.__getitem__, cluster.refs), key=_precedence)

    def _split(self, group: list[_Cluster]) -> bool:
        """Split those clusters of a group that hold different types; return True if any does."""
        result = [part for cluster in group for part in self._parts(cluster)]
        is_split = len(result) > len(group)
        group[:] = result
        return is_split

    def _parts(self, cluster: _Cluster) -> list[_Cluster]:
        if len(cluster.refs) == 1:
            return [cluster]
        texts = {ref: self._texts(ref) for ref in cluster.refs}
        parts: list[_Cluster] = []
        for ref in sorted(
            texts, key=lambda one: (_precedence(self._given[one]), compact(texts[one]))
        ):
            for part in parts:
                if part.takes(texts[ref]):
                    part.add(ref, texts[ref])
                    break
            else:
                parts.append(_Cluster([ref], dict(texts[ref])))
        path = self._given[cluster.refs[0]]
        if len(parts) > 1 and not path.arguments:
            raise ContractError(
                f"Two different types are both {path.label()}: a function that makes a class gave "
                "two of them one name. Give them different names."
            )
        return parts

    def _texts(self, ref: str) -> Texts:
        def label(key: str) -> str:
            return self._labels[key.rpartition("|")[0]]

        return {
            way: compact(renamed(without_annotations(schema), label))
            for way, schema in self._schemas[ref].items()
        }

    def _suffixed(self, group: list[_Cluster]) -> Iterable[tuple[str, TypePath]]:
        """Yield the path of each reference, with a suffix where paths alone are alike."""
        firsts = [(cluster, self._first(cluster)) for cluster in group]
        alike = Counter(path.label() for _, path in firsts)
        exact = Counter(path.label() for _, path in firsts if path.detail is None)
        details = Counter((path.label(), path.detail) for _, path in firsts)
        for cluster, path in firsts:
            keeps = alike[path.label()] == 1 or (path.detail is None and exact[path.label()] == 1)
            suffix = path.detail if details[path.label(), path.detail] == 1 else None
            named = path if keeps else replace(path, suffix=suffix or f"_{cluster.digest}")
            yield from dict.fromkeys(cluster.refs, named).items()


def _precedence(path: TypePath) -> tuple[bool, str, str]:
    return path.detail is not None, path.label(), path.written
