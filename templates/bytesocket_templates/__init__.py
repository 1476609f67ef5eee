"""Files that `bytesocket` renders or copies; no code."""
