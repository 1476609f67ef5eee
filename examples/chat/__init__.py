"""Chat: a chat room over one WebSocket."""
