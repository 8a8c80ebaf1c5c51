"""Hundreds of commands on one connection of each server, sent at once, and everything that came of them compared.

That is: reply by reply; the keyspace notifications; how many changes the server counts; the datasets. Both servers get
their commands before either is read, so that they work at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import unified_diff
from typing import Final

from conformance.duel import Duel
from conformance.exchange import (
    Exchange,
    Report,
    Transactions,
    depends_on_encoding,
    has_order,
    may_be_a_set,
)
from conformance.freedoms import frames_agree
from conformance.generated.changes import event_since
from conformance.generated.strategies import Argv
from conformance.side import Outcome, Side
from conformance.transcript import quote_command
from conformance.versions import Version
from conformance.wire import Frame
from miniredis.resp import encode_command

Sent = tuple[Argv, bool]
"""A command, and whether it only asks for the encoding of the next one's key, on which the order of its reply hangs."""

CLIENT: Final = "1"
"""What the connection is called that the commands are sent on."""


Explain = Callable[[Argv, Frame, Frame, Sequence[Sequence[bytes]], bool], str]
"""Why the replies of reference and target differ, or what they leave behind may, where that is declared.

The sequence are the commands that EXEC ran; the last says whether the replies differ.
"""


def play(
    duel: Duel,
    title: str,
    argvs: Sequence[Argv],
    protocol: int,
    versions: tuple[Version, Version] | None = None,
    explain: Explain = lambda argv, left, right, queued, differ: "",
) -> Report:
    """Send the commands to both servers, from empty datasets; one exchange for each command.

    *versions* are those of reference and target, if they are two; *explain* then tells what is declared.
    """
    report = duel.begin(title, protocol)
    sent: list[Sent] = []
    for argv in argvs:
        if depends_on_encoding(argv):
            sent.append(((b"OBJECT", b"ENCODING", argv[1]), True))
        sent.append((argv, False))
    requests = b"".join(encode_command(argv) for argv, _ in sent)
    try:
        for side in duel.sides:
            side.expire_actively(False)
            side.listen(protocol)
            for argv in argvs:
                side.remember_settings(argv)
        changes = [-side.count_changes() for side in duel.sides]
        for side in duel.sides:
            side.wire(CLIENT, protocol).send_raw(requests)
        left, right = (_read(side, len(sent)) for side in duel.sides)
        duel.compare_datasets(report, versions)
        _compare(report, sent, left, right, explain)
        ours, theirs = (side.heard() for side in duel.sides)
        if versions is not None and ours != theirs:
            ours, theirs = ([event_since(line, versions) for line in heard] for heard in (ours, theirs))
        if ours != theirs:
            report.state += unified_diff(ours, theirs, report.reference, report.target, lineterm="", n=1)
        changes = [before + side.count_changes() for before, side in zip(changes, duel.sides, strict=True)]
        if changes[0] != changes[1]:
            report.state.append(f"changes counted: {changes[0]} / {changes[1]}")
    finally:
        for side in duel.sides:
            side.expire_actively(True)
        duel.end()
    return report


def _read(side: Side, count: int) -> list[Outcome]:
    """So many frames, up to the first that does not come."""
    outcomes: list[Outcome] = []
    while len(outcomes) < count and (not outcomes or outcomes[-1].frame is not None):
        outcomes.append(side.read(CLIENT))
    return outcomes


def _compare(
    report: Report, sent: Sequence[Sent], left: Sequence[Outcome], right: Sequence[Outcome], explain: Explain
) -> None:
    transactions = Transactions()
    probed: Frame | None = None
    for (argv, is_probe), ours, theirs in zip(sent, left, right, strict=False):
        queued = transactions.executed_by(CLIENT, argv)
        if ours.frame is not None:
            transactions.follow(CLIENT, argv, ours.frame)
        if is_probe:
            probed = ours.frame
            continue
        # A set that was a hash table, or made of one, keeps its order as a listpack: any.
        compact = has_order(probed) and not may_be_a_set(argv)
        probed = None
        agree, declared = False, ""
        if ours.frame is not None and theirs.frame is not None:
            agree = frames_agree(argv, ours.frame, theirs.frame, compact=compact, queued=queued)
            declared = explain(argv, ours.frame, theirs.frame, queued, not agree)
        report.exchanges.append(Exchange(quote_command(argv), ours, theirs, agree, declared))
