"""Publishing from outside the application: from a task queue, a web framework, or a cron job."""

from bytesocket_app.publishing.asynchronous import AsyncPipeline, AsyncPublisher
from bytesocket_app.publishing.blocking import Pipeline, Publisher

__all__ = ["AsyncPipeline", "AsyncPublisher", "Pipeline", "Publisher"]
