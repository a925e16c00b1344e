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
const app = { page, state: stateOf(page, location.hash), models: [], pinned: [], marks: [], change };

let waiting = 0;

/**
 * Show another state: the models are there at once, the picture with the next frame.
 * @param {Partial<State>} patch
 */
function change(patch) {
  app.state = { ...app.state, ...patch };
  waiting ||= requestAnimationFrame(show);
}

/** The blocks around what is shown, to go back. */
function drawWay() {
  const model = app.models.find((one) => one instanceof Model && shown(app, one.form).name === app.state.zoom);
  const parts = model instanceof Model && app.state.zoom ? way(model.form, app.state.zoom) : [];
  redraw(byId("way"), ...parts.map(({ name, title }, n) => html("button", {
    type: "button", "data-key": `way-${name}`, "aria-current": n === parts.length - 1 && "true", onclick: () => app.change({ zoom: name }),
  }, name ? title : "whole network")));
}

/** Colours of the families of layers, for light and dark. */
function colors() {
  page.families.forEach(([, light, dark], n) =>
    document.documentElement.style.setProperty(`--family-${n}`, `light-dark(${light}, ${dark})`));
}

const views = [makeControls(app), () => drawTotals(app), drawWay, makeGraph(app), () => drawMap(app), () => drawDetail(app), () => drawCharts(app), makeTable(app)];

function show() {
  waiting = 0;
  const { now, pinned, theme } = app.state;
  const counted = (/** @type {State["now"]} */ { settings, counting }) =>
    page.networks.map((network, n) => modelOf(page, network, settings[n], counting));
  app.models = counted(now);
  app.pinned = counted(pinned);
  app.marks = marks(app);
  document.documentElement.style.colorScheme = theme || "light dark";
  for (const view of views) view();
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
