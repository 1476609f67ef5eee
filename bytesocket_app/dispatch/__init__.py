"""From a decoded message to a handler and back: routing, rooms, replies, refusals.

The way of one message is read in `dispatcher`; what it may reach is declared in `declarations`.
No transport is known here, and no clock beyond the deadline that a `Step` carries.
"""

from bytesocket_app.dispatch.dispatcher import Dispatcher
from bytesocket_app.dispatch.runtime import Runtime
from bytesocket_app.dispatch.step import Step

__all__ = ["Dispatcher", "Runtime", "Step"]
