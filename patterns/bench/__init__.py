"""The pattern library beside others on a real server, and its promises put to the test: ``python -m patterns.bench``.

*Races* let contenders take turns, in rounds; a ratio is taken within a round, and what is told is the median of the
rounds' ratios. *Proofs* put a promise to the test and say what they saw. Both end in verdicts: what was wanted, what
was seen, and whether that is it.
"""
