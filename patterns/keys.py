"""Names of keys. All keys of one operation share a hash tag, so that they live in one slot of a cluster.

The rule of this file: ``prefix{name}`` is the key of a thing, ``prefix{name}:part`` one that belongs to it. Different
prefixes, names or parts are different keys, whatever characters are in a name, and a part is in its thing's slot.
"""

from __future__ import annotations

import hashlib


def key(prefix: str, name: str, part: str = "") -> str:
    """The key of *name*, or of a *part* of it."""
    if not part and name and "}" not in name and name[0] != "#":
        return f"{prefix}{{{name}}}"
    # The tag of a cluster is what stands between the first { and the first } after it, unless that is nothing. If the
    # name had a }, nobody could tell where it ends and a part begins.
    if not name or "}" in name or name[0] == "#":
        name = f"#{hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()}}}{name}"
    return f"{prefix}{{{name}}}:{part}" if part else f"{prefix}{{{name}}}"


def check_prefix(prefix: str) -> str:
    """The prefix, if it is one; a brace in it would choose another hash tag."""
    if "{" in prefix or "}" in prefix:
        raise ValueError(f"a prefix has no braces: {prefix!r}")
    return prefix
