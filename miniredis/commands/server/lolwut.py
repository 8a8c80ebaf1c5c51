"""LOLWUT: a drawing of our own, and the version that Redis signs it with."""

from __future__ import annotations

from random import Random

from miniredis.engine.arguments import integer
from miniredis.engine.command import command
from miniredis.engine.session import Session
from miniredis.resp.types import Reply, Verbatim


@command(
    "LOLWUT [VERSION version]",
    arity=-1,
    summary="Displays computer art and the server version.",
    since="5.0.0",
    group="server",
    flags="readonly fast",
)
def lolwut(client: Session, argv: list[bytes]) -> Reply:
    version = client.engine.version
    name = "Valkey" if version.is_valkey else "Redis"
    signature = f"{name} ver. {'.'.join(map(str, version.number))}\n"
    if len(argv) >= 3 and argv[1].lower() == b"version":
        chosen = integer(argv[2])
        sizes = [integer(size) for size in argv[3:]]
        if chosen in (5, 6):
            columns = min(max(sizes[0] if sizes else 66, 1), 1000)
            rows = min(max(sizes[1] if len(sizes) > 1 else 8, 1), 200)
            signature = _weave(client.engine.random, columns, rows) + "\n" + signature
    return Verbatim(signature.encode())


def _weave(random: Random, columns: int, rows: int) -> str:
    """A maze of diagonals."""
    return "".join("".join(random.choice("╱╲") for _ in range(columns)) + "\n" for _ in range(rows))
