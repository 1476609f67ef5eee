"""Names of types in the contract, stable and readable.

A type has the name of its class if that is unique in the application. Otherwise all classes of that
name are prefixed with as many of their dotted parents as are needed to tell them apart. Titles, the
order of registration, and a module's running as `__main__` have no influence.
"""

import hashlib
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NoReturn
from unicodedata import normalize

from bytesocket_app.errors import ContractError

_ID: Final = re.compile(r":(?:str-)?(\d+)$")
_ADDRESS: Final = re.compile(r" at 0x[0-9a-fA-F]+")
_LIMIT: Final = re.compile(r"(\w+)\(\w+=(-?[\w.]+)\)")
_MARKS: Final = frozenset(",[]|")
_UNIONS: Final = frozenset({"Optional", "Union"})


@dataclass(frozen=True, slots=True)
class TypePath:
    """Dotted path of a type, its own name last, with the arguments of a generic.

    Attributes:
        parts: The path.
        arguments: The arguments.
        note: Words for what the path leaves out, such as a limit; None if it leaves out nothing.
        written: The arguments as Pydantic prints them.
        suffix: End of the name that tells the type from others of its path.
    """

    parts: tuple[str, ...]
    arguments: tuple["TypePath", ...] = ()
    note: str | None = None
    written: str = ""
    suffix: str = ""

    def label(self) -> str:
        """Return a text that identifies the type, without memory addresses."""
        inside = ",".join(argument.label() for argument in self.arguments)
        path = ".".join(repr(part) if _MARKS & {*part} else part for part in self.parts)
        return path + (f"[{inside}]" if inside else "") + self.suffix

    @property
    def detail(self) -> str | None:
        """Words for what the path and its arguments leave out; None if it is nothing."""
        notes = [self.note, *(argument.detail for argument in self.arguments)]
        said = [note for note in notes if note is not None]
        return "".join(said) if said else None

    def name(self, own: int = 0, given: int = 0) -> str:
        """Return a readable name, prefixed with `own` parents, its arguments with `given` ones."""
        return self._base(own, given) + self.suffix

    def _base(self, own: int, given: int) -> str:
        prefix = "".join(_camel(part) for part in self.parts[:-1][-own:]) if own else ""
        last = self.parts[-1]
        if not self.arguments:
            return prefix + (_camel(last) if prefix else _identifier(last))
        names = [_camel(argument.name(given, given)) for argument in self.arguments]
        if last in _UNIONS:
            return "Or".join(sorted(names, key=lambda name: (name == "None", name)))
        return f"{prefix}{_camel(last)}Of{'And'.join(names)}"

    @property
    def depth(self) -> int:
        """Number of parents that a name can be prefixed with."""
        return max([len(self.parts) - 1, *(argument.depth for argument in self.arguments)])


def type_path(core_ref: str, known: Mapping[str, str]) -> TypePath:
    """Parse Pydantic's internal reference of a type, `module.Class:id[argument:id,...]`.

    Args:
        core_ref: The reference.
        known: Dotted path of each class that has a reference itself, by its id; a reference gives
            arguments without their module.
    """
    head, bracket, inside = core_ref.partition("[")
    path = _dotted(_ID.sub("", head))
    if not bracket:
        return TypePath(path)
    texts = _split(inside.removesuffix("]"))
    arguments = tuple(_argument(text, known) for text in texts)
    written = _ADDRESS.sub("", ",".join(_ID.sub("", text) for text in texts))
    return TypePath(path, arguments, written=written)


def class_ids(core_refs: Iterable[str]) -> dict[str, str]:
    """Return the dotted path of each class that is not a parametrised generic, by its id."""
    plain = (ref.rpartition(":") for ref in core_refs if "[" not in ref)
    return {number: path for path, _, number in plain}


def choose_names(paths: Mapping[str, TypePath], chosen: Mapping[str, str]) -> dict[str, str]:
    """Choose a unique name for every type.

    Args:
        paths: The types, by label.
        chosen: Names that the user chose (`x-name`).

    Raises:
        ContractError: Two types cannot be told apart by name.
    """
    families: dict[str, set[str]] = defaultdict(set)
    for label, path in paths.items():
        families[path.name()].add(label)
    levels = dict.fromkeys(families, 0)
    while True:
        names: dict[str, str] = {}
        for base, labels in families.items():
            names |= _family_names({label: paths[label] for label in labels}, levels[base])
        names |= chosen
        clashing = _clashes(names)
        if not clashing:
            return names
        raised = False
        for base, labels in families.items():
            if labels & clashing and levels[base] < max(paths[label].depth for label in labels):
                levels[base] += 1
                raised = True
        if not raised:
            return _told_apart(names, clashing, paths, chosen)


def input_names(names: Mapping[str, str], split: Iterable[str]) -> dict[str, str]:
    """Return the names of the types as clients send them: `BoxInput` if that differs from `Box`.

    If another class has the name `BoxInput`, the type is named `BoxAsInput`.

    Raises:
        ContractError: Other classes have both names.
    """
    taken = set(names.values())
    result = dict(names)
    for label in split:
        free = [name for name in _twins(names[label]) if name not in taken]
        if not free:
            clashing = {other for other, name in names.items() if name in _twins(names[label])}
            _refuse({label, *clashing}, names)
        result[label] = free[0]
    return result


