"""P10: importing the app, against an app that only imports the same libraries."""

import subprocess
import sys
from collections.abc import Callable, Iterator

Pair = tuple[Callable[[], float], Callable[[], float]]

# Everything that the app has imported and did not write itself, in the order of its import.
_LIBRARIES = """
import sys, pathlib
here = str(pathlib.Path.cwd())
import wsgi
for name, module in list(sys.modules.items()):
    file = getattr(module, "__file__", None) or ""
    if ".venv" in file or not file.startswith(here):
        print(name)
"""
# A few names in sys.modules are no modules that could be imported by themselves.
_IMPORTED = """
import contextlib, gc, importlib
gc.disable()
for name in {names}:
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
"""
_MEASURED = """
import resource, time
begun = time.process_time()
{code}
print(time.process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def build() -> Iterator[tuple[str, str, Pair]]:
    """Title, unit and both sides of each measure: CPU time, and memory at the peak."""
    names = _run(_LIBRARIES).split()
    libraries = _IMPORTED.format(names=names)
    for place, (title, unit) in enumerate((("导入所用 CPU", "s"), ("导入后内存", "MiB"))):
        yield title, unit, (_measuring("import wsgi", place), _measuring(libraries, place))


def _measuring(code: str, place: int) -> Callable[[], float]:
    return lambda: float(_run(_MEASURED.format(code=code)).split()[place])


def _run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
