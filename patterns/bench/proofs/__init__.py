"""Promises of the patterns put to the test, at whatever length: each proof returns what it saw, and judges nothing.

The tests of the patterns run them short, the benchmark runs them long and makes verdicts of them.
"""
