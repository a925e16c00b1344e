"""Files are written whole or not at all, whatever stops the writer; an output is none of the inputs."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import in_process
import pytest

from costcalc.base import files
from costcalc.base.errors import SpecError

TOOLS = Path(in_process.__file__).parent
SPEC = """\
costcalc: 1
name: tiny
knobs: {width: 1.0, kernel: 3}
input: [3, 8, 8]
layers:
  - conv: {out: int(8 * width), kernel: kernel, padding: half}
  - conv: {out: int(8 * width), kernel: 1}
  - global_avg_pool
  - fc: {out: 10}
"""
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="modes, links and devices of POSIX systems")


def costcalc(folder: Path, *words: str, to: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own; `to`: what standard output is."""
    out = subprocess.PIPE if to is None else to
    return subprocess.run(
        [sys.executable, "-m", "costcalc", *words], cwd=folder, stdout=out, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": os.path.dirname(files.PACKAGE)}, check=False, timeout=100,
    )  # fmt: skip


# ---- the writer ----------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tiny.yaml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_fails_on_the_way_leaves_the_old_file_and_nothing_else(folder: Path) -> None:
    Path("costs.json").write_text("old")
    with pytest.raises(ZeroDivisionError), files.writing("costs.json") as file:
        file.write(b"half of what is n")
        raise ZeroDivisionError
    assert Path("costs.json").read_text() == "old"
    assert sorted(os.listdir()) == ["costs.json", "tiny.yaml"]


@POSIX
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_a_file_keeps_its_mode(folder: Path, mode: int) -> None:
    Path("costs.json").write_text("old")
    os.chmod("costs.json", mode)
    files.write("costs.json", "new")
    assert Path("costs.json").read_text() == "new"
    assert stat.S_IMODE(os.stat("costs.json").st_mode) == mode


@POSIX
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_a_new_file_has_the_mode_of_any_new_file(folder: Path, mask: int, mode: int) -> None:
    before = os.umask(mask)
    try:
        files.write("costs.json", "new")
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat("costs.json").st_mode) == mode


@POSIX
def test_a_link_leads_where_it_led(folder: Path) -> None:
    os.mkdir("far")
    for name, target in (("near.json", "far/there.json"), ("far/there.json", "../costs.json")):
        os.symlink(target, name)
    for text in ("new", "newer"):  # the first time the file is not there yet
        files.write("near.json", text)
        assert os.path.islink("near.json")
        assert os.path.islink("far/there.json")
        assert Path("costs.json").read_text() == text


