"""The commands, one module per family; importing this package fills the command table."""

from miniredis.commands import (
    command,
    expiration,
    hashes,
    keys,
    lists,
    lists_blocking,
    object,
    sets,
    sets_algebra,
    sort,
    strings,
    strings_lcs,
)

__all__ = [
    "command",
    "expiration",
    "hashes",
    "keys",
    "lists",
    "lists_blocking",
    "object",
    "sets",
    "sets_algebra",
    "sort",
    "strings",
    "strings_lcs",
]