def _twins(name: str) -> tuple[str, str]:
    return f"{name}Input", f"{name}AsInput"


def _family_names(family: Mapping[str, TypePath], level: int) -> dict[str, str]:
    # Generics that differ in their arguments only are told apart by their arguments' parents.
    same_origin = len({path.parts for path in family.values()}) == 1 and len(family) > 1
    own = 0 if same_origin else level
    return {label: path.name(own, level) for label, path in family.items()}


def _clashes(names: Mapping[str, str]) -> set[str]:
    holders: dict[str, list[str]] = defaultdict(list)
    for label, name in names.items():
        holders[name].append(label)
    return {label for labels in holders.values() if len(labels) > 1 for label in labels}


def _told_apart(
    names: Mapping[str, str],
    clashing: set[str],
    paths: Mapping[str, TypePath],
    chosen: Mapping[str, str],
) -> dict[str, str]:
    """Return names in which generics that still clash end in digits of their labels' digests."""
    result = {**names}
    for label in clashing:
        if paths[label].arguments and label not in chosen:
            digest = hashlib.sha256(label.encode("utf-8", "surrogatepass")).hexdigest()
            result[label] += f"_{digest[:6]}"
    if still := _clashes(result):
        _refuse(still, result)
    return result


def _refuse(clashing: set[str], names: Mapping[str, str]) -> NoReturn:
    listed = ", ".join(f"{label} ({names[label]})" for label in sorted(clashing))
    raise ContractError(
        f"These types cannot be told apart by name: {listed}. Rename one, or pick a name with "
        "model_config = ConfigDict(json_schema_extra={'x-name': 'Other'})."
    )


def _dotted(path: str) -> tuple[str, ...]:
    parts = [part for part in path.split(".") if part != "<locals>"]
    if parts[0] == "__main__":
        parts[:1] = _main_module()
    return tuple(parts)


def _main_module() -> list[str]:
    """Return the parts of the name under which the `__main__` module would be imported."""
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return str(spec.name).removesuffix(".__main__").split(".")
    file = getattr(main, "__file__", None)
    if file is None:
        return ["main"]
    path = Path(file).resolve()
    parts = [path.stem]
    while (path.parent / "__init__.py").exists():
        path = path.parent
        parts.insert(0, path.name)
    return parts


def _argument(text: str, known: Mapping[str, str]) -> TypePath:
    number = _ID.search(text)
    shown = _ID.sub("", text)
    if number is not None and (path := known.get(number[1])) is not None:
        return TypePath(_dotted(path))
    return _shown(shown)


def _shown(text: str) -> TypePath:
    """Parse a type as Pydantic prints it: `list[Union[Cat, NoneType]]`."""
    text = text.strip()
    alternatives = _split(text, "|")
    if len(alternatives) > 1:
        return _union([_shown(one) for one in alternatives])
    head, bracket, inside = text.partition("[")
    if not bracket or not text.endswith("]") or not head.replace(".", "").isidentifier():
        word = _word(text)
        is_whole = text[:1] not in {"'", '"'} or word == text.strip("'\"")
        return TypePath((word,), note=None if is_whole else _words(text))
    last = head.rpartition(".")[2]
    inner = _split(inside[:-1])
    if last == "Annotated":
        shown = _shown(inner[0])
        return replace(shown, note=(shown.note or "") + _limits(inner[1:]))
    arguments = [_shown(one) for one in inner if one != "..."]
    if last in {*_UNIONS, "Literal"}:
        return _union(arguments)
    return TypePath((last,), tuple(arguments), note="AndMore" if "..." in inner else None)


def _limits(metadata: Iterable[str]) -> str:
    """Return words for the limits among what an `Annotated` says: `Ge(ge=1)` becomes `Ge1`."""
    found = _LIMIT.findall(",".join(metadata))
    return "".join(_words(f"{name} {value}") for name, value in found)


def _union(members: list[TypePath]) -> TypePath:
    ordered = sorted(members, key=lambda member: (member.parts == ("None",), member.label()))
    return TypePath(("Union",), tuple(ordered))


def _word(text: str) -> str:
    word = text.strip("'\"").rpartition(".")[2]
    return "None" if word == "NoneType" else word


def _split(text: str, at: str = ",") -> list[str]:
    """Split at a separator, except in brackets and quotes."""
    parts, depth, quote = [""], 0, ""
    for sign in text:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        depth += (sign in "[({") - (sign in "])}") if not quote else 0
        if sign == at and depth == 0 and not quote:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts]


def _identifier(text: str) -> str:
    text = normalize("NFKC", text)  # as Python reads the names of its classes
    kept = re.sub(r"\W+", " ", text).split()
    if len(kept) == 1 and kept[0].isidentifier():
        return kept[0]
    return _camel(text)


def _camel(text: str) -> str:
    name = _words(text)
    return name if name.isidentifier() else f"Type{name}"


def _words(text: str) -> str:
    words = re.sub(r"[\W_]+", " ", normalize("NFKC", text)).split()
    return "".join(word[:1].upper() + word[1:] for word in words)