@POSIX
@pytest.mark.parametrize(
    ("path", "words"),
    [
        (".", "Is a directory"),
        ("no/costs.json", "No such file or directory"),
        ("tiny.yaml/costs.json", "Not a directory"),
        ("x" * 300, "File name too long"),
        ("nul\0", "null"),
        ("loop", "Too many levels of symbolic links"),
        pytest.param(
            "/dev/full", "No space left on device",
            marks=pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here"),
        ),
        pytest.param(
            "kept.json", "Permission denied",
            marks=pytest.mark.skipif(sys.platform != "win32" and os.getuid() == 0, reason="root may write all"),
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_named(folder: Path, path: str, words: str) -> None:
    os.symlink("loop", "loop")
    Path("kept.json").write_text("old")
    os.chmod("kept.json", 0o444)
    with pytest.raises(SpecError, match=f"cannot be written: .*{words}"):
        files.write(path, "new")
    assert sorted(os.listdir()) == ["kept.json", "loop", "tiny.yaml"]


@POSIX
def test_what_is_no_regular_file_is_written_to(folder: Path) -> None:
    reader, writer = os.pipe()
    files.write(f"/dev/fd/{writer}", "through a pipe")
    assert os.read(reader, 100) == b"through a pipe"
    os.close(reader), os.close(writer)
    with open("log.txt", "w", encoding="utf-8") as log:  # what is there already stays
        log.write("above\n")
        log.flush()
        assert costcalc(folder, "schema", "-o", "/dev/stdout", to=log.fileno()).returncode == 0
    assert Path("log.txt").read_text().startswith("above\n")
    assert len(Path("log.txt").read_text()) > len("above\n")


# ---- killed, and a full disk ---------------------------------------------------------------------

NETWORKS = "network,latency_ms\n" + "".join(f"mobilenet_v1@width={w / 100},{w}\n" for w in range(50, 100, 5))
SWEPT = "sweep tiny.yaml --width 0.5:1:0.1"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.parametrize(
    ("target", "words", "needs"),
    [
        ("out.csv", "report tiny.yaml --format csv -o out.csv", ""),
        ("costs.json", "check tiny.yaml --baseline costs.json --update", ""),
        ("device.yaml", "calibrate timed.csv -o device.yaml", "numpy"),
        ("new.yaml", "whatif tiny.yaml --factorize conv1 -o new.yaml", ""),
        ("model.onnx", "export onnx tiny.yaml -o model.onnx", "onnx"),
        ("loops", "export timeloop tiny.yaml -o loops", ""),
        pytest.param("picture.png", "plot shapes tiny.yaml -o picture.png", "matplotlib", marks=pytest.mark.slow),
        ("swept.parquet", f"{SWEPT} -o swept.parquet", "pyarrow"),
        ("parts.parquet", f"{SWEPT} --kernel 1,3 -o parts.parquet", "pyarrow"),
        ("best.csv", f"{SWEPT} --top 3 --resume state.json -o best.csv", "pandas"),
    ],
)
def test_killed_at_any_step_a_command_leaves_the_old_or_the_new(
    tmp_path: Path, target: str, words: str, needs: str
) -> None:
    if needs:
        pytest.importorskip(needs)
    folder = tmp_path / "killed"
    folder.mkdir()
    (folder / "tiny.yaml").write_text(SPEC)
    (folder / "timed.csv").write_text(NETWORKS)
    if target == "costs.json":
        assert costcalc(folder, "check", "alexnet", "--baseline", target, "--update").returncode == 0
    elif target not in ("loops", "parts.parquet"):
        (folder / target).write_text("old")
    env = os.environ | {"PYTHONPATH": os.path.dirname(files.PACKAGE)}
    found = subprocess.run(
        [sys.executable, str(TOOLS / "killed.py"), str(folder), target, *words.split()],
        capture_output=True, text=True, env=env, check=False, timeout=300,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    assert int(found.stdout.split()[-1]) >= 6  # made, written, on the disk, named, the name on the disk
    assert "cannot be written: File too large" in found.stderr


@pytest.mark.skipif(not shutil.which("unshare"), reason="nothing here makes a file system of one's own")
def test_a_full_file_system_leaves_the_old_file(folder: Path) -> None:
    os.mkdir("small")
    script = """
    mount -t tmpfs -o size=64k none small || exit 77
    cp costs.json small/costs.json
    head -c 60000 /dev/zero > small/rest
    "$0" -m costcalc check mobilenet_v2 resnet50 --baseline small/costs.json --update
    echo "code $?"; cmp costs.json small/costs.json && echo same
    "$0" -m costcalc report resnet50 -o small/report.txt
    echo "code $?"; ls -A small
    rm small/rest
    "$0" -m costcalc check mobilenet_v2 --baseline small/costs.json --update
    echo "code $?"
    """
    assert costcalc(folder, "check", "alexnet", "--baseline", "costs.json", "--update").returncode == 0
    env = os.environ | {"PYTHONPATH": os.path.dirname(files.PACKAGE)}
    found = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, sys.executable], capture_output=True, text=True, env=env, check=False
    )  # fmt: skip
    if found.returncode == 77 or "unshare" in found.stderr:
        pytest.skip("mounting a file system is not allowed here")
    lines = [line for line in found.stdout.splitlines() if line.startswith(("code", "same", "costs", "rest", "report"))]
    assert lines == ["code 2", "same", "code 2", "costs.json", "rest", "code 0"]
    assert found.stderr.count("cannot be written: No space left on device") == 2


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
@pytest.mark.parametrize(
    "words",
    ["report tiny.yaml", "list", "--help", "report --help", "check tiny.yaml --max-macs 1G", "schema"],
)
def test_a_full_disk_behind_stdout_is_told(folder: Path, words: str) -> None:
    with open("/dev/full", "wb") as full:
        found = costcalc(folder, *words.split(), to=full.fileno())
    assert found.stderr == "standard output cannot be written: No space left on device\n"
    assert found.returncode == 2


# ---- one at a time -------------------------------------------------------------------------------


def test_three_updates_at_once_keep_all_three(folder: Path) -> None:
    names = ["alexnet", "mobilenet_v1", "resnet18"]
    env = os.environ | {"PYTHONPATH": os.path.dirname(files.PACKAGE)}
    at_once = [
        subprocess.Popen(
            [sys.executable, "-m", "costcalc", "check", name, "--baseline", "costs.json", "--update"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env,
        )
        for name in names
    ]  # fmt: skip
    assert [process.wait(100) for process in at_once] == [0, 0, 0]
    for process in at_once:
        process.communicate()
    found = costcalc(folder, "check", "--baseline", "costs.json")
    assert [line.partition(":")[0] for line in found.stdout.splitlines()[:3]] == names
    assert sorted(os.listdir()) == ["costs.json", "tiny.yaml"]


def test_who_holds_a_file_is_told_to_those_who_wait_for_long(folder: Path) -> None:
    begin = time.monotonic()
    told = f"costs.json is in use by process {os.getpid()} on "
    with files.locked("costs.json"):
        with pytest.raises(SpecError, match=told), files.locked("costs.json", 0.2):
            pass
        with files.locked("other.json"):
            pass
    with files.locked("costs.json", 0):
        pass
    assert time.monotonic() - begin < 5
    assert os.listdir() == ["tiny.yaml"]


def test_a_lock_ends_with_its_process(folder: Path) -> None:
    script = "from costcalc.base import files\nwith files.locked('costs.json'):\n print('held', flush=True)\n input()"
    env = os.environ | {"PYTHONPATH": os.path.dirname(files.PACKAGE)}
    given = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "env": env}
    with subprocess.Popen([sys.executable, "-c", script], **given) as holder:  # type: ignore[call-overload]
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(SpecError, match=f"in use by process {holder.pid} on "), files.locked("costs.json", 0.1):
            pass
        holder.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        holder.wait()
    assert os.path.exists("costs.json.lock")
    with files.locked("costs.json", 0.1):
        pass
    assert os.listdir() == ["tiny.yaml"]


# ---- an output is no input -----------------------------------------------------------------------

CONVENTION = "macs: conv + fc\nparams: weights\n"


@POSIX
@pytest.mark.parametrize(
    ("read", "words"),
    [
        ("tiny.yaml", "report tiny.yaml"),
        ("tiny.yaml", "compare tiny.yaml@width=0.5 alexnet"),
        ("tiny.yaml", "compare alexnet tiny.yaml"),
        ("tiny.yaml", "whatif tiny.yaml --factorize conv1"),
        ("tiny.yaml", "export timeloop tiny.yaml"),
        ("tiny.yaml", "export onnx tiny.yaml"),
        ("tiny.yaml", "sweep tiny.yaml --width 0.5,1"),
        ("own.yaml", "report tiny.yaml --convention own.yaml"),
        ("timed.csv", "calibrate timed.csv"),
        ("net.cfg", "import darknet net.cfg"),
        ("net.prototxt", "import caffe net.prototxt"),
        ("model.onnx", "import onnx model.onnx"),
        ("device.yaml", "latency tiny.yaml --device device.yaml"),
    ],
)
@pytest.mark.parametrize("name", ["same", "soft", "hard"])
def test_an_output_over_an_input_is_refused(
    folder: Path, run: in_process.Run, read: str, words: str, name: str
) -> None:
    if words.startswith("import onnx"):
        pytest.importorskip("onnx")
    before = Path(read).read_text() if os.path.exists(read) else "as it was"
    Path(read).write_text(before)
    if name != "same":
        (os.symlink if name == "soft" else os.link)(read, name)
    code, out, err = run(*words.split(), "-o", read if name == "same" else name)
    assert (code, out) == (2, "")
    assert f"{read} is read, and would be written over" in err or f"{read}: nothing here writes .yaml" in err
    assert Path(read).read_text() == before
