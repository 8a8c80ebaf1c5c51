"""``python -m miniredis.lua [-e STATEMENT] [FILE [ARGUMENT …]]``: run a program of Lua by itself.

``-`` is standard input, and so is no file at all without ``-e``. The program finds its arguments in ``...`` and in
``arg``, with its own name at 0. It ends with 0, with what it gave ``os.exit``, or with 1 after an error.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from miniredis.lua.runtime import State
from miniredis.lua.standalone import complain, load_file, run, standalone_state
from miniredis.lua.values import LuaError, Table, Value

USAGE = "usage: python -m miniredis.lua [-e STATEMENT] [FILE [ARGUMENT …]]"


def main(arguments: list[str]) -> int:
    """Do as the *arguments* say; the exit code."""
    statements: list[str] = []
    while arguments and arguments[0].startswith("-") and arguments[0] != "-":
        if arguments[0] != "-e" or len(arguments) < 2:
            print(USAGE, file=sys.stderr)
            return 1
        statements.append(arguments[1])
        arguments = arguments[2:]
    state = standalone_state()
    for statement in statements:
        code = _run(state, lambda text=statement: state.load(text.encode(), b"=(command line)"), [])  # type: ignore[misc]
        if code:
            return code
    if statements and not arguments:
        return 0
    file = arguments[0] if arguments and arguments[0] != "-" else None
    words = [word.encode(errors="surrogateescape") for word in arguments]
    content = {float(number): word for number, word in enumerate(words)}
    state.globals.hash[b"arg"] = Table(content)
    return _run(state, lambda: load_file(state, file), words[1:])


def _run(state: State, load: Callable[[], Value], arguments: list[bytes]) -> int:
    try:
        function = load()
    except LuaError as failure:
        complain(failure)
        return 1
    return run(state, function, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
