"""Keep what a test imports from its own folder out of the other tests."""

import sys
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def fresh_imports() -> Generator[None, None, None]:
    """Restore `sys.path` and forget every module that the block imported from a new place."""
    path, modules = list(sys.path), set(sys.modules)
    try:
        yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            file = getattr(sys.modules[name], "__file__", None) or ""
            if "pytest-of-" in file or not file:
                del sys.modules[name]
