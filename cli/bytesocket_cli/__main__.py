"""`python -m bytesocket_cli` is `bytesocket`."""

from bytesocket_cli.main import main

if __name__ == "__main__":
    main()
