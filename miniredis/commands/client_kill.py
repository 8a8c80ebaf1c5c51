"""CLIENT KILL: to close connections, one by its address or all that match the filters."""

from __future__ import annotations

from miniredis.commands.client_filters import ClientFilter, parse_filters
from miniredis.engine.command import command
from miniredis.engine.session import Session
from miniredis.resp.types import OK, Error, Reply


@command(
    "CLIENT|KILL <ip:port | <[ID client-id [client-id ...]] | [TYPE <NORMAL | MASTER | PRIMARY | SLAVE | REPLICA"
    " | PUBSUB>] | [USER username] | [ADDR ip:port] | [LADDR ip:port] | [SKIPME <YES | NO>] | [MAXAGE maxage] |"
    " [NAME name] | [IDLE idle] | [FLAGS flags] | [LIB-NAME lib-name] | [LIB-VER lib-ver] | [DB db] | [CAPA capa]"
    " | [IP ip] | [NOT-TYPE <NORMAL | MASTER | PRIMARY | SLAVE | REPLICA | PUBSUB>] | [NOT-ID not-client-id"
    " [not-client-id ...]] | [NOT-USER not-username] | [NOT-ADDR ip:port] | [NOT-LADDR ip:port] | [NOT-NAME"
    " not-name] | [NOT-FLAGS not-flags] | [NOT-LIB-NAME not-lib-name] | [NOT-LIB-VER not-lib-ver] | [NOT-DB"
    " not-db] | [NOT-CAPA not-capa] | [NOT-IP not-ip] [...]>>",
    arity=-3,
    summary="Terminates open connections.",
    since="2.4.0",
    group="connection",
    complexity="O(N) where N is the number of client connections",
    flags="admin noscript loading stale",
    categories="connection",
    history=[
        ("2.8.12", "Added new filter format."),
        ("2.8.12", "`ID` option."),
        ("3.2.0", "Added `master` type in for `TYPE` option."),
        ("5.0.0", "Replaced `slave` `TYPE` with `replica`. `slave` still supported for backward compatibility."),
        ("6.2.0", "`LADDR` option."),
        ("7.4.0", "`MAXAGE` option."),
        ("valkey 8.0.0", "`MAXAGE` option."),
        (
            "valkey 8.0.0",
            "Replaced `master` `TYPE` with `primary`. `master` still supported for backward compatibility.",
        ),
        ("valkey 8.1.0", "`ID` option accepts multiple IDs."),
        (
            "valkey 9.0.0",
            (
                "Added filters NAME, IDLE, FLAGS, LIB-NAME, LIB-VER, DB, CAPA, and IP. And negative filters NOT-ID,"
                " NOT-TYPE, NOT-ADDR, NOT-LADDR, NOT-USER, NOT-FLAGS, NOT-NAME, NOT-LIB-NAME, NOT-LIB-VER, NOT-DB,"
                " NOT-CAPA, NOT-IP."
            ),
        ),
    ],
    names=["filter", "new-format", "client-type", "skipme", "not-client-type"],
    details={
        "ip:port": "name=old-format deprecated-since=2.8.12",
        "ID": "since=2.8.12",
        "client-type": "since=2.8.12",
        "client-type MASTER": "since=3.2.0",
        "client-type PRIMARY": "valkey-since=8.0.0",
        "client-type REPLICA": "since=5.0.0",
        "ADDR": "name=addr",
        "LADDR": "name=laddr since=6.2.0",
        "MAXAGE": "since=7.4.0 valkey-since=8.0.0",
        "NAME": "valkey-since=9.0.0",
        "IDLE": "valkey-since=9.0.0",
        "FLAGS": "valkey-since=9.0.0",
        "LIB-NAME": "valkey-since=9.0.0",
        "LIB-VER": "valkey-since=9.0.0",
        "DB": "valkey-since=9.0.0",
        "CAPA": "valkey-since=9.0.0",
        "IP": "valkey-since=9.0.0",
        "not-client-type": "valkey-since=9.0.0",
        "NOT-ID": "valkey-since=9.0.0",
        "NOT-USER": "valkey-since=9.0.0",
        "NOT-ADDR": "name=not-addr valkey-since=9.0.0",
        "NOT-LADDR": "name=not-laddr valkey-since=9.0.0",
        "NOT-NAME": "valkey-since=9.0.0",
        "NOT-FLAGS": "valkey-since=9.0.0",
        "NOT-LIB-NAME": "valkey-since=9.0.0",
        "NOT-LIB-VER": "valkey-since=9.0.0",
        "NOT-DB": "type=integer valkey-since=9.0.0",
        "NOT-CAPA": "valkey-since=9.0.0",
        "NOT-IP": "valkey-since=9.0.0",
    },
)
def client_kill(client: Session, argv: list[bytes]) -> Reply:
    if len(argv) == 3:
        wanted = ClientFilter(client)
        wanted.add("addr", argv[2])
        if not _kill(client, wanted):
            raise Error("ERR No such client")
        return OK
    return _kill(client, parse_filters(client, argv, skip_me=True))


def _kill(client: Session, wanted: ClientFilter) -> int:
    """Close the connections of all who match; *client* itself when it has its reply. How many there were."""
    victims = wanted.matches()
    for session in victims:
        if session is client:
            client.closing = True
        else:
            session.on_close()
            client.engine.disconnect(session)
    return len(victims)
