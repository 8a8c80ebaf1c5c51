"""The engine on the network: asyncio, and nothing of it anywhere below.

``connection`` is one client, ``listeners`` the sockets that clients come in by, ``tls`` their encryption, ``wakeup``
the engine's timers on the event loop, and ``server`` all of it together, from start to stop. ``log`` writes
redis-server's log lines.
"""

from miniredis.server.listeners import ListenError
from miniredis.server.server import Server

__all__ = ["ListenError", "Server"]
