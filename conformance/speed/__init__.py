"""How fast, and beside whom: ``python -m conformance speed``.

A number of one machine on one day says little; a ratio of two programs that took turns on it says a lot. So everything
is measured in rounds, in each of which all contenders have their turn one after the other; a ratio is taken within a
round, and what is told is the median of the rounds' ratios, and how far they lie apart.
"""
