"""Networks of the language's second half, written as their papers print them, and built in PyTorch by hand.

Each is counted twice: the spec by costcalc, and a module that is written here from the paper, its parameters by
`numel` and its multiply-accumulates by PyTorch's own counter. Sources: DLA arXiv:1707.06484 (figure 3, Table 1;
projections that an outer tree would not use are left out), SelecSLS arXiv:1907.00837 (figure 4, supplement), VoVNet
arXiv:1904.09730 (Table 1), SKNet arXiv:1903.06586 (section 3.1, on a ResNet-18), DETR arXiv:2005.12872 (figure 10),
Swin arXiv:2103.14030 (figure 3, Table 7, equation 4). Row by row each spec is its twin's too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import costcalc
from costcalc.language import zoo

torch = pytest.importorskip("torch")
nn = torch.nn

HEAD = """
costcalc: 1
knobs: {resolution: 224, classes: 1000}
input: [3, resolution, resolution]
defaults:
  conv: {padding: half, norm: batch, act: relu}
"""

DLA_34 = """
blocks:
  basic(out, stride=1, shortcut=input):
    - conv: {out: out, kernel: 3, stride: stride}
    - conv: {out: out, kernel: 3, act: none}
    - add: [[], shortcut]
    - relu
  tree(out, stride=1, level_root=false, children=[]):
    - {max_pool: {kernel: stride}, if: stride > 1, name: bottom}
    - {conv: {out: out, kernel: 1, act: none}, if: c_in != out, name: shortcut}
    - {basic: {out: out, stride: stride, shortcut: shortcut}, from: input, name: x1}
    - {basic: [out], name: x2}
    - concat: "[x2, x1] + children + ([bottom] if level_root else [])"
    - conv: {out: out, kernel: 1}
  tree_of_trees(out, stride):
    - {max_pool: {kernel: stride}, name: bottom}
    - {tree: [out, stride], from: input, name: x1}
    - tree: {out: out, children: "[bottom, x1]"}
layers:
  - conv: {out: 16, kernel: 7}
  - conv: {out: 16, kernel: 3}
  - conv: {out: 32, kernel: 3, stride: 2}
  - tree: [64, 2]
  - tree_of_trees: [128, 2]
  - tree_of_trees: [256, 2]
  - tree: [512, 2, true]
  - global_avg_pool
  - fc: {out: classes}
