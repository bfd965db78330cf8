"""Run the `main()` of every benchmark module of this folder, or of those named on the command line."""

import importlib
import pkgutil
import sys
from types import ModuleType

import tests.benchmarks


def modules_with_main() -> dict[str, ModuleType]:
    """Return the modules of this folder that measure something, by name."""
    found = [m.name for m in pkgutil.iter_modules(tests.benchmarks.__path__)]
    names = [name for name in found if not name.startswith(("_", "test_"))]
    modules = {name: importlib.import_module(f"tests.benchmarks.{name}") for name in names}
    return {name: module for name, module in modules.items() if hasattr(module, "main")}


def main() -> int:
    available = modules_with_main()
    wanted = sys.argv[1:] or list(available)
    unknown = [name for name in wanted if name not in available]
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)} (there are {', '.join(available)})", file=sys.stderr)
        return 2
    for name in wanted:
        print(f"== {name}", flush=True)
        available[name].main()
        print(flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
