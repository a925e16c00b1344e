"""Measure what docs/benchmarks.md shows: `python benchmarks/run.py`, with costcalc installed (not editable).

Whole processes are compared with a bare interpreter in turn, as CPU time, so that the ratio holds on
any machine and however busy it is; calls are timed in one process, as CPU time, the best of several rounds.
"""

from __future__ import annotations

import gc
import io
import os
import platform
import pty
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from pathlib import Path
from statistics import median
from typing import Any

from costcalc.language import zoo
from costcalc.language.document import Spec
from costcalc.reports.result import Result

ROUNDS = 15
COSTCALC = str(Path(sys.executable).with_name("costcalc"))
REPORT = [COSTCALC, "report"]
BARE = [sys.executable, "-c", "pass"]


def cpu_seconds(command: list[str], *, terminal: bool = False) -> float:
    """Return the CPU time, user and system, of one run of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    if terminal:
        run_on_terminal(command)
    else:
        subprocess.run(command, stdout=subprocess.PIPE, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def run_on_terminal(command: list[str]) -> None:
    """Run a command with its output on a pseudo-terminal, so that it writes its colours."""
    main, side = pty.openpty()
    with subprocess.Popen(command, stdout=side, env=os.environ | {"TERM": "xterm-256color"}) as process:
        os.close(side)
        while True:
            try:
                if not os.read(main, 65536):
                    break
            except OSError:  # the other side has closed
                break
        process.wait()
    os.close(main)


def ratio(command: list[str], *, terminal: bool = False) -> tuple[float, float]:
    """Return the median ratio of a command to a bare interpreter, run in turn, and its CPU milliseconds."""
    pairs = [(cpu_seconds(command, terminal=terminal), cpu_seconds(BARE)) for _ in range(ROUNDS + 1)][1:]
    return median(a for a, _ in pairs) / median(b for _, b in pairs), 1000 * median(a for a, _ in pairs)


def milliseconds(call: Callable[[], object], *, loops: int = 10) -> float:
    """Return the least CPU time of a call, over several rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(loops):
            call()
        best = min(best, (time.process_time() - start) / loops)
    return 1000 * best


def processes() -> list[tuple[str, str, str]]:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / "net.yaml"  # of the zoo's files what they hold is kept; one's own is parsed
        own.write_text(f"# ours\n{zoo.load('mobilenet_v1').text}", encoding="utf-8")
        for name, command, terminal, most in (
            ("`costcalc report mobilenet_v1` into a pipe", [*REPORT, "mobilenet_v1"], False, "6.0"),
            ("the same as CSV", [*REPORT, "mobilenet_v1", "--format", "csv"], False, "6.0"),
            ("the coloured table on a terminal", [*REPORT, "mobilenet_v1"], True, "6.5"),
            ("the same network in a file of one's own, into a pipe", [*REPORT, str(own)], False, ""),
            ("`costcalc list`", [COSTCALC, "list"], False, "15"),
            ("`costcalc zoo`", [COSTCALC, "zoo"], False, "60"),
        ):
            times, cpu = ratio(command, terminal=terminal)
            rows.append((name, f"{times:.1f} bare interpreters ({cpu:.0f} ms CPU)", most))
    return rows


