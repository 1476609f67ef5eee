"""Hooks for the events of connections, and the boundary for failures of an application's code."""

from bytesocket_app.lifecycle.failures import Failures, StandIn
from bytesocket_app.lifecycle.hooks import HookKind, HookTimeout, Lifecycle
from bytesocket_app.lifecycle.promises import Promises

__all__ = ["Failures", "HookKind", "HookTimeout", "Lifecycle", "Promises", "StandIn"]
