"""The explorer's page in a real browser: its numbers are those of `costcalc.count`, and hands find all."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

import costcalc
from costcalc import SpecError
from costcalc.reports.result import Result

browsers = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install 'costcalc[browser]'")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()

Page = Any  # playwright.sync_api.Page
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with browsers.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Open the page of networks, from disk; in the end no error was told and no request has left it."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    told: list[str] = []

    def page_of(*networks: Any, hash: str = "", **more: Any) -> Page:
        path = tmp_path / "page.html"
        explorer = costcalc.explore(*networks, **more)
        explorer.save(str(path))
        page = context.new_page()
        page.data = explorer.data
        page.on("console", lambda message: told.append(message.text))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on("request", lambda one: told.append(one.url) if one.url.split("#")[0] != path.as_uri() else None)
        page.goto(path.as_uri() + hash)
        return settled(page)

    yield page_of
    context.close()
    assert told == []


def settled(page: Page) -> Page:
    """Wait until all that is shown is of the last change."""
    page.wait_for_selector("body[aria-busy=false]")
    return page


def go(page: Page, **words: Any) -> None:
    """Put the page into the state that a hash tells."""
    page.evaluate("hash => { location.hash = hash; document.body.ariaBusy = 'true'; }", urlencode(words))
    settled(page)


def total(page: Page, metric: str, network: int = 0) -> str:
    return str(page.locator(f"[data-network='{network}'] [data-total={metric}] .value").inner_text())


def table(page: Page) -> dict[str, list[str]]:
    """The table's lines: the texts of their cells by their name."""
    read = "lines => lines.map(line => [line.dataset.key, ...[...line.cells].map(cell => cell.textContent)])"
    return {key[2:]: cells for key, *cells in page.locator("tbody tr[data-key]").evaluate_all(read)}


def seconds(text: str) -> float:
    number, unit = text.split()
    return float(number) * {"s": 1, "ms": 1e-3, "µs": 1e-6}[unit]


# At ten settings that are drawn the page says what costcalc counts.


MOVE = """moves => { for (const [knob, value] of Object.entries(moves)) {
  const control = document.querySelector(`[data-knob="${knob}"]`);
  control.value = value;
  control.dispatchEvent(new Event(control.tagName === 'SELECT' ? 'change' : 'input', {bubbles: true}));
} }"""


def draw_setting(page: Page, draw: random.Random) -> dict[str, Any]:
    """Move all controls of the page, and return what they were moved to."""
    data = page.data
    network = data["networks"][0]
    convention, batch = draw.choice(data["conventions"])["name"], draw.choice((1, 1, 2, 7, 64))
    rates = draw.choice(data["rates"])
    device = {"device": rates["device"], "dtype": rates["dtype"]}
    moves = {"convention": convention, "device": " ".join(device.values()), "batch": str(batch)}
    knobs = {}
    for knob in network["sliders"] + network["lists"]:
        at = draw.randrange(len(knob["values"]))
        knobs[knob["name"]] = knob["values"][at]
        if len(knob["values"]) > 1:
            moves[knob["name"]] = str(at)
    page.evaluate(MOVE, moves)
    settled(page)
    return {"knobs": knobs, "convention": convention, "batch": batch, **device}


def compare(page: Page, result: Result, device: dict[str, str], draw: random.Random) -> None:
    """Totals, and ten rows of the table, against a result."""
    assert total(page, "params") == f"{result.params:,}"
    assert total(page, "operations") == f"{result.operations:,}"
    for metric, name in (("activations", "activations"), ("elementwise", "elementwise"), ("memory", "peak_memory")):
        assert total(page, metric) == f"{result.metric(name).total:,}", name
    field = result.metric("receptive_field").total
    assert total(page, "field") == (f"{field:,}" if isinstance(field, int) else str(field))
    least, *most = total(page, "time").removeprefix("≥ ").split(" – ")
    assert seconds(least) == pytest.approx(result.metric("latency", **device).total / 1e3, rel=6e-4)
    for text in most:
        assert seconds(text) == pytest.approx(result.metric("latency_most", **device).total / 1e3, rel=6e-4)
    lines = table(page)
    activations = dict(zip((row.name for row in result.rows), result.metric("activations").rows, strict=True))
    for name in draw.sample(sorted(lines), min(10, len(lines))):
        row = result[name]
        kind, _, _, params, operations, acts = lines[name][1:7]
        said = (row.type, f"{row.params:,}", f"{row.operations:,}", f"{activations[name]:,}")
        assert (kind, params, operations, acts) == said, name


