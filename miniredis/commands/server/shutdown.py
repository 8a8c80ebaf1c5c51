"""SHUTDOWN: the engine asks its driver to end the server; the client's connection ends without a reply."""

from __future__ import annotations

from miniredis.engine import errors
from miniredis.engine.command import command
from miniredis.engine.session import Session
from miniredis.resp.types import NO_REPLY, Error, Reply


@command(
    "SHUTDOWN [[NOSAVE | SAVE] [NOW] [FORCE] [SAFE] [FAILOVER] | ABORT]",
    arity=-1,
    summary="Synchronously saves the database(s) to disk and shuts down the server.",
    since="1.0.0",
    group="server",
    complexity=(
        "O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise O(1)"
    ),
    flags="admin noscript loading stale no_multi allow_busy",
    history=[
        ("7.0.0", "Added the `NOW`, `FORCE` and `ABORT` modifiers."),
        ("valkey 9.0.0", "Added the `SAFE` and `FAILOVER` modifiers."),
    ],
    names=["abort-selector", "save-selector-block", "save-selector"],
    details={
        "NOW": "since=7.0.0",
        "FORCE": "since=7.0.0",
        "SAFE": "valkey-since=9.0.0",
        "FAILOVER": "valkey-since=9.0.0",
        "ABORT": "since=7.0.0",
    },
)
def shutdown(client: Session, argv: list[bytes]) -> Reply:
    engine = client.engine
    options = [option.lower() for option in argv[1:]]
    known = {b"nosave", b"save", b"now", b"force", b"abort"}
    if engine.version.is_valkey:
        known |= {b"safe", b"failover"}
    if any(option not in known for option in options) or (b"save" in options and b"nosave" in options):
        raise errors.syntax_error()
    if b"abort" in options:
        if len(options) > 1:
            raise errors.syntax_error()
        raise Error("ERR No shutdown in progress.")  # it never takes time: there are no replicas to wait for
    if engine.busy is not None and b"nosave" not in options:
        raise engine.busy.error()
    if engine.on_shutdown is None:
        raise Error("ERR Errors trying to SHUTDOWN. Check logs.")
    if not engine.persistence.save_before_end([option.decode() for option in options]):
        raise Error("ERR Errors trying to SHUTDOWN. Check logs.")
    client.closing = True
    engine.on_shutdown()
    return NO_REPLY
