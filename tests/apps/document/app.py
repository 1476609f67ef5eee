"""A document that several people edit at once: `bytesocket dev tests.apps.document.app:app`."""

from bytesocket_app import ByteSocket
from tests.apps.document import editing, events, people

app = ByteSocket(title="Document", version="1.0.0", events=events, serialization="json")
app.auth(people.log_in)
app.include(editing.router)