@pytest.mark.parametrize(
    ("network", "asked"),
    [
        ("resnet50", {}),
        ("mobilenet_v2", {"width": [0.25, 0.5, 0.77, 1.0, 1.4], "resolution": [96, 130, 224]}),
        ("unet", {}),
        ("nasnet_a_mobile", {}),
        ("fpn_resnet50", {}),
    ],
)
def test_at_settings_drawn_at_random_the_page_says_what_is_counted(opened: Open, network: str, asked: Any) -> None:
    draw = random.Random(network)
    page = opened(network, **asked, hash="#operators=1&sort=-operations")
    found = 0
    while found < 10:
        setting = draw_setting(page, draw)
        device = {word: setting.pop(word) for word in ("device", "dtype")}
        try:
            result = costcalc.count(network, **setting)
        except SpecError:
            assert page.locator(".refused, #said").first.inner_text()
            continue
        compare(page, result, device, draw)
        found += 1


# What one does on the page.


def test_folding_is_alike_in_graph_and_table(opened: Open) -> None:
    page = opened("resnet50")
    assert "stage1/bottleneck1/conv1" not in table(page)
    page.locator("#graph [data-key='stage1/bottleneck1'] .fold").click()
    settled(page)
    assert "stage1/bottleneck1/conv1" in table(page)
    assert page.locator("#graph [data-key='stage1/bottleneck1/conv1']").count() == 1
    page.locator("#table tr[data-key='0:stage1'] .fold").click()
    settled(page)
    assert page.locator("#graph [data-key='stage1']").get_attribute("aria-expanded") == "false"
    page.get_by_role("button", name="Unfold all").click()
    settled(page)
    assert page.locator("#graph [aria-expanded=false]").count() == 0


def test_the_table_sorts_and_filters(opened: Open) -> None:
    page = opened("mobilenet_v2")
    page.get_by_role("button", name="Params", exact=True).click()
    settled(page)
    result = costcalc.count("mobilenet_v2")
    lines = [sum(row.params for row in line.rows) for line in result.lines()]
    numbers = [int(cells[4].replace(",", "")) for cells in table(page).values()]
    assert numbers == sorted(lines, reverse=True)
    page.get_by_role("searchbox").fill("stage3 1x1")
    settled(page)
    assert table(page)
    assert all(name.startswith("stage3") and cells[1] == "conv 1x1" for name, cells in table(page).items())
    page.get_by_role("searchbox").fill("")
    page.get_by_label("Type", exact=True).select_option("fc")
    settled(page)
    assert [cells[1] for cells in table(page).values()] == ["fc"]


def test_the_table_is_copied(opened: Open) -> None:
    page = opened("alexnet", hash="#find=fc")
    rows = [row for row in costcalc.count("alexnet").rows if row.type == "fc"]
    page.get_by_role("button", name="Copy CSV").click()
    page.get_by_role("button", name="Copied").first.wait_for()
    head, *lines = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert head.split(",")[:6] == ["layer", "type", "in", "out", "Params", "MACs"]
    found = [line.split(",") for line in lines]
    assert [(name, int(params), int(macs)) for name, _, _, _, params, macs, *_ in found] == [
        (row.name, row.params, row.operations) for row in rows
    ]
    page.get_by_role("button", name="Copy Markdown").click()
    page.get_by_role("button", name="Copied").last.wait_for()
    text = page.evaluate("navigator.clipboard.readText()")
    assert text.startswith("| layer | type |")
    assert f"| {rows[0].params} |" in text


