"""The page: a static site made of a board's table. Loads no model, and asks no network."""

from __future__ import annotations

from .build import build_site
from .details import Told

__all__ = ["Told", "build_site"]
