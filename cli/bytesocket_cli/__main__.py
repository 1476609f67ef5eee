"""Entry point of `python -m bytesocket_cli`, the same as `bytesocket`."""

from bytesocket_cli.main import main

if __name__ == "__main__":
    main()
