"""Names of points that lie close together: each is put where it hides nothing, or left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

Place = tuple[float, float]
Piece = tuple[Place, Place]  # of a line: from, to
Box = tuple[float, float, float, float]  # left, bottom, right, top, in pixels

DIRECTIONS = (
    (1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1),
    (0.5, 1), (-0.5, 1), (0.5, -1), (-0.5, -1), (1, 0.5), (-1, 0.5), (1, -0.5), (-1, -0.5),
)  # fmt: skip
DISTANCES = (5, 9, 14, 20, 27, 35, 44)  # points from a marker to the near side of its name
LEADER = 9  # points: a name that lies further away gets a line to its marker
MARKER = 3.0  # points: half a marker
CUT = 6.0  # pixels: the side of a box that stands for a part of a slope
STROKE = 1.0  # points: half of what a line needs


class Sheet:
    """The axes on which names are written, and what on it is taken already."""

    def __init__(
        self, axes: Any, points: Sequence[Place], *lines: Sequence[Place], sizes: Sequence[float] = ()
    ) -> None:
        """Take the places of the points, and of lines that are drawn. The figure is laid out.

        sizes: half the points' own, in points, where they are not all alike.
        """
        self.axes = axes
        self.figure = axes.figure
        self.pixel = self.figure.dpi / 72  # pixels a point
        frame = axes.get_window_extent()
        self.room: Box = (frame.x0, frame.y0, frame.x1, frame.y1)
        halves = sizes or [MARKER] * len(points)
        places = zip(map(self.seen, points), halves, strict=True)
        self.markers = [_grown((*at, *at), half * self.pixel) for at, half in places]
        pieces = [piece for line in lines for piece in pairwise(map(self.seen, line))]
        self.lines = [
            _grown(_ordered((*one, *other)), STROKE * self.pixel) for piece in pieces for one, other in _cut(piece)
        ]
        self.names: list[Box] = []
        self.leaders: list[Piece] = []

    def seen(self, point: Place) -> Place:
        """Return where a point of the data is, in pixels."""
        x, y = self.axes.transData.transform(point)
        return float(x), float(y)

    def write(self, name: str, point: Place, furthest: float = DISTANCES[-1]) -> bool:
        """Write a name beside a point, no further away than so many points; say whether there was a place."""
        text = self.axes.annotate(name, point, xytext=(0, 0), textcoords="offset points", annotation_clip=False)
        text.set_in_layout(False)
        extent = text.get_window_extent(self.figure.canvas.get_renderer())
        at = self.seen(point)
        distances = [distance for distance in DISTANCES if distance <= furthest]
        for distance, box in _boxes(at, (extent.width, extent.height), self.pixel, distances):
            end = (min(max(at[0], box[0]), box[2]), min(max(at[1], box[1]), box[3]))
            if self.free(box) and (distance <= LEADER or self.clear(at, end)):
                text.xyann = ((box[0] + 1 - extent.x0) / self.pixel, (box[1] + 1 - extent.y0) / self.pixel)
                self.names.append(box)
                if distance > LEADER:
                    self.lead(at, end)
                return True
        text.remove()
        return False

    def free(self, box: Box) -> bool:
        """Say whether a name there would cover nothing."""
        room = self.room
        if not (room[0] <= box[0] and room[1] <= box[1] and box[2] <= room[2] and box[3] <= room[3]):
            return False
        taken = any(touch(box, other) for other in (*self.names, *self.markers, *self.lines))
        return not taken and not any(_through(leader, box) for leader in self.leaders)

    def clear(self, at: Place, end: Place) -> bool:
        """Say whether a line from a marker to its name would cross no name, no other marker, no other such line."""
        piece = (at, end)
        near = _grown((*at, *at), MARKER * self.pixel)
        others = [box for box in (*self.names, *self.markers) if not touch(box, near)]
        return not any(_through(piece, box) for box in others) and not any(_cross(piece, o) for o in self.leaders)

    def lead(self, at: Place, end: Place) -> None:
        """Draw a thin line from a marker to its name."""
        self.leaders.append((at, end))
        back = self.axes.transData.inverted()
        (x0, y0), (x1, y1) = back.transform(at), back.transform(end)
        self.axes.plot([x0, x1], [y0, y1], color="0.5", linewidth=0.5, zorder=1, scalex=False, scaley=False)


def _boxes(at: Place, size: Place, pixel: float, distances: Sequence[float]) -> Iterator[tuple[float, Box]]:
    """Yield the boxes for a text of that size near a place, the nearest first, each with its distance in points."""
    wide, high = size
    for distance in distances:
        for right, up in DIRECTIONS:
            gap = distance * pixel * (0.7 if abs(right * up) == 1 else 1)
            x = at[0] + right * (gap + wide / 2) - wide / 2
            y = at[1] + up * (gap + high / 2) - high / 2
            yield distance, _grown((x, y, x + wide, y + high), 1)


def _cut(piece: Piece) -> Iterator[Piece]:
    """Yield the parts of a piece whose boxes hide little beside the line: of a slope several, else the piece."""
    (x0, y0), (x1, y1) = piece
    count = max(int(min(abs(x1 - x0), abs(y1 - y0)) // CUT), 1)
    steps = [(x0 + (x1 - x0) * k / count, y0 + (y1 - y0) * k / count) for k in range(count + 1)]
    yield from pairwise(steps)


def _ordered(box: Box) -> Box:
    return min(box[0], box[2]), min(box[1], box[3]), max(box[0], box[2]), max(box[1], box[3])


def _grown(box: Box, by: float) -> Box:
    return box[0] - by, box[1] - by, box[2] + by, box[3] + by


def touch(one: Box, other: Box) -> bool:
    """Say whether two boxes share any area."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _cross(one: Piece, other: Piece) -> bool:
    """Say whether two pieces of lines cross."""

    def side(piece: Piece, point: Place) -> bool:
        (ax, ay), (bx, by) = piece
        return (bx - ax) * (point[1] - ay) > (by - ay) * (point[0] - ax)

    return side(one, other[0]) != side(one, other[1]) and side(other, one[0]) != side(other, one[1])


def _through(piece: Piece, box: Box) -> bool:
    """Say whether a piece of a line goes into a box."""
    inside = any(box[0] < x < box[2] and box[1] < y < box[3] for x, y in piece)
    diagonals = ((box[:2], box[2:]), ((box[0], box[3]), (box[2], box[1])))
    return inside or any(_cross(piece, diagonal) for diagonal in diagonals)
