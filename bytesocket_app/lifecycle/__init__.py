"""Hooks that hear of connections, and the boundary where failures of an application's code end."""

from bytesocket_app.lifecycle.failures import Failures, StandIn
from bytesocket_app.lifecycle.hooks import HookKind, Lifecycle

__all__ = ["Failures", "HookKind", "Lifecycle", "StandIn"]
