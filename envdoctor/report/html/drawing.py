"""Draws a Vega-Lite description as an SVG that fits the page: its colours, no script, tooltips."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from envdoctor.errors import IncompleteError
from envdoctor.report.html.theme import CHARTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SCHEMA_VERSION = "5.20"
"""Of Vega-Lite: one that all supported versions of the converter hold."""
_NAMESPACE = "{http://www.w3.org/2000/svg}"
_LONG_NUMBER = re.compile(r"-?\d+\.\d{2,}(?:e-?\d+)?")
_DRAWN = {"d", "transform", "x", "y", "x2", "y2"}
_UNUSED = {
    "aria-label",
    "aria-roledescription",
    "aria-hidden",
    "role",
    "pointer-events",
    "version",
    "font-family",
}
"""The whole chart is one image to a screen reader, and the page chooses the type."""
_DEFAULTS = {"opacity": "1", "stroke-width": "1", "stroke-miterlimit": "10"}
_FRAMES = {"background", "foreground"}
"""Classes of shapes without a look: no chart has a ground of its own."""
_INHERITED = ("fill", "fill-opacity", "stroke", "stroke-width", "font-size", "text-anchor")


def converter() -> Callable[..., str]:
    """The function that draws.

    Raises:
        IncompleteError: the library for it is not installed.
    """
    try:
        from vl_convert import vegalite_to_svg
    except ImportError as error:
        raise IncompleteError(
            "the page needs vl-convert-python, which draws its charts and is not installed.",
            '`python -m pip install "envdoctor[report]"` installs it.',
        ) from error
    found: Callable[..., str] = vegalite_to_svg
    return found


def draw(spec: Mapping[str, Any], name: str) -> ET.Element:
    """The drawing as an element `svg`, with identifiers that begin with `name`.

    Nothing is fetched: no address may be read. The description of a mark becomes its tooltip.
    """
    whole = {**spec, "config": CHARTS, "background": "transparent"}
    svg = ET.fromstring(  # noqa: S314  our own converter's output
        converter()(whole, vl_version=SCHEMA_VERSION, allowed_base_urls=[])
    )
    for node in svg.iter():
        node.tag = node.tag.removeprefix(_NAMESPACE)
    for node in list(svg.iter()):
        for child in [child for child in node if _shows_nothing(child)]:
            node.remove(child)
        _explain(node)
        _prefix(node, name)
        _slim(node)
    for node in svg.iter("g"):
        _share(node)
    svg.set("role", "img")
    svg.set("aria-labelledby", f"{name}-title")
    svg.set("style", f"max-width:{round(1.25 * float(svg.get('width', '400')))}px")
    for attribute in ("width", "height"):
        del svg.attrib[attribute]
    return svg


def _explain(node: ET.Element) -> None:
    """What describes a mark is shown when a pointer rests on it."""
    text = node.get("aria-label")
    if text and node.get("role") == "graphics-symbol" and len(node) == 0:
        title = ET.SubElement(node, "title")
        title.text = text


def _prefix(node: ET.Element, name: str) -> None:
    """Several drawings share the page, and so one space of identifiers."""
    if "id" in node.attrib:
        node.set("id", f"{name}-{node.attrib['id']}")
    if "clip-path" in node.attrib:
        node.set("clip-path", node.attrib["clip-path"].replace("url(#", f"url(#{name}-"))


def _slim(node: ET.Element) -> None:
    """A tenth of a unit is finer than a screen shows."""
    for key, value in list(node.attrib.items()):
        if key in _UNUSED or value in {"", _DEFAULTS.get(key)}:
            del node.attrib[key]
    for key in _DRAWN & node.attrib.keys():
        node.set(key, _LONG_NUMBER.sub(lambda found: f"{float(found[0]):.1f}", node.attrib[key]))


def _shows_nothing(node: ET.Element) -> bool:
    return node.get("class") in _FRAMES or node.get("opacity") == "0"


def _share(group: ET.Element) -> None:
    """What all marks of a group have in common is said once: half of the size of many dots."""
    for key in _INHERITED:
        values = {child.get(key) for child in group}
        if len(group) > 1 and len(values) == 1 and (value := values.pop()) is not None:
            group.set(key, value)
            for child in group:
                del child.attrib[key]
