"""The ceiling: the least that an asyncio server can do. It answers ``+OK`` to whatever it receives at once.

``python -m conformance.speed.echo`` says where it listens, as miniredis does, and runs until it is ended. What it is
sent must be one request at a time.
"""

from __future__ import annotations

import asyncio


class Echo(asyncio.Protocol):
    """Knows no protocol at all."""

    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(b"+OK\r\n")


async def serve() -> None:
    """Serve on a free port of the loopback interface, for ever."""
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0, backlog=511)
    host, port = server.sockets[0].getsockname()
    print(f"ready on redis://{host}:{port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
