"""Scripts and functions: what stands between Lua, which knows nothing of Redis, and the engine.

``scripts`` are EVAL's, by their SHA1, and ``functions`` the libraries of FUNCTION LOAD; both are run by ``running``,
which says what a script may do and how it ends. ``redis_library`` is the table ``redis`` that scripts see, in a
``sandbox`` of which they can change nothing. ``conversions`` makes values of Lua from replies, and replies from them.

An engine has all this from the first command on that asks for it (``Engine.scripting``).
"""
