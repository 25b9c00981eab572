"""Colours, type and layout of the page, in light, in dark and on paper."""

from __future__ import annotations

from importlib import resources
from typing import Any

PALETTE = {
    "ground": ("#ffffff", "#10161d"),
    "raised": ("#f5f7fa", "#18212b"),
    "ink": ("#16202c", "#e8edf2"),
    "soft": ("#5a6776", "#a3b0be"),
    "grid": ("#dfe4ea", "#2b3742"),
    "line": ("#cfd6de", "#35424f"),
    "accent": ("#0060a0", "#6cb8f5"),
    "good": ("#00704f", "#46cf9f"),
    "alarm": ("#b3261e", "#ff8f85"),
    "s1": ("#0072b2", "#58b1f0"),
    "s2": ("#d55e00", "#ff8a47"),
    "s3": ("#00845f", "#35c79a"),
    "s4": ("#a8437f", "#e98bc4"),
    "s5": ("#8a6d00", "#e3c23c"),
    "s6": ("#1b8fa6", "#5fd6ea"),
    "s7": ("#6b4fbb", "#a893f5"),
    "s8": ("#555f6b", "#b8c2cc"),
    "p1": ("#0b4f80", "#2f7fc0"),
    "p2": ("#2f86c1", "#63adea"),
    "p3": ("#8cc1e6", "#b5d9f5"),
    "p4": ("#d9822b", "#e8964a"),
    "l1": ("#d6f0e4", "#14432f"),
    "l2": ("#e4f1d2", "#33481c"),
    "l3": ("#f6eec4", "#554a14"),
    "l4": ("#fbdcc0", "#5f3a17"),
    "l5": ("#f8c6c0", "#66261f"),
}
"""Each colour in the light and in the dark scheme."""

SERIES = tuple(f"var(--s{number})" for number in range(1, 9))
"""Colours of rows: told apart by readers with any colour vision, 3:1 against the ground."""
DASHES = ([1, 0], [6, 3], [2, 2])
"""With the colours, 24 lines can be told apart."""
PARTS = tuple(f"var(--p{number})" for number in range(1, 5))
"""Colours of the parts of a stacked bar, dark to light."""
LEVELS = tuple(f"var(--l{number})" for number in range(1, 6))
"""Grounds of the cells of a heat map; text is readable on all of them."""
GROUND = "var(--ground)"
INK = "var(--ink)"
SOFT = "var(--soft)"
GRID = "var(--grid)"
ALARM = "var(--alarm)"

_LABEL = {"labelColor": INK, "labelFontSize": 12, "titleColor": SOFT, "titleFontSize": 12}

CHARTS: dict[str, Any] = {
    "font": "system-ui, sans-serif",
    "padding": {"left": 12, "right": 12, "top": 5, "bottom": 5},
    "view": {"stroke": None},
    "axis": {
        # Wide, because browsers draw with wider letters than those that this is reckoned with.
        "labelSeparation": 24,
        **_LABEL,
        "titleFontWeight": "normal",
        "gridColor": GRID,
        "domainColor": SOFT,
        "tickColor": SOFT,
        "labelLimit": 130,
    },
    "axisY": {"titleAngle": 0, "titleAlign": "left", "titleAnchor": "end", "titleY": -10},
    "legend": {
        **_LABEL,
        "orient": "bottom",
        "direction": "horizontal",
        "columns": 2,
        "columnPadding": 24,
        "labelLimit": 170,
        "title": None,
    },
    "header": {**_LABEL, "labelFontWeight": "normal"},
    "text": {"fill": INK, "fontSize": 12},
}
"""What all charts share, as Vega-Lite's `config`."""


def style() -> str:
    """The style sheet: colours are variables, so that charts follow the scheme; paper is light."""
    light, dark = _variables(0), _variables(1)
    rules = resources.files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    return (
        f":root {{ color-scheme: light dark; {light} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"
        f"@media print {{ :root {{ color-scheme: light; {light} }} }}\n{rules}"
    )


def _variables(scheme: int) -> str:
    return " ".join(f"--{name}: {colours[scheme]};" for name, colours in PALETTE.items())
