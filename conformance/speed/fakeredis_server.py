"""fakeredis's TCP server in a process of its own: ``python -m conformance.speed.fakeredis_server``.

It says where it listens, as miniredis does, and runs until it is ended.
"""

from __future__ import annotations

import logging
from importlib import import_module


def serve() -> None:
    """Serve on a free port of the loopback interface, for ever. Raises ``ImportError`` without fakeredis."""
    logging.disable()  # it logs each command that a client sends and it does not know
    server = import_module("fakeredis").TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    server.daemon_threads = True
    host, port = server.server_address[:2]
    print(f"ready on redis://{host}:{port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve()
