"""Dispatch of messages to handlers: decoding, routing, rooms, replies and refusals.

`dispatcher` has the order of the steps for one message. Handlers and rooms are declared in
`declarations`.
"""

from bytesocket_app.dispatch.dispatcher import Dispatcher
from bytesocket_app.dispatch.runtime import Runtime
from bytesocket_app.dispatch.step import Step

__all__ = ["Dispatcher", "Runtime", "Step"]
