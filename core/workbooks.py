"""The one way out for tables: each cell is text, whatever somebody typed into it.

A name that begins with "=" would otherwise run as a formula on the desk of whoever opens the file.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import xlsxwriter

_OPTIONS = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


@contextmanager
def text_workbook(target: Path | BytesIO) -> Iterator[Any]:
    """A workbook whose cells are written downwards, with `write_string` and nothing else.

    In a file it may be long and is written row by row; in memory it is a form of a page or two.
    """
    is_file = isinstance(target, Path)
    options = _OPTIONS | ({"constant_memory": True} if is_file else {"in_memory": True})
    with xlsxwriter.Workbook(str(target) if is_file else target, options) as workbook:
        yield workbook
