"""A flowchart in Mermaid's words as an SVG of its own: nothing is fetched when the page is opened.

Boxes stand in rows, each below all that point to it; an arrow over several rows has a place in each of them, and the
order in a row follows the middle of what is joined to it (Sugiyama, Tagawa and Toda 1981).
"""

from __future__ import annotations

import re
from collections import defaultdict
from html import escape
from itertools import pairwise

from docutils import nodes
from docutils.parsers.rst import Directive

WIDE, HIGH, ACROSS, DOWN, TURNS = 112, 30, 24, 64, 24
Place = tuple[str, int]  # of an arrow on its way: what it leads to, and the row
Arrows = dict[str, set[str]]


class Flowchart(Directive):
    """The directive `mermaid`, which is a fence of that word in Markdown."""

    has_content = True
    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the picture."""
        return [nodes.raw("", svg(read(self.content)), format="html")]


def read(lines: list[str]) -> Arrows:
    """Return the arrows of `flowchart TD` with lines `a --> b & c`; ValueError for any other."""
    found: Arrows = defaultdict(set)
    head, *rest = [line.strip() for line in lines if line.strip()]
    for line in rest:
        arrow = re.fullmatch(r"(\w+) --> (\w+(?: & \w+)*)", line)
        if head != "flowchart TD" or arrow is None:
            raise ValueError(f"a flowchart of lines 'a --> b & c' is drawn, not '{line}'")
        found[arrow[1]].update(arrow[2].split(" & "))
    return found


def svg(arrows: Arrows) -> str:
    """Return the picture."""
    rows, ways = placed(arrows)
    width = max(map(len, rows)) * (WIDE + ACROSS)
    where = {}
    for number, row in enumerate(rows):
        left = (width - len(row) * (WIDE + ACROSS)) / 2
        for at, name in enumerate(row):
            where[name] = (left + (at + 0.5) * (WIDE + ACROSS), number * DOWN + HIGH)
    drawn = [f'<path d="{curve([where[one] for one in way])}" marker-end="url(#tip)"/>' for way in ways]
    for name, (x, y) in where.items():
        if isinstance(name, str):
            box = f'<rect x="{x - WIDE / 2}" y="{y - HIGH / 2}" width="{WIDE}" height="{HIGH}" rx="5"/>'
            drawn.append(f'{box}<text x="{x}" y="{y + 5}" text-anchor="middle">{escape(name)}</text>')
    tip = '<marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
    head = f'<svg class="flowchart" role="img" viewBox="0 0 {width} {len(rows) * DOWN}" width="{width}">'
    said = "; ".join(f"{name} to {', '.join(sorted(below))}" for name, below in arrows.items())
    return (
        f'{head}<title>{escape(said)}</title><defs>{tip}<path d="M0 0 8 4 0 8z"/></marker></defs>{"".join(drawn)}</svg>'
    )


def placed(arrows: Arrows) -> tuple[list[list[str | Place]], list[list[str | Place]]]:
    """Return the rows of boxes and of places of arrows in their order, and the way of each arrow through them."""
    depth = depths(arrows)
    rows: list[list[str | Place]] = [[] for _ in range(max(depth.values()) + 1)]
    for name, row in depth.items():
        rows[row].append(name)
    ways: list[list[str | Place]] = []
    for name, below in arrows.items():
        for end in sorted(below):
            between: list[str | Place] = [(end, row) for row in range(depth[name] + 1, depth[end])]
            ways.append([name, *between, end])
            for place in between:
                if place not in rows[place[1]]:  # arrows to the same box run together
                    rows[place[1]].append(place)
    joined = defaultdict(set)
    for way in ways:
        for one, other in pairwise(way):
            joined[one].add(other)
            joined[other].add(one)
    for turn in range(TURNS):
        for row in rows if turn % 2 else rows[::-1]:
            at = {one: number - len(each) / 2 for each in rows for number, one in enumerate(each)}
            row.sort(key=lambda one: sum(at[other] for other in joined[one]) / len(joined[one]))
    return rows, ways


def depths(arrows: Arrows) -> dict[str, int]:
    """Return the row of each box: below all that point to it."""
    depth = dict.fromkeys([*arrows, *(end for below in arrows.values() for end in sorted(below))], 0)
    for _ in depth:
        for name, below in arrows.items():
            for end in below:
                depth[end] = max(depth[end], depth[name] + 1)
    return depth


def curve(points: list[tuple[float, float]]) -> str:
    """Return a path from the lower edge of the first box to the upper edge of the last."""
    (x, y), *rest = points
    y += HIGH / 2
    made = [f"M{x:.0f} {y:.0f}"]
    for number, (to_x, to_y) in enumerate(rest):
        end = to_y - HIGH / 2 if number == len(rest) - 1 else to_y
        half = (y + end) / 2
        made.append(f"C{x:.0f} {half:.0f} {to_x:.0f} {half:.0f} {to_x:.0f} {end:.0f}")
        x, y = to_x, end
    return " ".join(made)
