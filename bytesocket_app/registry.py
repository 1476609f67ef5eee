"""The one registry: ordered callables by key, for events, rooms and hooks alike."""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

from typing_extensions import TypeIs, override

from bytesocket_app.errors import ConfigurationError, Refusal, caller

K = TypeVar("K", bound=Hashable)
H = TypeVar("H")
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class _Entry(Generic[H]):
    handler: H
    identity: object
    once: bool


class Registry(Generic[K, H]):
    """Handlers by key, in the order they were added.

    The same handler added twice is there once; added with `once` twice, it is called twice. A
    `once` handler goes away when it is taken for its call, so it cannot be called again even if
    that call is still running (protocol.md section 7).
    """

    __slots__ = ("_entries", "_lasting")

    def __init__(self) -> None:
        self._entries: dict[K, tuple[_Entry[H], ...]] = {}
        # What `take` gives, ready made, for the keys without a `once`: taking is the hot path.
        self._lasting: dict[K, tuple[H, ...]] = {}

    def add(self, key: K, handler: H, *, identity: object = None, once: bool = False) -> None:
        """Add a handler; `identity` is what `remove` is asked for, the handler by default."""
        entry = _Entry(handler, handler if identity is None else identity, once)
        entries = self._entries.get(key, ())
        if once or not any(e.identity == entry.identity and not e.once for e in entries):
            self._keep(key, (*entries, entry))

    def remove(self, key: K, identity: object = None) -> None:
        """Remove one handler with its pending `once`, or all of the key; never fails."""
        entries = () if identity is None else self._entries.get(key, ())
        self._keep(key, tuple(e for e in entries if e.identity != identity))

    def take(self, key: K) -> tuple[H, ...]:
        """The handlers to call now: a snapshot, from which `once` handlers are then gone."""
        lasting = self._lasting.get(key)
        if lasting is not None:
            return lasting
        entries = self._entries.get(key, ())
        self._keep(key, tuple(e for e in entries if not e.once))
        return tuple(e.handler for e in entries)

    def peek(self, key: K) -> tuple[H, ...]:
        """The handlers of a key, nothing taken."""
        lasting = self._lasting.get(key)
        if lasting is not None:
            return lasting
        return tuple(e.handler for e in self._entries.get(key, ()))

    def __contains__(self, key: object) -> bool:
        """Whether a key has handlers."""
        return key in self._entries

    def __iter__(self) -> Iterator[K]:
        """The keys that have handlers, in the order they were first added."""
        return iter(tuple(self._entries))

    def _keep(self, key: K, entries: tuple[_Entry[H], ...]) -> None:
        self._lasting.pop(key, None)
        if not entries:
            self._entries.pop(key, None)
            return
        self._entries[key] = entries
        if not any(e.once for e in entries):
            self._lasting[key] = tuple(e.handler for e in entries)


class Hook:
    """A place where functions are added: the one shape of events, rooms and lifecycle hooks.

    Call it as a decorator to add, `once` to add for one time, `remove` to take away.

    Args:
        add: Adds a function, for one time if the flag is set.
        remove: Removes a function, or all without one.
    """

    __slots__ = ("_add", "_remove")

    def __init__(
        self,
        add: Callable[[Callable[..., Any], bool], None],
        remove: Callable[[Callable[..., Any] | None], None],
    ) -> None:
        self._add = add
        self._remove = remove

    def __call__(self, function: F, /) -> F:
        """Add a function; adding it twice is adding it once."""
        self._add(function, False)  # noqa: FBT003 - the flag is `once`
        return function

    def once(self, function: F) -> F:
        """Add a function for the next time only."""
        self._add(function, True)  # noqa: FBT003
        return function

    def remove(self, function: Callable[..., Any] | None = None) -> None:
        """Remove a function and its pending `once`; all functions without an argument."""
        self._remove(function)


class GuardHook(Hook):
    """A hook for guards, which may say what they refuse with: `@doc.guard(raises=(Locked,))`.

    Args:
        add: As for any hook.
        remove: As for any hook.
        declare: Takes refusals that clients should know about.
    """

    __slots__ = ("_declare",)

    def __init__(
        self,
        add: Callable[[Callable[..., Any], bool], None],
        remove: Callable[[Callable[..., Any] | None], None],
        declare: Callable[[tuple[type[Refusal], ...]], None],
    ) -> None:
        super().__init__(add, remove)
        self._declare = declare

    @overload
    def __call__(self, function: F, /) -> F: ...
    @overload
    def __call__(self, /, *, raises: tuple[type[Refusal], ...]) -> Hook: ...
    @override
    def __call__(
        self,
        function: Callable[..., Any] | None = None,
        /,
        *,
        raises: tuple[type[Refusal], ...] = (),
    ) -> Any:
        """Add a guard, or declare refusals and return the hook that adds it.

        Raises:
            ConfigurationError: `raises` names something that is no refusal.
        """
        if function is None:
            check_refusals(raises, f"the guard at {caller()}")
            self._declare(raises)
            return self
        return super().__call__(function)


def _is_tuple(value: object) -> TypeIs[tuple[Any, ...]]:
    return isinstance(value, tuple)


def check_refusals(raises: object, source: str) -> None:
    """Refuse a `raises=` that declares nothing, or something else than refusals.

    Raises:
        ConfigurationError: It is no tuple of refusals.
    """
    if not _is_tuple(raises):
        name = getattr(raises, "__name__", "Muted")
        raise ConfigurationError(
            f"raises={raises!r} of {source} is no tuple: write raises=({name},)."
        )
    for item in raises:
        if not (isinstance(item, type) and issubclass(item, Refusal)):
            raise ConfigurationError(
                f"raises={item!r} of {source} is no refusal: derive it from Refusal."
            )