def tflite_file() -> tuple[str, str, str]:
    """Return what a report of a TFLite file takes over the import of the library, in seconds."""
    sys.path.append(str(Path(__file__).parent.parent / "tests" / "tools"))
    from tflite_file import Graph, model

    graph, layers = Graph(), 57
    value = graph.input([1, 14, 14, 256])
    for _ in range(layers):
        weights = [graph.const([256, 1, 1, 256]), graph.const([256])]
        value = graph.op("CONV_2D", [value, *weights], [1, 14, 14, 256], stride_w=1, stride_h=1, act=1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.tflite"
        path.write_bytes(model(graph))
        size = path.stat().st_size / 1e6
        imported = [sys.executable, "-c", "import costcalc"]
        pairs = [(cpu_seconds([*REPORT, str(path)]), cpu_seconds(imported)) for _ in range(ROUNDS)]
    spent = median(a - b for a, b in pairs)
    what = f"report of a TFLite file of {size:.0f} MB, {layers} layers, over the import"
    return what, f"{spent:.2f} s CPU", "0.5 s"


def onnx_file() -> tuple[str, str, str]:
    """Return what a file of another framework takes in a process of its own, over the import of what reads it."""
    from costcalc.cli import group

    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/mobilenet_v2.onnx"
        group.main(["export", "onnx", "mobilenet_v2", "-o", path], prog_name="costcalc", standalone_mode=False)
        size = store_weights(path)
        imported = "import costcalc, numpy, onnx, onnx.helper, onnx.numpy_helper, onnx.shape_inference"
        count = [sys.executable, "-c", f"{imported}; costcalc.count('{path}').macs"]
        bare = [sys.executable, "-c", imported]
        pairs = [(cpu_seconds(count), cpu_seconds(bare)) for _ in range(ROUNDS)]
    spent = median(a for a, _ in pairs) - median(b for _, b in pairs)
    return f"an ONNX file of {size / 1e6:.0f} MB counted, over the import of onnx", f"{spent:.2f} s CPU", "0.5 s"


def store_weights(path: str) -> int:
    """Store every weight in an ONNX file that has their shapes alone; return how many bytes it has then."""
    import numpy as np
    import onnx
    from onnx import numpy_helper

    model = onnx.load(path)
    graph = model.graph
    shapes = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in [node for node in graph.node if node.op_type == "ConstantOfShape"]:
        zeros = np.zeros(shapes[node.input[0]], "float32")
        graph.initializer.append(numpy_helper.from_array(zeros, node.output[0]))
        graph.node.remove(node)
    onnx.save(model, path)
    return os.path.getsize(path)


def page() -> None:
    """Write a report as the command does, in this process."""
    from costcalc.cli import group

    with redirect_stdout(io.StringIO()), suppress(SystemExit):
        group.main(["report", "mobilenet_v1"], prog_name="costcalc", standalone_mode=False)


def calls() -> list[tuple[str, str, str]]:
    from costcalc import count

    text = zoo.load("resnet50").text
    return [
        (
            "ResNet-50 read from YAML text and counted, all rows read",
            f"{milliseconds(lambda: read(count(zoo.load_text(text)))):.2f} ms",
            "15 ms",
        ),
        ("the page of `costcalc report mobilenet_v1`, once more in a process", f"{milliseconds(page):.1f} ms", ""),
    ]


def networks_of_torch() -> dict[str, Any]:
    """Return PyTorch modules: torchvision's, or where it is not installed the twins of the zoo's."""
    names = {"resnet50": "ResNet-50", "mobilenet_v2": "MobileNetV2", "efficientnet_b0": "EfficientNet-B0"}
    with suppress(ImportError):
        from torchvision import models

        return {said: getattr(models, name)(weights=None).eval() for name, said in names.items()}
    from costcalc import torch as twins

    return {said: twins.build(name).eval() for name, said in names.items()}


def seconds(call: Callable[[], object]) -> float:
    """Return the least CPU time of a call, the first left out."""
    call()
    spent = []
    for _ in range(5):
        start = time.process_time()
        call()
        spent.append(time.process_time() - start)
    return min(spent)


def readers() -> list[tuple[str, str, str]]:
    """Return what the reader of PyTorch takes beside fvcore and PyTorch's own counter; nothing without PyTorch."""
    try:
        import torch
        from torch.utils.flop_counter import FlopCounterMode
    except ImportError:
        return []
    from costcalc.interop.torch.importer import from_torch

    torch.set_num_threads(1)
    image, rows = torch.zeros(1, 3, 224, 224), []

    def by_fvcore(module: Any) -> None:
        from fvcore.nn import FlopCountAnalysis

        FlopCountAnalysis(module, image).unsupported_ops_warnings(False).uncalled_modules_warnings(False).total()

    def by_torch(module: Any) -> None:
        with FlopCounterMode(display=False), torch.no_grad():
            module(image)

    for name, module in networks_of_torch().items():
        ours = seconds(lambda module=module: from_torch(module, (3, 224, 224)))
        others = {"FlopCounterMode": seconds(lambda module=module: by_torch(module))}
        with suppress(ImportError, KeyError):  # the second of twins: fvcore can't do with a slash in a module's name
            others["fvcore"] = seconds(lambda module=module: by_fvcore(module))
        shares = ", ".join(f"{ours / other:.2f} of {word}" for word, other in others.items())
        rows.append((f"{name} read from a module of PyTorch", f"{ours:.2f} s CPU, {shares}", "1.0 of fvcore"))
    return rows


def plain_loop() -> int:
    """Take 200,000 steps: what the times of calls are told in."""
    total = 0
    for step in range(200_000):
        total += step
    return total


def read(result: Result) -> list[object]:
    """Read every row's name, parameters and MACs."""
    return [(row.name, row.params, row.macs) for row in result.rows]


def settings() -> dict[str, list[int]]:
    """Draw a supernet's kernels, expansions and depths."""
    draw = random.choices
    return {
        "kernels": draw([1, 2, 3], k=20),
        "expands": draw([3, 4, 6], k=20),
        "depths": draw([2, 3, 4], k=5),
    }


def counts() -> list[tuple[str, str, str]]:
    """Return what counts and metrics of loaded specs take, in plain loops of 200,000 steps."""
    import costcalc

    loop, found = milliseconds(plain_loop), []

    def told(what: str, call: Callable[[], object], most: str) -> None:
        found.append((what, f"{milliseconds(call, loops=3) / loop:.2f} loops", f"{most} loops"))

    for name, new, kept in (
        ("resnet50", "0.28", "0.14"),
        ("preresnet1001_cifar", "2.2", "1.1"),
        ("nasnet_a_mobile", "1.4", "0.69"),
        ("efficientnet_b7", "1.0", "0.51"),
    ):
        spec = costcalc.load(name)

        def width(spec: Spec = spec) -> None:
            spec.kept.values.clear()
            read(costcalc.count(spec, width=random.randrange(500, 2000) / 1000))

        def classes(spec: Spec = spec) -> None:
            read(costcalc.count(spec, classes=random.randrange(10, 10**6)))

        told(f"count of {name}, a width never seen and nothing kept, all rows read", width, new)
        told("the same, only its classes new", classes, kept)
    spec = costcalc.load(Path(__file__).with_name("supernet.yaml"))
    told("a supernet of 20 blocks, new lists, totals", lambda: costcalc.count(spec, **settings()).macs, "0.062")
    told("the same, all rows read", lambda: read(costcalc.count(spec, **settings())), "0.15")
    for name, most in (("resnet50", "0.31"), ("preresnet1001_cifar", "4.6")):
        spec = costcalc.load(name)
        for what in ("peak_memory", "receptive_field"):
            results = iter([costcalc.count(spec, classes=number) for number in range(10, 10 + 3 * ROUNDS)])
            told(f"{what} of {name}", lambda what=what, results=results: next(results).metric(what).total, most)
        results = iter([costcalc.count(spec, classes=number) for number in range(10, 10 + 3 * ROUNDS)])
        told(f"to_dict of {name}", lambda results=results: next(results).to_dict(), most)
    return found


def searches() -> list[tuple[str, str, str]]:
    """Return how long the slowest network of the zoo takes to say what explains a number."""
    from costcalc.explanations.reconciling import reconcile

    spent = {}
    gc.set_threshold(100_000, 50, 100)  # as the command has it
    for name, spec in zoo.networks().items():
        start = time.process_time()
        reconcile(spec, "123456789", name=name)
        spent[name] = time.process_time() - start
    slowest = max(spent, key=lambda name: spent[name])
    said = f"{median(spent.values()):.2f} s CPU, {spent[slowest]:.2f} s the slowest ({slowest})"
    return [(f"`reconcile`, {len(spent)} networks, a number that nothing explains", said, "1 s")]


def pages() -> list[tuple[str, str, str]]:
    """Return how long the explorer's pages take to be made, and how large they are."""
    import costcalc

    found = []
    for name, most in (
        ("resnet50", "600 KB"),
        ("nasnet_a_mobile", "700 KB"),
        ("preresnet1001_cifar", "700 KB"),
        ("efficientnet_b7", "2 MB"),
    ):
        start = time.process_time()
        size = len(costcalc.explore(name).html.encode())
        said = f"{time.process_time() - start:.1f} s CPU, {size / 1000:.0f} KB"
        found.append((f"the page of `costcalc explore {name}`", said, f"10 s, {most}"))
    return found


def main() -> None:
    print(f"CPython {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores\n")
    print("| what | measured | at most |\n| --- | --- | --- |")
    rows = [*processes(), tflite_file(), onnx_file(), *calls(), *readers(), *counts(), *searches(), *pages()]
    for row in rows:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