def test_a_layer_is_explained_with_its_numbers(opened: Open) -> None:
    page = opened("resnet50", hash="#--resolution=256")
    page.locator("#map [data-key='0/stage2/bottleneck1/conv2']").click()
    settled(page)
    told = page.locator("#detail").inner_text()
    row = costcalc.count("resnet50", resolution=256)["stage2/bottleneck1/conv2"]
    assert "weights = C_o · (C_i // G) · K_h · K_w = 128 · (128 // 1) · 3 · 3 = 147,456" in told
    assert f"= {row.operations:,}" in told
    assert page.locator("#graph [data-key='stage2/bottleneck1/conv2']").get_attribute("aria-selected") == "true"
    assert page.locator("#table tr[aria-selected=true]").get_attribute("data-key") == "0:stage2/bottleneck1/conv2"


def test_a_block_is_shown_alone(opened: Open) -> None:
    page = opened("resnet50")
    page.locator("#map [data-key='0/stage3']").click()
    settled(page)
    assert page.locator("#graph .box").first.get_attribute("data-key").startswith("stage3/")
    assert all(name.startswith("stage3/") for name in table(page))
    page.locator("#way button").first.click()
    settled(page)
    assert "conv" in table(page)


STATES = {
    "--width": "0.5",
    "convention": "thop",
    "batch": "4",
    "device": "nvidia_t4",
    "dtype": "fp16",
    "metric": "params",
    "zoom": "stage2",
    "chosen": ":stage2/bottleneck1/conv2",
    "folds": "all",
    "turned": "stage2/bottleneck1",
    "operators": "1",
    "sort": "-params",
    "find": "conv",
    "type": "conv 1x1",
    "chart": "roofline",
    "knob": "1",
    "scale": "1.25",
    "theme": "dark",
    "pin": "--width=0.75&batch=2",
}


def test_the_hash_tells_all_and_a_link_shows_the_same(opened: Open) -> None:
    page = opened("resnet50", width=[0.5, 0.75, 1.0], resolution=[160, 224], hash=f"#{urlencode(STATES)}")
    told = page.evaluate("Object.fromEntries(new URLSearchParams(location.hash.slice(1)))")
    assert told == STATES
    result = costcalc.count("resnet50", width=0.5, convention="thop", batch=4)
    pinned = costcalc.count("resnet50", width=0.75, convention="costcalc", batch=2)
    assert total(page, "operations") == f"{result.operations:,}"
    ratio = page.locator("[data-total=params] .ratio").inner_text()
    assert float(ratio.removeprefix("×")) == pytest.approx(result.params / pinned.params, rel=2e-3)
    page.get_by_role("button", name="Reset").click()
    settled(page)
    assert page.evaluate("location.hash") in ("", "#")
    assert total(page, "params") == f"{costcalc.count('resnet50').params:,}"


NOTHING = "--width=9&batch=-1&convention=none&device=x&metric=x&zoom=none&chosen=9:x&sort=x&chart=x&knob=7&scale=0"


def test_a_hash_that_tells_what_there_is_not_opens_the_page_as_it_is(opened: Open) -> None:
    page = opened("mobilenet_v1", hash=f"#{NOTHING}")
    assert total(page, "params") == f"{costcalc.count('mobilenet_v1').params:,}"
    assert len(table(page)) > 3


def test_networks_stand_side_by_side_with_their_differences_marked(opened: Open) -> None:
    page = opened("resnet50", "resnet101")
    for n, name in enumerate(("resnet50", "resnet101")):
        assert total(page, "params", n) == f"{costcalc.count(name).params:,}"
    ratio = page.locator("[data-network='1'] [data-total=params] .ratio").inner_text()
    assert ratio.endswith("of resnet50")
    assert page.locator("#graph .frame").count() == 2
    only = page.locator("#table table[data-network='1'] tr.only")
    assert page.locator("#graph .frame:nth-child(2) :is(.only, .differs)").count() > 0
    page.get_by_role("button", name="Unfold all").click()
    settled(page)
    assert only.count() > 0
    assert page.locator("#table table[data-network='0'] tr.only").count() == 0
    page.get_by_role("tab", name="Side by side").click()
    settled(page)
    rows = page.locator("#charts tbody tr")
    more = [row.operations for row in costcalc.count("resnet101").rows if row.type.startswith("conv")]
    less = [row.operations for row in costcalc.count("resnet50").rows if row.type.startswith("conv")]
    told = [int(text.replace(",", "").replace("+", "")) for text in rows.locator("td:last-child").all_inner_texts()]
    assert sum(told) == sum(more) - sum(less)


