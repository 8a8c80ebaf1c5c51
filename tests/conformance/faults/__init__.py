"""Servers with one fault each, to examine the examiner: a suite that finds nothing wrong with them proves nothing."""
