"""Commands made up by the hundred thousand, on Hypothesis, and played on a reference and a target.

``pools`` holds the values, ``strategies`` puts commands together after the command table's syntax, ``families`` says
which belong together and what is left out, ``source`` makes a seed bring the same commands everywhere, ``runs`` plays
runs of hundreds of commands on one connection, ``machine`` plays many connections against each other.
"""
