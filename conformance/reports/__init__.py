"""What a run found out, for those who want to know: on the terminal, as JSON, as JUnit, as one HTML page, as scenarios.

Each module is one report and is made from :class:`~conformance.results.Results` alone: none talks to a server, none
judges. ``marks`` finds what differs between two replies; ``as_json`` also reads back what it wrote, so that every other
report can be had again later.
"""
