"""Transactions: MULTI, EXEC, DISCARD, and WATCH.

What is queued and what a watched key is, is said in :mod:`miniredis.engine.transactions`; the engine queues, because
that is decided before a command runs.
"""

from __future__ import annotations

from miniredis.engine import errors, transactions
from miniredis.engine.command import Variant, command, key_range
from miniredis.engine.session import Session
from miniredis.engine.transactions import Transaction
from miniredis.resp.types import NULL_ARRAY, OK, Error, Reply


@command(
    "MULTI",
    arity=1,
    summary="Starts a transaction.",
    since="1.2.0",
    group="transactions",
    complexity="O(1)",
    flags="noscript loading stale fast allow_busy",
    categories="transaction",
    variants=[Variant(valkey_since="8.0.0", flags="noscript loading stale fast no_multi allow_busy")],
)
def multi(client: Session, argv: list[bytes]) -> Reply:
    if client.transaction is not None:
        raise Error("ERR MULTI calls can not be nested")
    client.transaction = Transaction()
    client.used_transactions = True
    client.update_gate()
    return OK


@command(
    "EXEC",
    arity=1,
    summary="Executes all commands in a transaction.",
    since="1.2.0",
    group="transactions",
    complexity="Depends on commands in the transaction",
    flags="noscript loading stale skip_slowlog",
    categories="transaction",
)
def exec_(client: Session, argv: list[bytes]) -> Reply:
    transaction = client.transaction
    if transaction is None:
        raise Error("ERR EXEC without MULTI")
    if transaction.broken:
        transactions.discard(client)
        raise Error(errors.EXECABORT)
    if transactions.watch_fails(client):
        transactions.discard(client)
        return NULL_ARRAY
    return transactions.execute(client, transaction)


@command(
    "DISCARD",
    arity=1,
    summary="Discards a transaction.",
    since="2.0.0",
    group="transactions",
    complexity="O(N), when N is the number of queued commands",
    flags="noscript loading stale fast allow_busy",
    categories="transaction",
)
def discard(client: Session, argv: list[bytes]) -> Reply:
    if client.transaction is None:
        raise Error("ERR DISCARD without MULTI")
    transactions.discard(client)
    return OK


@command(
    "WATCH key [key ...]",
    arity=-2,
    summary="Monitors changes to keys to determine the execution of a transaction.",
    since="2.2.0",
    group="transactions",
    complexity="O(1) for every key.",
    flags="noscript loading stale fast allow_busy",
    categories="transaction",
    keys=[key_range("RO", 1, last=-1)],
    variants=[Variant(valkey_since="8.0.0", flags="noscript loading stale fast no_multi allow_busy")],
)
def watch(client: Session, argv: list[bytes]) -> Reply:
    if client.transaction is not None:
        raise Error("ERR WATCH inside MULTI is not allowed")
    client.used_transactions = True
    if not client.watch_broken:
        for key in argv[1:]:
            transactions.watch(client, key)
    return OK


@command(
    "UNWATCH",
    arity=1,
    summary="Forgets about watched keys of a transaction.",
    since="2.2.0",
    group="transactions",
    complexity="O(1)",
    flags="noscript loading stale fast allow_busy",
    categories="transaction",
)
def unwatch(client: Session, argv: list[bytes]) -> Reply:
    transactions.unwatch(client)
    client.watch_broken = False
    return OK
