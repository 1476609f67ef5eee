"""The `bytesocket` command: scaffold, serve, generate."""
