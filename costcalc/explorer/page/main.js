/**
 * The explorer's page: reads the data, keeps the state in the hash, and draws all of it again where something changes.
 *
 * @typedef {import("./types.js").Page} Page
 * @typedef {import("./state.js").App} App
 * @typedef {import("./state.js").State} State
 */
import { drawCharts } from "./charts.js";
import { shown } from "./choose.js";
import { drawDetail } from "./detail.js";
import { marks } from "./differences.js";
import { byId, html, redraw } from "./dom.js";
import { makeGraph } from "./graph.js";
import { drawTotals, makeControls } from "./heading.js";
import { drawMap } from "./map.js";
import { Model, modelOf } from "./model.js";
import { hashOf, stateOf } from "./state.js";
import { makeTable } from "./table.js";
import { way } from "./tree.js";

/** @type {Page} */
const page = JSON.parse(byId("data").textContent ?? "");

/** @type {App} */
const app = { page, state: stateOf(page, location.hash), width: 0, models: [], pinned: [], marks: [], change };

const FRAME = 12; // milliseconds of drawing

let waiting = 0;

/**
 * Show another state: the models are there at once, the picture with the next frame.
 * @param {Partial<State>} patch
 */
function change(patch) {
  app.state = { ...app.state, ...patch };
  document.body.setAttribute("aria-busy", "true");
  waiting ||= requestAnimationFrame(show);
}

/** The blocks around what is shown, to go back. */
function drawWay() {
  const model = app.models.find((one) => one instanceof Model && shown(app, one.form).name === app.state.zoom);
  const parts = model instanceof Model && app.state.zoom ? way(model.form, app.state.zoom) : [];
  redraw(
    byId("way"),
    ...parts.map(({ name, title }, n) =>
      html(
        "button",
        {
          type: "button",
          "data-key": `way-${name}`,
          "aria-current": n === parts.length - 1 && "true",
          onclick: () => app.change({ zoom: name }),
        },
        name ? title : "whole network",
      ),
    ),
  );
}

/** Colours of the families of layers, for light and dark. */
function colors() {
  page.families.forEach(([, light, dark], n) =>
    document.documentElement.style.setProperty(`--family-${n}`, `light-dark(${light}, ${dark})`),
  );
}

const heading = [makeControls(app), () => drawTotals(app), drawWay];
const views = [makeGraph(app), () => drawDetail(app), () => drawMap(app), () => drawCharts(app), makeTable(app)];
/** Views that still show the state before. @type {Set<() => void>} */
const stale = new Set();

/** Draw what is stale, as much as a frame has time for; what waits longest comes first. */
function work() {
  const end = performance.now() + FRAME;
  for (const view of stale) {
    stale.delete(view);
    view();
    if (performance.now() > end) break;
  }
  if (stale.size) requestAnimationFrame(work);
  document.body.setAttribute("aria-busy", String(stale.size > 0));
}

/** Count all networks where their knobs stand, show totals at once, and the rest as time allows. */
function show() {
  waiting = 0;
  app.width = byId("map").clientWidth - 26;
  const { now, pinned, theme } = app.state;
  const counted = (/** @type {State["now"]} */ { settings, counting }) =>
    page.networks.map((network, n) => modelOf(page, network, settings[n], counting));
  app.models = counted(now);
  app.pinned = counted(pinned);
  app.marks = marks(app);
  const metrics = app.models.flatMap((model) => (model instanceof Model ? model.metrics.map(({ key }) => key) : []));
  if (metrics.length && !metrics.includes(app.state.metric)) app.state.metric = "operations";
  document.documentElement.style.colorScheme = theme || "light dark";
  for (const view of heading) view();
  if (!stale.size) requestAnimationFrame(work);
  for (const view of views) stale.add(view);
  const hash = hashOf(page, app.state);
  if (hash !== location.hash.slice(1)) write(hash);
}

/**
 * Put the state into the address; a page inside another may not.
 * @param {string} hash
 */
function write(hash) {
  try {
    history.replaceState(null, "", `#${hash}`);
  } catch {
    // a notebook's frame has no address of its own
  }
}

addEventListener("hashchange", () => change(stateOf(page, location.hash)));
addEventListener("resize", () => change({}));
colors();
show();
