"""A page as JSON: its data, exact."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from costcalc.reports.page import Page


def page(page: Page, **_: object) -> str:
    """Return the page's data as JSON."""
    import json

    return json.dumps(page.data(), indent=2)
