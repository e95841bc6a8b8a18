"""Exact points: integers of 1/100 point inside, decimal strings outside."""

import re
from fractions import Fraction
from typing import NewType

Points = NewType("Points", int)

POINTS_MAX = 1_000_000
_POINTS_TEXT = re.compile(r"(-?)(\d{1,6})(?:\.(\d{1,2}))?", re.ASCII)


def parse_points(text: str) -> Points:
    """Read "2.5" as 250 hundredths.

    Raises:
        ValueError: the text is not a decimal number with at most two decimals.
    """
    match = _POINTS_TEXT.fullmatch(text)
    if match is None:
        raise ValueError(f"not a points value: {text[:20]!r}")
    sign, whole, fraction = match.groups()
    hundredths = int(whole) * 100 + int((fraction or "").ljust(2, "0") or 0)
    return Points(-hundredths if sign else hundredths)


def format_points(hundredths: int) -> str:
    """Write 250 hundredths as "2.5"; no trailing zeros, no float on the way."""
    sign = "-" if hundredths < 0 else ""
    whole, fraction = divmod(abs(hundredths), 100)
    return f"{sign}{whole}.{fraction:02d}".rstrip("0").rstrip(".")


def format_hours(minutes: int) -> str:
    """Write minutes as hours, rounded down to 1/100 h: 90 as "1.5", 50 as "0.83"."""
    return format_points(minutes * 100 // 60)


def format_half_hours(minutes: int) -> str:
    """Write minutes as hours in steps of a half, rounded down: 119 as "1.5" (domain 4)."""
    return format_points(minutes // 30 * 50)


def format_share(share: Fraction) -> str:
    """Write a share as a percentage: 3/5 as "60%"; shares have at most four decimals."""
    return f"{format_points(int(share * 10_000))}%"
