"""When, and on what, a page of docs/ was made: what scripts beside this one write into it."""

from __future__ import annotations

import datetime
import os
import platform


def made_on() -> str:
    """Such as `2026-11-25, x86_64, 2 cores`."""
    return f"{datetime.date.today()}, {platform.machine()}, {os.cpu_count()} cores"
