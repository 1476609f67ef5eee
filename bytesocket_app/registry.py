"""Registry of ordered handlers by key, used for events, rooms and lifecycle hooks."""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload
from weakref import ref

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

    A handler added twice is called once; added twice with `once`, it is called twice. A `once`
    handler is removed when it is taken for its call, so it is not called again even if that call
    is still running (protocol.md section 7).

    Args:
        withdraw: Called with each handler that `remove` removes, also with one that was taken for
            its only call: whoever took them looks whether they may still be called.
    """

    __slots__ = ("_entries", "_lasting", "_taken", "_withdraw")

    def __init__(self, withdraw: Callable[[H], object] | None = None) -> None:
        self._withdraw = withdraw
        # Those taken for their only call, as long as the one who took them holds them.
        self._taken: list[tuple[K, object, ref[H]]] = []
        self._entries: dict[K, tuple[_Entry[H], ...]] = {}
        # Prepared results of `take` for keys without `once` handlers: `take` is the hot path.
        self._lasting: dict[K, tuple[H, ...]] = {}

    def add(self, key: K, handler: H, *, identity: object = None, once: bool = False) -> None:
        """Add a handler; `remove` takes its `identity`, by default the handler itself."""
        entry = _Entry(handler, handler if identity is None else identity, once)
        entries = self._entries.get(key, ())
        if once or not any(e.identity == entry.identity and not e.once for e in entries):
            self._keep(key, (*entries, entry))

    def remove(self, key: K, identity: object = None) -> None:
        """Remove a handler and its pending `once`, or all handlers of the key; never fails."""
        entries = self._entries.get(key, ())
        gone = [e for e in entries if identity is None or e.identity == identity]
        kept = () if identity is None else tuple(e for e in entries if e.identity != identity)
        self._keep(key, kept)
        if self._withdraw is None:
            return
        for entry in gone:
            self._withdraw(entry.handler)
        for taken_for, taken, reference in self._taken:
            handler = reference()
            if handler is None or taken_for != key:
                continue
            if identity is None or taken == identity:
                self._withdraw(handler)

    def take(self, key: K) -> tuple[H, ...]:
        """Return the handlers to call now, and remove those added with `once`."""
        lasting = self._lasting.get(key)
        if lasting is not None:
            return lasting
        entries = self._entries.get(key, ())
        self._keep(key, tuple(e for e in entries if not e.once))
        if entries and self._withdraw is not None:
            self._taken = [each for each in self._taken if each[2]() is not None]
            self._taken += [(key, e.identity, ref(e.handler)) for e in entries if e.once]
        return tuple(e.handler for e in entries)

    def peek(self, key: K) -> tuple[H, ...]:
        """Return the handlers of a key, without removing any."""
        lasting = self._lasting.get(key)
        if lasting is not None:
            return lasting
        return tuple(e.handler for e in self._entries.get(key, ()))

    def __contains__(self, key: object) -> bool:
        """Return True if a key has handlers."""
        return key in self._entries

    def __iter__(self) -> Iterator[K]:
        """Iterate over a snapshot of the keys that have handlers, in order of addition."""
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
    """Interface to add and remove functions, used for events, rooms and lifecycle hooks.

    Call the hook as a decorator to add a function, `once` to add it for one call, `remove` to
    remove it.

    Args:
        add: Function that adds a function, for one call if the flag is set.
        remove: Function that removes a function, or all for None.
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
        """Add a function and return it; adding it again has no effect."""
        self._add(function, False)  # noqa: FBT003 - the flag is `once`
        return function

    def once(self, function: F) -> F:
        """Add a function for the next call only, and return it."""
        self._add(function, True)  # noqa: FBT003
        return function

    def remove(self, function: Callable[..., Any] | None = None) -> None:
        """Remove a function and its pending `once`; without an argument, all functions."""
        self._remove(function)


class GuardHook(Hook):
    """A hook for guards, which may declare their refusals: `@doc.guard(raises=(Locked,))`.

    Args:
        add: As for any hook.
        remove: As for any hook.
        declare: Function that adds refusals to the contract.
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
        """Add a guard, or declare refusals and return the hook that adds the guard.

        Raises:
            ConfigurationError: `raises` is not a tuple of refusals.
        """
        if function is None:
            check_refusals(raises, f"the guard at {caller()}")
            self._declare(raises)
            return self
        return super().__call__(function)


def _is_tuple(value: object) -> TypeIs[tuple[Any, ...]]:
    return isinstance(value, tuple)


def check_refusals(raises: object, source: str) -> None:
    """Check that `raises=` is a tuple of refusal classes.

    Raises:
        ConfigurationError: The value is no tuple, or an item is no refusal.
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
