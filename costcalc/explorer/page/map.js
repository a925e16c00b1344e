/**
 * The map: an icicle of blocks and layers, as wide as their share of the metric.
 *
 * @typedef {import("./state.js").App} App
 * @typedef {import("./tree.js").Part} Part
 * @typedef {import("./model.js").Model} Counted
 */
import { choose, shown, zoomTo } from "./choose.js";
import { byId, html, redraw, roving } from "./dom.js";
import { Model } from "./model.js";
import { brief, percent, share } from "./numbers.js";
import { children } from "./tree.js";

const ROW = 26; // pixels
const NAMED = 34; // pixels: what is narrower has no name
const LEAST = 0.0008; // of the width: what is thinner is not seen

/**
 * Draw the icicle of each network.
 * @param {App} app
 */
export function drawMap(app) {
  const maps = app.models.map((model, n) => (model instanceof Model ? icicle(app, model, n) : null));
  redraw(byId("map"), html("div", { class: "bar" }, html("h2", {}, "Map"), legend(app)), ...maps);
}

/**
 * The families of layers that the networks have.
 * @param {App} app
 */
function legend(app) {
  const families = new Set(
    app.models.flatMap((model) =>
      model instanceof Model
        ? model.form.kinds.filter((_, at) => model.byKind(app.state.metric)[at]).map((kind) => kind.family)
        : [],
    ),
  );
  return html(
    "ul",
    { class: "legend" },
    ...[...families]
      .sort((a, b) => a - b)
      .map((family) => html("li", { style: `--color: var(--family-${family})` }, app.page.families[family][0])),
  );
}

/**
 * @param {App} app
 * @param {Counted} model
 * @param {number} n
 */
function icicle(app, model, n) {
  const root = shown(app, model.form);
  /** @type {{part: Part, left: number, width: number, depth: number}[]} */
  const tiles = [];
  spread(app, model, root, 0, 1, 0, tiles);
  const depth = Math.max(...tiles.map((tile) => tile.depth)) + 1;
  const map = html(
    "div",
    { class: "icicle", role: "tree", "aria-label": `Map of ${model.network.name}`, style: `height: ${depth * ROW}px` },
    ...tiles.map((tile) => piece(app, model, n, tile, root)),
  );
  roving(map, ".piece", (key, item) =>
    key === "ArrowRight" || key === "ArrowLeft" ? neighbour(map, item, key === "ArrowRight" ? 1 : -1) : false,
  );
  return map;
}

/**
 * @param {HTMLElement} map
 * @param {Element} item
 * @param {number} step
 */
function neighbour(map, item, step) {
  const level = [...map.querySelectorAll(`[aria-level="${item.getAttribute("aria-level")}"]`)];
  const next = level[level.indexOf(item) + step];
  if (next instanceof HTMLElement) next.focus();
  return true;
}

/**
 * @param {App} app
 * @param {Counted} model
 * @param {Part} part
 * @param {number} left
 * @param {number} width
 * @param {number} depth
 * @param {{part: Part, left: number, width: number, depth: number}[]} tiles
 */
function spread(app, model, part, left, width, depth, tiles) {
  tiles.push({ part, left, width, depth });
  const whole = model.sum(app.state.metric, part.first, part.count);
  let at = left;
  for (const child of children(model.form, part)) {
    const wide = width * share(model.sum(app.state.metric, child.first, child.count), whole);
    if (wide > LEAST) spread(app, model, child, at, wide, depth + 1, tiles);
    at += wide;
  }
}

/**
 * @param {App} app
 * @param {Counted} model
 * @param {number} n
 * @param {{part: Part, left: number, width: number, depth: number}} tile
 * @param {Part} root
 */
function piece(app, model, n, { part, left, width, depth }, root) {
  const { metric, chosen } = app.state;
  const cost = model.sum(metric, part.first, part.count);
  const part_ = percent(cost, model.total(metric));
  const family = part.box ? "" : `--color: var(--family-${model.kind(model.head(part.first)).family});`;
  const act = () => {
    if (part.box && part !== root) zoomTo(app, part.name);
    else if (part === root) zoomTo(app, part.name.split("/").slice(0, -1).join("/"));
    else choose(app, n, part.name);
  };
  return html(
    "button",
    {
      type: "button",
      class: `piece ${part.box ? "block" : "line"}`,
      role: "treeitem",
      "data-key": `${n}/${part.name}`,
      "aria-level": depth + 1,
      "aria-selected": String(chosen?.network === n && chosen.name === part.name),
      style: `${family} left: ${left * 100}%; width: ${width * 100}%; top: ${depth * ROW}px`,
      title: `${part.name || model.network.name}: ${brief(cost)}, ${part_}`,
      onclick: act,
    },
    width * app.width > NAMED && html("span", {}, part.title || model.network.name, html("small", {}, ` ${part_}`)),
  );
}
