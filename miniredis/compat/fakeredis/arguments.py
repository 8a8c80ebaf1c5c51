"""The arguments of a client's constructor, whichever way they are given."""

from __future__ import annotations

import inspect
from typing import Any


def named(client_class: type, args: tuple[Any, ...], options: dict[str, Any]) -> dict[str, Any]:
    """*options*, and *args* under the names that the constructor of *client_class* has for them."""
    names = list(inspect.signature(client_class).parameters)
    return {**options, **dict(zip(names, args, strict=False))}


def of_url(parsed: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """*options* of a client, and what its URL says, which counts for more."""
    parsed = {name: value for name, value in parsed.items() if name != "connection_class"}
    if "path" in parsed:
        parsed["unix_socket_path"] = parsed.pop("path")
    parsed.setdefault("host", "localhost")
    return {**options, **parsed}
