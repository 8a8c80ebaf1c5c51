"""The tour: every pattern at work in a terminal, with its code, what goes over the wire, and figures that were counted.

The rule of this package: nothing is staged. The code that is shown is the code that runs, the commands are those that
the connections sent, the figures are counts. ``cli`` reads the command line, ``stage`` is the server and how time
passes on it (``embedded``: a miniredis, which nothing else here knows), ``wire`` overhears connections,
``narrator`` prints, ``chapters`` has a file for each theme.
"""
