"""The month of an instant in Shanghai, computed by the database."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction


class business_month(GenericFunction[int]):
    """The number of the month, 1 to 12, in which an instant lies in Shanghai.

    Without the time zone the first eight hours of a month would count in the month before.
    """

    type = sa.Integer()
    inherit_cache = True


@compiles(business_month, "postgresql")
def _postgresql(element: business_month, compiler: Any, **kw: Any) -> str:
    instant = compiler.process(element.clauses, **kw)
    return f"CAST(EXTRACT(month FROM ({instant}) AT TIME ZONE 'Asia/Shanghai') AS INTEGER)"


@compiles(business_month, "sqlite")
def _sqlite(element: business_month, compiler: Any, **kw: Any) -> str:
    # China has had no summer time since 1991.
    return f"CAST(strftime('%m', {compiler.process(element.clauses, **kw)}, '+8 hours') AS INTEGER)"
