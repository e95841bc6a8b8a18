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
# Resident memory is read from the kernel: a child's peak begins with that of its parent.
_MEASURED = """
import pathlib, re, time
begun = time.process_time()
{code}
cpu = time.process_time() - begun
status = pathlib.Path("/proc/self/status").read_text()
print(cpu, int(re.search(r"VmRSS:\\s+(\\d+)", status)[1]) / 1024)
"""


def build() -> Iterator[tuple[str, str, Pair]]:
    """Title, unit and both sides of each measure: CPU time, and memory afterwards."""
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