def test_the_keyboard_alone_reaches_everything(opened: Open) -> None:
    """Tab comes to each control and into each view once; arrows move in a view; Enter and letters act."""
    page = opened("resnet50")
    met = set()
    here = "[document.activeElement.closest('header, section')?.id, document.activeElement.getAttribute('data-knob')]"
    first = None
    for _ in range(80):
        page.keyboard.press("Tab")
        found = tuple(page.evaluate(here))
        at = page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
        if at == first:
            break
        first = first or at
        met.add(found)
    sections = {section for section, _ in met}
    assert {"graph", "map", "charts", "table"} <= sections
    assert {"width", "resolution", "convention", "batch", "device"} <= {knob for _, knob in met}

    page.locator("#graph .box").first.focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.getAttribute('data-key')") == "stage1/bottleneck1"
    page.keyboard.press("ArrowRight")
    settled(page)
    assert page.locator("#graph [data-key='stage1/bottleneck1']").get_attribute("aria-expanded") == "true"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    settled(page)
    assert "stage1/bottleneck1/conv1" in page.locator("#detail h2").inner_text()
    page.locator("#table tbody tr").first.focus()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    settled(page)
    assert page.locator("#detail h2").inner_text() == "fc"
    page.locator("#map .piece").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    settled(page)
    assert "stage1" in page.url
    page.locator("[data-knob=width]").focus()
    before = total(page, "params")
    page.keyboard.press("ArrowLeft")
    settled(page)
    assert total(page, "params") != before
    for chart in ("Over depth", "Memory over time"):
        page.get_by_role("tab", name=chart).press("Enter")
        settled(page)
        page.locator("#charts [data-part]").first.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        settled(page)
        assert page.locator("#detail h2").inner_text() == page.evaluate("document.activeElement.dataset.part")


HOSTILE = """
costcalc: 1
name: '<script>alert(1)</script><b id="hurt">'
source: </script><img src=x onerror=alert(2)>
input: [3, 8, 8]
layers:
  - conv: {out: 8, kernel: 3}
    name: '<i id="hurt">'
"""


def test_names_stay_text(opened: Open) -> None:
    page = opened(HOSTILE)
    assert page.locator("#hurt, img, i:not(.dot)").count() == 0
    assert "<script>alert(1)</script>" in page.locator("h1").inner_text()
    assert "<script>alert(1)</script>" in page.title()
    page.locator("#table tbody tr").first.click()
    settled(page)
    assert page.locator("#hurt").count() == 0


def test_large_networks_stay_fluid(opened: Open) -> None:
    """A thousand layers: totals follow a slider with the next picture, and all is drawn soon after."""
    page = opened("preresnet1001_cifar")
    took = page.evaluate("""async () => {
      const slider = document.querySelector('[type=range]');
      const start = performance.now();
      slider.value = 1;
      slider.dispatchEvent(new Event('input'));
      await new Promise(requestAnimationFrame);
      await new Promise(requestAnimationFrame);
      return performance.now() - start;
    }""")
    assert took < 1000  # milliseconds; 60 where nothing else runs
    settled(page)


def test_the_page_is_readable_in_the_dark_and_on_paper(opened: Open) -> None:
    page = opened("mobilenet_v1")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(ground)
    assert light != dark
    page.get_by_role("button", name="Theme").click()
    settled(page)
    assert page.evaluate(ground) == light
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(ground) == light
    assert page.locator("#table tbody tr").first.is_visible()
    page.set_viewport_size({"width": 718, "height": 1000})  # A4 with margins of a centimetre
    assert page.locator("#table .frame").evaluate("frame => frame.scrollWidth <= frame.clientWidth")


def test_on_a_phone_nothing_is_wider_than_the_screen(opened: Open) -> None:
    page = opened("resnet50", hash="#chosen=:stage2/bottleneck1/conv2")
    page.set_viewport_size({"width": 390, "height": 844})
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
