"""Programs of Lua made up by the hundred thousand, and run by EVAL on a reference and a target.

``phrases`` is what programs are made of, ``grammar`` puts it together on Hypothesis, ``runs`` plays programs in batches
and shortens those that differ, ``command`` is ``python -m conformance programs``.
"""
