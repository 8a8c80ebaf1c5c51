"""Does a server behave as a real Redis does, to the byte?

The package drives two servers, a *reference* and a *target*, with the same commands over raw sockets and compares
what comes back: ``servers`` finds and starts them, ``wire`` talks to one of them, ``scenario`` reads the scripts
under ``scenarios/``, ``freedoms`` lists what Redis leaves open, ``duel`` plays a script on both sides, ``state``
compares the two datasets afterwards, and ``transcript`` shows a human what differed. ``generated`` makes up commands by
the hundred thousand, for one connection and for several, and ``shrink`` leaves of those that differ what matters.
``KNOWN.md`` says what is to stay different. ``parties`` turns what the command line names into servers, ``run`` asks
them everything, and ``reports`` tell what was found.

It knows the wire format (``miniredis.resp``) and nothing about how any server works inside.
"""
