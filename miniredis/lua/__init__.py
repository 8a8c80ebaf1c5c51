"""Lua 5.1 in pure Python: compiled to Python functions, not interpreted. It knows nothing of Redis.

``lexer`` and ``parser`` turn a chunk into ``nodes``; ``scope`` resolves its names; ``compiler`` writes Python from
that; ``values`` are what a running script handles, ``operations`` what happens where Python's own operators are not
enough. The libraries stand in modules of their own.
"""
