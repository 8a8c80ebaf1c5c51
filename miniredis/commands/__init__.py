"""The commands, one module per family; importing this package fills the command table."""

from miniredis.commands import command, strings, strings_lcs

__all__ = ["command", "strings", "strings_lcs"]
