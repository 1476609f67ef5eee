"""Files that the `bytesocket` command renders or copies; no code."""