"""

SELECSLS_42B = """
blocks:
  sls(mid, out, stride=1, first=false):
    inputs: [x, skip]
    layers:
      - {conv: {out: mid, kernel: 3, stride: stride}, from: x, into: parts}
      - conv: {out: mid, kernel: 1}
      - {conv: {out: mid // 2, kernel: 3}, into: parts}
      - conv: {out: mid, kernel: 1}
      - {conv: {out: mid // 2, kernel: 3}, into: parts}
      - concat: [parts, none if first else skip]
      - {conv: {out: out, kernel: 1}, name: y}
    outputs: [y, y if first else skip]
layers:
  - {conv: {out: 32, kernel: 3, stride: 2}, name: stem}
  - {do: [], from: [stem, stem]}
  - table:
      - [mid, out, stride, first]
      - [64,  64,  2,      true]
      - [64,  128, 1,      false]
      - [144, 144, 2,      true]
      - [144, 288, 1,      false]
      - [304, 304, 2,      true]
      - [304, 480, 1,      false]
    name: stage(row)
    do:
      - sls: [mid, out, stride, first]
  - {conv: {out: 960, kernel: 3, stride: 2}, from: "stage(5)[0]"}
  - conv: {out: 1024, kernel: 3}
  - conv: {out: 1280, kernel: 3, stride: 2}
  - conv: {out: 1024, kernel: 1}
  - global_avg_pool
  - fc: {out: classes}
"""

VOVNET_39 = """
blocks:
  osa(mid, out):
    - {do: [], into: kids}
    - {conv: {out: mid, kernel: 3}, into: kids, repeat: 5}
    - concat: kids
    - conv: {out: out, kernel: 1}
layers:
  - conv: {out: 64, kernel: 3, stride: 2}
  - conv: {out: 64, kernel: 3}
  - conv: {out: 128, kernel: 3, stride: 2}
  - table:
      - [mid, out,  n]
      - [128, 256,  1]
      - [160, 512,  1]
      - [192, 768,  2]
      - [224, 1024, 2]
    do:
      - {max_pool: {kernel: 3, stride: 2, ceil_mode: true}, if: row > 0}
      - {osa: [mid, out], repeat: n}
  - global_avg_pool
  - fc: {out: classes}
"""

SKNET_18 = """
blocks:
  sk(out, stride):
    - {split: {parts: 2}, name: h}
    - {conv: {out: out, kernel: 3, stride: stride}, from: "h[0]", into: paths}
    - {conv: {out: out, kernel: 3, stride: stride, dilation: 2}, from: "h[1]", into: paths}
    - add: paths
    - global_avg_pool
    - fc: {out: "divisible(out / 8, 16)", norm: batch, act: relu}
    - fc: {out: 2 * out, bias: false}
    - reshape: {shape: [2, out]}
    - softmax: {axis: 0}
    - {split: {parts: 2}, name: gates}
    - add:
        - [multiply: ["paths[0]", [{reshape: {shape: [out]}, from: "gates[0]"}]]]
        - [multiply: ["paths[1]", [{reshape: {shape: [out]}, from: "gates[1]"}]]]
  unit(out, stride):
    - {conv: {out: out, kernel: 1, stride: stride, act: none}, if: stride > 1 or c_in != out, name: shortcut}
    - {sk: [out, stride], from: input}
    - conv: {out: out, kernel: 3, act: none}
    - add: [[], shortcut]
    - relu
layers:
  - conv: {out: 64, kernel: 7, stride: 2}
  - max_pool: {kernel: 3, stride: 2, padding: 1}
  - table: {out: [64, 128, 256, 512]}
    do:
      - {unit: [out, 2 if i == 0 and row > 0 else 1], repeat: 2}
  - global_avg_pool
  - fc: {out: classes}
"""

DETR_DECODER = """
costcalc: 1
knobs: {queries: 100, depth: 6, heads: 8, hidden: 2048, classes: 91}
input: [2048, 25, 34]
defaults:
  fc: {per_position: true}
blocks:
  heads_of(x):
    - {fc: {out: c_of(x)}, from: x}
    - reshape: {shape: [heads, c_in // heads, l_in]}
    - transpose
  attend(q, k, v):
    - attention: [[heads_of: [q]], [heads_of: [k]], [heads_of: [v]]]
    - transpose
    - reshape: {shape: [c_in * h_in, w_in]}
    - fc: {out: c_in}
  decode(memory, places, query):
    - {add: [[], query], name: asked}
    - attend: [asked, asked, input]
    - add: [[], input]
    - {layer_norm, name: x}
    - {add: [[], query], name: asking}
    - {add: [memory, places], name: keys}
    - attend: [asking, keys, memory]
    - add: [[], x]
    - {layer_norm, sets: x}
    - fc: {out: hidden, act: relu}
    - fc: {out: c_of(x)}
    - add: [[], x]
    - layer_norm
layers:
  - conv: {out: 256, kernel: 1}
  - {flatten: {start: 1}, name: memory}
  - {parameter: {shape: [256, l_in], store: none}, name: places}    # sines, which nobody learns
  - {parameter: {shape: [256, queries]}, name: query}
  - parameter: {shape: [256, queries], store: none}
  - {decode: [memory, places, query], repeat: depth}
  - {layer_norm, name: decoded}
  - {fc: {out: classes + 1}, name: logits}
  - {fc: {out: 256, act: relu}, from: decoded, repeat: 2}
  - fc: {out: 4}
  - {sigmoid, name: boxes}
outputs: [logits, boxes]
"""

SWIN_T = """
costcalc: 1
knobs: {resolution: 224, classes: 1000, m: 7}
input: [3, resolution, resolution]
defaults:
  fc: {per_position: true}
blocks:
  attend(heads, by):
    - {roll: {by: [-by, -by], axes: [1, 2]}, if: by > 0}
    - fc: {out: 3 * c_in}
    - reshape: {shape: [3, heads, c_of(input) // heads, h_in // m, m, w_in // m, m]}
    - permute: {axes: [0, 3, 5, 1, 4, 6, 2]}
    - {reshape: {shape: [3, h_of(input) * w_of(input) // m ** 2, heads, m * m, -1]}, name: qkv}
    - {split: {parts: 3}, name: h}
    - {arithmetic: {op: multiply, by: (c_of(input) / heads) ** -0.5}, from: "h[0]"}
    - {matmul: [[], [{transpose, from: "h[1]"}]], name: scores}
    - {parameter: {shape: [(2 * m - 1) ** 2, heads]}, name: biases}
    - {parameter: {shape: [m ** 4], store: buffer}, name: places}
    - lookup: [biases, places]
    - permute: {axes: [1, 0]}
    - {reshape: {shape: [1, 1, heads, m * m, m * m]}, name: bias}
    - {parameter: {shape: [1, "size_of(qkv, 1)", 1, m * m, m * m], store: none}, if: by > 0, name: mask}
    - add: [scores, bias, mask if by > 0 else none]
    - softmax: {axis: 4}
    - matmul: [[], "h[2]"]
    - reshape: {shape: [h_of(input) // m, w_of(input) // m, heads, m, m, c_of(input) // heads]}
    - permute: {axes: [2, 5, 0, 3, 1, 4]}
    - reshape: {shape: [c_of(input), h_of(input), w_of(input)]}
    - fc: {out: c_in}
    - {roll: {by: [by, by], axes: [1, 2]}, if: by > 0}
  layer(heads, by):
    - layer_norm
    - attend: [heads, by]
    - {add: [[], input], name: x}
    - layer_norm
    - fc: {out: 4 * c_in, act: gelu}
    - fc: {out: c_of(x)}
    - add: [[], x]
  merge:
    - space_to_depth: {scale: 2}
    - layer_norm
    - fc: {out: c_in // 2, bias: false}
layers:
  - {conv: {out: 96, kernel: 4, stride: 4, norm: layer, bias: true}, name: patches}
  - table:
      - [heads, n]
      - [3,     2]
      - [6,     2]
      - [12,    6]
      - [24,    2]
    name: stage(row)
    do:
      - {merge, if: row > 0}
      - {layer: [heads, m // 2 if i % 2 == 1 and h_in > m else 0], repeat: n}
  - layer_norm
  - global_avg_pool
  - fc: {out: classes}
"""


# ---- the same in PyTorch ---------------------------------------------------------------------------------


def conv(c: int, out: int, kernel: int, stride: int = 1, act: bool = True, dilation: int = 1) -> Any:
    padding = dilation * (kernel - 1) // 2
    layer = [nn.Conv2d(c, out, kernel, stride, padding, dilation, bias=False), nn.BatchNorm2d(out)]
    return nn.Sequential(*layer, *([nn.ReLU()] if act else []))


class Basic(nn.Module):
    def __init__(self, c: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1, self.conv2 = conv(c, out, 3, stride), conv(out, out, 3, act=False)

    def forward(self, x: Any, shortcut: Any) -> Any:
        return torch.relu(self.conv2(self.conv1(x)) + shortcut)


class Tree(nn.Module):
    """A node of deep layer aggregation: two subtrees, and a root over what they and those above give."""

    def __init__(self, levels: int, c: int, out: int, stride: int, *, level_root: bool = False, more: int = 0) -> None:
        super().__init__()
        self.levels, self.level_root = levels, level_root
        more += c if level_root else 0
        self.down = nn.MaxPool2d(stride) if stride > 1 else nn.Identity()
        if levels == 1:
            self.project = conv(c, out, 1, act=False) if c != out else nn.Identity()
            self.one, self.two = Basic(c, out, stride), Basic(out, out)
            self.root = conv(2 * out + more, out, 1)
        else:
            self.one = Tree(levels - 1, c, out, stride)
            self.two = Tree(levels - 1, out, out, 1, more=more + out)

    def forward(self, x: Any, children: tuple[Any, ...] = ()) -> Any:
        bottom = self.down(x)
        children = (*children, bottom) if self.level_root else children
        if self.levels > 1:
            first = self.one(x)
            return self.two(first, (*children, first))
        first = self.one(x, self.project(bottom))
        return self.root(torch.cat([self.two(first, first), first, *children], 1))


def classifier(c: int, classes: int = 1000) -> Any:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, classes))


def dla_34() -> Any:
    stem = [conv(3, 16, 7), conv(16, 16, 3), conv(16, 32, 3, 2), Tree(1, 32, 64, 2)]
    rest = [Tree(2, 64, 128, 2, level_root=True), Tree(2, 128, 256, 2, level_root=True)]
    return nn.Sequential(*stem, *rest, Tree(1, 256, 512, 2, level_root=True), classifier(512))


class Sls(nn.Module):
    def __init__(self, c: int, skip: int, mid: int, out: int, stride: int) -> None:
        super().__init__()
        half = mid // 2
        self.one = conv(c, mid, 3, stride)
        self.two = nn.Sequential(conv(mid, mid, 1), conv(mid, half, 3))
        self.three = nn.Sequential(conv(half, mid, 1), conv(mid, half, 3))
        self.last, self.skip = conv(2 * mid + skip, out, 1), skip

    def forward(self, pair: Any) -> Any:
        x, skip = pair
        a = self.one(x)
        b = self.two(a)
        y = self.last(torch.cat([a, b, self.three(b), *([skip] if self.skip else [])], 1))
        return (y, skip) if self.skip else (y, y)


class Selecsls42b(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        rows = [(32, 0, 64, 64, 2), (64, 64, 64, 128, 1), (128, 0, 144, 144, 2), (144, 144, 144, 288, 1)]
        rows += [(288, 0, 304, 304, 2), (304, 304, 304, 480, 1)]
        self.stem, self.features = conv(3, 32, 3, 2), nn.Sequential(*(Sls(*row) for row in rows))
        head = [conv(480, 960, 3, 2), conv(960, 1024, 3), conv(1024, 1280, 3, 2), conv(1280, 1024, 1)]
        self.head = nn.Sequential(*head, classifier(1024))

    def forward(self, x: Any) -> Any:
        x = self.stem(x)
        return self.head(self.features((x, x))[0])


class Osa(nn.Module):
    def __init__(self, c: int, mid: int, out: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList([conv(mid if k else c, mid, 3) for k in range(5)])
        self.last = conv(c + 5 * mid, out, 1)

    def forward(self, x: Any) -> Any:
        kids = [x]
        for layer in self.layers:
            kids.append(layer(kids[-1]))
        return self.last(torch.cat(kids, 1))


def vovnet_39() -> Any:
    layers, c = [conv(3, 64, 3, 2), conv(64, 64, 3), conv(64, 128, 3, 2)], 128
    for row, (mid, out, n) in enumerate([(128, 256, 1), (160, 512, 1), (192, 768, 2), (224, 1024, 2)]):
        layers += [nn.MaxPool2d(3, 2, ceil_mode=True)] if row else []
        layers += [Osa(out if k else c, mid, out) for k in range(n)]
        c = out
    return nn.Sequential(*layers, classifier(c))


class Selective(nn.Module):
    """Split, fuse, select: each half of the channels through a path of its own, and a softmax over the paths."""

    def __init__(self, c: int, out: int, stride: int) -> None:
        super().__init__()
        self.paths = nn.ModuleList([conv(c // 2, out, 3, stride, dilation=d) for d in (1, 2)])
        mid = max(16, out // 8 // 16 * 16)  # 64, 128, 256 and 512 channels give 16, 16, 32 and 64
        self.fuse = nn.Sequential(nn.Linear(out, mid, bias=False), nn.BatchNorm1d(mid), nn.ReLU())
        self.select = nn.Linear(mid, 2 * out, bias=False)

    def forward(self, x: Any) -> Any:
        both = [path(half) for path, half in zip(self.paths, x.chunk(2, 1), strict=True)]
        gates = self.select(self.fuse((both[0] + both[1]).mean((2, 3))))
        gates = gates.view(len(x), 2, -1, 1, 1).softmax(1)
        return both[0] * gates[:, 0] + both[1] * gates[:, 1]


class Unit(nn.Module):
    def __init__(self, c: int, out: int, stride: int) -> None:
        super().__init__()
        self.shortcut = conv(c, out, 1, stride, act=False) if stride > 1 or c != out else nn.Identity()
        self.main = nn.Sequential(Selective(c, out, stride), conv(out, out, 3, act=False))

    def forward(self, x: Any) -> Any:
        return torch.relu(self.main(x) + self.shortcut(x))


def sknet_18() -> Any:
    layers, c = [conv(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)], 64
    for row, out in enumerate([64, 128, 256, 512]):
        layers += [Unit(c, out, 2 if row else 1), Unit(out, out, 1)]
        c = out
    return nn.Sequential(*layers, classifier(c))


class Attend(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.q, self.k, self.v, self.last = (nn.Linear(c, c) for _ in range(4))

    def forward(self, q: Any, k: Any, v: Any) -> Any:
        parts = [
            one(x).view(len(x), x.shape[1], 8, -1).transpose(1, 2) for one, x in ((self.q, q), (self.k, k), (self.v, v))
        ]
        scores = (parts[0] @ parts[1].transpose(2, 3) / parts[0].shape[-1] ** 0.5).softmax(-1)
        return self.last((scores @ parts[2]).transpose(1, 2).flatten(2))


class Decode(nn.Module):
    def __init__(self, c: int = 256) -> None:
        super().__init__()
        self.own, self.cross = Attend(c), Attend(c)
        self.feed = nn.Sequential(nn.Linear(c, 2048), nn.ReLU(), nn.Linear(2048, c))
        self.norms = nn.ModuleList([nn.LayerNorm(c) for _ in range(3)])

    def forward(self, x: Any, memory: Any, places: Any, query: Any) -> Any:
        x = self.norms[0](x + self.own(x + query, x + query, x))
        x = self.norms[1](x + self.cross(x + query, memory + places, memory))
        return self.norms[2](x + self.feed(x))


class DetrDecoder(nn.Module):
    def __init__(self, c: int = 256, queries: int = 100) -> None:
        super().__init__()
        self.project, self.query = nn.Conv2d(2048, c, 1), nn.Parameter(torch.empty(queries, c))
        self.layers, self.norm = nn.ModuleList([Decode() for _ in range(6)]), nn.LayerNorm(c)
        self.logits = nn.Linear(c, 92)
        self.boxes = nn.Sequential(nn.Linear(c, c), nn.ReLU(), nn.Linear(c, c), nn.ReLU(), nn.Linear(c, 4))

    def forward(self, image: Any) -> Any:
        memory = self.project(image).flatten(2).transpose(1, 2)
        query = self.query.expand(len(image), -1, -1)
        x, places = torch.zeros_like(query), torch.zeros_like(memory)
        for layer in self.layers:
            x = layer(x, memory, places, query)
        x = self.norm(x)
        return self.logits(x), self.boxes(x).sigmoid()


class Windows(nn.Module):
    """Self-attention within windows of 7x7 pixels, shifted or not, tensors [N, H, W, C]."""

    def __init__(self, c: int, heads: int, shift: int, m: int = 7) -> None:
        super().__init__()
        self.heads, self.shift, self.m = heads, shift, m
        self.qkv, self.last = nn.Linear(c, 3 * c), nn.Linear(c, c)
        self.table = nn.Parameter(torch.empty((2 * m - 1) ** 2, heads))
        at = torch.stack(torch.meshgrid(torch.arange(m), torch.arange(m), indexing="ij")).flatten(1)
        apart = at[:, :, None] - at[:, None, :] + m - 1
        self.register_buffer("places", (apart[0] * (2 * m - 1) + apart[1]).flatten())

    def mask(self, h: int, w: int) -> Any:
        """Return what keeps pixels apart that were no neighbours before the shift."""
        regions = torch.zeros(h, w)
        parts = [slice(0, -self.m), slice(-self.m, -self.shift), slice(-self.shift, None)]
        for k, (rows, columns) in enumerate((a, b) for a in parts for b in parts):
            regions[rows, columns] = k
        regions = regions.view(h // self.m, self.m, w // self.m, self.m).transpose(1, 2).reshape(-1, self.m**2)
        return torch.where(regions[:, None, :] == regions[:, :, None], 0.0, -100.0)[:, None]

    def forward(self, x: Any) -> Any:
        n, h, w, c = x.shape
        m, heads = self.m, self.heads
        x = x.roll((-self.shift, -self.shift), (1, 2))
        x = x.view(n, h // m, m, w // m, m, c).transpose(2, 3).reshape(n, -1, m * m, c)
        q, k, v = self.qkv(x).view(n, -1, m * m, 3, heads, c // heads).permute(3, 0, 1, 4, 2, 5)
        bias = self.table[self.places].view(m * m, m * m, heads).permute(2, 0, 1)
        scores = q * (c // heads) ** -0.5 @ k.transpose(-2, -1) + bias
        scores = scores + self.mask(h, w) if self.shift else scores
        x = (scores.softmax(-1) @ v).transpose(2, 3).reshape(n, h // m, w // m, m, m, c)
        x = self.last(x.transpose(2, 3).reshape(n, h, w, c))
        return x.roll((self.shift, self.shift), (1, 2))


class SwinLayer(nn.Module):
    def __init__(self, c: int, heads: int, shift: int) -> None:
        super().__init__()
        self.attend = nn.Sequential(nn.LayerNorm(c), Windows(c, heads, shift))
        self.feed = nn.Sequential(nn.LayerNorm(c), nn.Linear(c, 4 * c), nn.GELU(), nn.Linear(4 * c, c))

    def forward(self, x: Any) -> Any:
        x = x + self.attend(x)
        return x + self.feed(x)


class Merge(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.norm, self.reduce = nn.LayerNorm(4 * c), nn.Linear(4 * c, 2 * c, bias=False)

    def forward(self, x: Any) -> Any:
        four = [x[:, a::2, b::2] for b in (0, 1) for a in (0, 1)]
        return self.reduce(self.norm(torch.cat(four, -1)))


class SwinT(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patches, layers, c = nn.Conv2d(3, 96, 4, 4), [nn.LayerNorm(96)], 96
        for row, n in enumerate([2, 2, 6, 2]):
            layers += [Merge(c)] if row else []
            c = 96 * 2**row
            layers += [SwinLayer(c, 3 * 2**row, 3 if k % 2 and row < 3 else 0) for k in range(n)]
        self.layers, self.head = nn.Sequential(*layers, nn.LayerNorm(c)), nn.Linear(c, 1000)

    def forward(self, x: Any) -> Any:
        return self.head(self.layers(self.patches(x).permute(0, 2, 3, 1)).mean((1, 2)))


WRITTEN: list[tuple[str, str, Callable[[], Any], tuple[int, ...]]] = [
    ("DLA-34", HEAD + DLA_34, dla_34, (3, 224, 224)),
    ("SelecSLS-42b", HEAD + SELECSLS_42B, Selecsls42b, (3, 224, 224)),
    ("VoVNet-39", HEAD + VOVNET_39, vovnet_39, (3, 224, 224)),
    ("SKNet-18", HEAD + SKNET_18, sknet_18, (3, 224, 224)),
    ("Swin-T", SWIN_T, SwinT, (3, 224, 224)),
    ("DETR's decoder", DETR_DECODER, DetrDecoder, (2048, 25, 34)),
]


@pytest.mark.parametrize(("name", "text", "module", "shape"), WRITTEN, ids=[name for name, *_ in WRITTEN])
def test_a_network_as_its_paper_prints_it(
    name: str, text: str, module: Callable[[], Any], shape: tuple[int, ...]
) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    from costcalc.interop.torch.verify import verify

    found = costcalc.count(zoo.load_text(text))
    with torch.device("meta"):
        network = module().eval()
        with FlopCounterMode(display=False) as counter:
            network(torch.empty(1, *shape))
    assert found.params == sum(weight.numel() for weight in network.parameters()), name
    assert 2 * found.macs == counter.get_total_flops(), name
    assert verify(found.graph).agrees, name
    assert not {row.kind for row in found.rows} & {"custom", "opaque"}, name


def test_swin_t_has_the_figures_that_are_printed() -> None:
    """torchvision's page of `swin_t` prints 28,288,354 parameters and 4.49 GFLOPS, its metadata 4.491."""
    found = costcalc.count(zoo.load_text(SWIN_T))
    assert found.params == 28_288_354
    assert round(found.macs / 1e9, 3) == 4.491
