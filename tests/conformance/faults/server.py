"""miniredis with a fault: ``python -m tests.conformance.faults.server NUMBER [the server's own options]``.

The source of one module is changed as it is imported; on disk nothing is, and no byte code is kept.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType

from tests.conformance.faults.catalogue import FAULTS, Fault


class FaultyFinder(MetaPathFinder):
    """Finds the module that has the fault, and leaves all others to the usual finders."""

    def __init__(self, fault: Fault) -> None:
        self._fault = fault

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._fault.module:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.origin is None:
            raise ImportError(f"{fullname} is not there to be broken")
        spec.loader = FaultyLoader(self._fault, fullname, spec.origin)
        return spec


class FaultyLoader(SourceFileLoader):
    """Compiles the source with the fault in it."""

    def __init__(self, fault: Fault, fullname: str, path: str) -> None:
        super().__init__(fullname, path)
        self._fault = fault

    def get_code(self, fullname: str) -> CodeType:
        source = self._fault.break_source(self.get_data(self.path).decode())
        return compile(source, self.path, "exec", dont_inherit=True)


def main() -> None:
    """Run the server of the command line with the fault whose number comes first."""
    fault = FAULTS[int(sys.argv.pop(1))]
    assert fault.module not in sys.modules, f"{fault.module} was imported before it could be broken"
    sys.meta_path.insert(0, FaultyFinder(fault))
    from miniredis.cli import main as run

    sys.exit(run())


if __name__ == "__main__":
    main()
