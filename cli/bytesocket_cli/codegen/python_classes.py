"""The class names of a generated Python module, each made of one thing of the contract alone.

No class is renamed because something else is declared: where two would have one name, generation
fails, and the application chooses another for one of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bytesocket_cli.codegen.python_names import RESERVED, literal, normal
from bytesocket_cli.errors import CliError

_OTHER_CLASS = 'say class_name="..." where one {kind} is declared'
_REMEDIES = {
    "event": _OTHER_CLASS.format(kind="event")
    + ', as in `class UserLeft(ServerEvent, name="user-left", class_name="UserHasLeft")`'
    + ' or `app.declare("user-left", str, class_name="UserHasLeft")`',
    "room": _OTHER_CLASS.format(kind="room") + ', as in `app.room("doc", class_name="DocsRoom")`',
    "type": "rename the model, or name it for clients with "
    'model_config = ConfigDict(json_schema_extra={"x-name": "..."})',
    "refusal": "give one refusal another code",
    "client": "give the application another title",
}


@dataclass(frozen=True, slots=True)
class Named:
    """A thing of the contract that gets a class.

    Attributes:
        kind: `event`, `room`, `type`, `refusal` or `client`.
        name: Its name in the contract.
    """

    kind: str
    name: str | float

    def said(self, places: Mapping[str | float, str]) -> str:
        """Return how a message names it: `event 'user-left' (app.py:7)`."""
        place = places.get(self.name) if self.kind == "event" else None
        name = literal(self.name).replace('"', "'")
        return f"{self.kind} {name}" + (f" ({place})" if place else "")


class NameCollision(CliError):
    """Two things of a contract would have the same Python class name.

    Args:
        class_name: The name.
        things: The two.
        places: `file:line` of the declarations of events, where they are known.
    """

    def __init__(
        self,
        class_name: str,
        things: tuple[Named, Named],
        places: Mapping[str | float, str] | None = None,
    ) -> None:
        self._collision = (class_name, things)
        one, other = sorted(things, key=lambda thing: (thing.kind, str(thing.name)))
        remedy = next(text for kind, text in _REMEDIES.items() if kind in {one.kind, other.kind})
        said = f"{one.said(places or {})} and {other.said(places or {})}"
        super().__init__(f"{said} would both be the Python class {class_name}: {remedy}")

    def located(self, places: Mapping[str | float, str]) -> "NameCollision":
        """Return the same error, with the places of events."""
        return NameCollision(*self._collision, places)


class ClassNames:
    """The class names that are given so far."""

    def __init__(self) -> None:
        self._owners: dict[str, Named] = {}

    def claim(self, class_name: str, kind: str, name: str | float) -> str:
        """Give a thing its class name, and return it.

        Raises:
            NameCollision: Another thing has it.
        """
        thing = Named(kind, name)
        owner = self._owners.setdefault(class_name, thing)
        if owner != thing:
            raise NameCollision(class_name, (owner, thing))
        return class_name


def chosen(entry: Mapping[str, object], what: str) -> str | None:
    """Return the class name that the application chose for an event or a room; None without one.

    Raises:
        CliError: It cannot be the name of a class in the module.
    """
    name = entry.get("class_name")
    if name is None:
        return None
    if not isinstance(name, str) or not _is_class_name(name):
        raise CliError(
            f"class_name={name!r} of {what} cannot be the name of a Python class here: use an "
            "identifier without an underscore in front, which is no keyword and no built-in type"
        )
    return name


def _is_class_name(name: str) -> bool:
    is_plain = name.isidentifier() and normal(name) == name and not name.startswith("_")
    return is_plain and name not in RESERVED
