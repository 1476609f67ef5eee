"""The one registry: ordered callables by key, for events, rooms and hooks alike."""

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
H = TypeVar("H")


class Registry(Generic[K, H]):
    """Handlers by key, in the order they were added, each at most once.

    A handler added with `once` goes away when it is taken for its first call, so it cannot be
    called twice even if that call is still running (protocol.md section 7).
    """

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: dict[K, dict[object, tuple[H, bool]]] = {}

    def add(self, key: K, handler: H, *, identity: object = None, once: bool = False) -> None:
        """Add a handler; `identity` is what `remove` is asked for, the handler by default."""
        entries = self._entries.setdefault(key, {})
        entries.setdefault(handler if identity is None else identity, (handler, once))

    def remove(self, key: K, identity: object = None) -> None:
        """Remove one handler, or all of the key; nothing happens if there is none."""
        if identity is None:
            self._entries.pop(key, None)
            return
        entries = self._entries.get(key, {})
        entries.pop(identity, None)
        if not entries:
            self._entries.pop(key, None)

    def take(self, key: K) -> tuple[H, ...]:
        """The handlers to call now: a snapshot, from which `once` handlers are then gone."""
        entries = self._entries.get(key)
        if entries is None:
            return ()
        taken = tuple(handler for handler, _ in entries.values())
        if any(once for _, once in entries.values()):
            for identity in [i for i, (_, once) in entries.items() if once]:
                self.remove(key, identity)
        return taken

    def peek(self, key: K) -> tuple[H, ...]:
        """The handlers of a key, nothing taken."""
        return tuple(handler for handler, _ in self._entries.get(key, {}).values())

    def keys(self) -> tuple[K, ...]:
        """The keys that have handlers, in the order they were first added."""
        return tuple(self._entries)

    def __contains__(self, key: object) -> bool:
        """Whether a key has handlers."""
        return key in self._entries
