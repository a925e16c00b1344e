/**
 * The graph: the network from top to bottom, blocks as boxes that fold, colour by share of the metric.
 *
 * @typedef {import("./state.js").App} App
 * @typedef {import("./place.js").Drawing} Drawing
 * @typedef {import("./place.js").Placed} Placed
 * @typedef {import("./place.js").Wire} Wire
 */
import { choose, openIn, shown, toggle, turnAll, zoomTo } from "./choose.js";
import { markOf } from "./differences.js";
import { byId, html, redraw, roving, svg } from "./dom.js";
import { Model } from "./model.js";
import { percent, share } from "./numbers.js";
import { curve, drawing } from "./place.js";
import { shownWay, way } from "./tree.js";

const STRIPE = 5; // of the type's colour

/**
 * Build the graph's bar and one frame a network; what comes back draws into them.
 * @param {App} app
 * @returns {() => void}
 */
export function makeGraph(app) {
  const scaled = (/** @type {number} */ by) => app.change({ scale: Math.min(4, Math.max(0.1, Number((app.state.scale * by).toFixed(2)))) });
  const button = (/** @type {string} */ text, /** @type {string} */ title, /** @type {() => void} */ onclick) =>
    html("button", { type: "button", title, "aria-label": title, onclick }, text);
  const frames = app.page.networks.map(() => html("div", { class: "frame" }));
  byId("graph").append(
    html("div", { class: "bar" }, html("h2", {}, "Graph"),
      button("Unfold all", "Unfold all blocks", () => turnAll(app, true)), button("Fold all", "Fold all blocks", () => turnAll(app, false)),
      button("−", "Draw the graph smaller", () => scaled(0.8)), button("+", "Draw the graph larger", () => scaled(1.25))),
    html("div", { class: "frames" }, ...frames));
  return () => app.models.forEach((model, n) => (model instanceof Model ? draw(app, model, n, frames[n]) : redraw(frames[n])));
}

/**
 * @typedef {Object} Ink  what all boxes of a network are drawn with
 * @property {App} app
 * @property {Model} model
 * @property {number} n
 * @property {string} chosen    name of the box that is chosen, as the graph shows it
 * @property {import("./numbers.js").Count} total
 * @property {number} most      the largest share of a box that is drawn
 */

/**
 * @param {App} app
 * @param {Model} model
 * @param {number} n
 * @param {HTMLElement} frame
 */
function draw(app, model, n, frame) {
  const { metric, chosen, scale } = app.state;
  const root = shown(app, model.form);
  const part = chosen?.network === n ? way(model.form, chosen.name).pop() : undefined;
  const total = model.total(metric);
  const inside = drawing(model.form, root, openIn(app, model.form));
  const most = Math.max(1e-9, ...leaves(inside).map(({ first, count }) => share(model.sum(metric, first, count), total)));
  /** @type {Ink} */
  const ink = { app, model, n, total, most, chosen: (part && shownWay(model.form, root, part).pop()?.name) ?? "" };
  const picture = svg("svg", {
    width: Math.ceil(inside.width * scale), height: Math.ceil(inside.height * scale), viewBox: `0 0 ${inside.width} ${inside.height}`,
    role: "tree", "aria-label": `Graph of ${model.network.name}`,
  }, ...contents(ink, inside, true));
  redraw(frame, picture);
  roving(picture, ".box", (key, item) => onKey(app, n, key, item));
  reveal(frame, ink.chosen);
}

/**
 * @param {App} app
 * @param {number} n
 * @param {string} key
 * @param {Element} item
 */
function onKey(app, n, key, item) {
  const name = item.getAttribute("data-key") ?? "";
  const open = item.getAttribute("aria-expanded");
  if (key === "Enter" || key === " ") choose(app, n, name);
  else if ((key === "ArrowRight" && open === "false") || (key === "ArrowLeft" && open === "true")) toggle(app, name);
  else if (key === "z" && open) zoomTo(app, name);
  else return false;
  return true;
}

/**
 * What is drawn as one box.
 * @param {Drawing} inside
 * @returns {import("./tree.js").Part[]}
 */
function leaves({ items }) {
  return items.flatMap((item) => (item.inside ? leaves(item.inside) : [item.part]));
}

let revealed = "";

/**
 * Scroll the frame, not the page, to a box that was just chosen.
 * @param {HTMLElement} frame
 * @param {string} name
 */
function reveal(frame, name) {
  if (name === revealed && name) return;
  const box = name && frame.querySelector(`[data-key="${CSS.escape(name)}"]`);
  if (!box) return;
  revealed = name;
  const [at, around] = [box.getBoundingClientRect(), frame.getBoundingClientRect()];
  if (at.top < around.top || at.bottom > around.bottom) frame.scrollTop += at.top - around.top - around.height / 3;
  if (at.left < around.left || at.right > around.right) frame.scrollLeft += at.left - around.left - (around.width - at.width) / 2;
}

/**
 * @param {Ink} ink
 * @param {Drawing} inside
 * @param {boolean} root
 * @returns {SVGElement[]}
 */
function contents(ink, { items, wires }, root) {
  return [...wires.map((wire) => svg("path", { class: "wire", d: curve(wire.points) })),
    ...items.map((item) => (item.inside ? block(ink, item, item.inside) : box(ink, item))),
    ...wires.filter((wire) => wire.labelled && (root || wire.points[0][1] > 0)).map((wire) => shape(ink, wire))];
}

/**
 * The shape of what an edge carries.
 * @param {Ink} ink
 * @param {Wire} wire
 */
function shape({ model }, { points: [[x, y]], row, part }) {
  const dims = row < 0 ? model.form.inputs[-1 - row][1] : model.kind(row).writes[part];
  return svg("text", { class: "shape", x: x + 5, y: y + 13 }, dims ? model.shape(dims) : "");
}

/**
 * A block that is unfolded.
 * @param {Ink} ink
 * @param {Placed} placed
 * @param {Drawing} inside
 */
function block(ink, placed, inside) {
  const { part, x, y, width, height } = placed;
  const title = `${part.title}  ${percent(ink.model.sum(ink.app.state.metric, part.first, part.count), ink.total)}`;
  return svg("g", { transform: `translate(${x} ${y})`, ...handles(ink, placed, true) },
    svg("rect", { class: "block", width, height, rx: 6 }),
    ...contents(ink, inside, false),
    svg("text", { class: "title", x: 20, y: 14 }, title),
    fold(ink, placed, "▾"));
}

/**
 * A line, or a block that is folded.
 * @param {Ink} ink
 * @param {Placed} placed
 */
function box(ink, placed) {
  const { model, app } = ink;
  const { part, x, y, width, height } = placed;
  const cost = model.sum(app.state.metric, part.first, part.count);
  const kind = model.kind(model.head(part.first));
  const weight = Math.sqrt(Math.min(1, share(cost, ink.total) / ink.most));
  return svg("g", { transform: `translate(${x} ${y})`, ...handles(ink, placed, false) },
    part.box?.times && svg("rect", { class: "card behind", x: 4, y: 4, width, height, rx: 4 }),
    svg("rect", { class: "card", width, height, rx: 4 }),
    svg("rect", { class: "heat", width, height, rx: 4, "fill-opacity": (0.55 * weight).toFixed(3) }),
    part.box ? fold(ink, placed, "▸") : svg("rect", { class: "stripe", width: STRIPE, height, rx: 2, fill: `var(--family-${kind.family})` }),
    svg("text", { class: "title", x: part.box ? 20 : 12, y: 16 }, cut(part.title, part.box ? 19 : 20)),
    svg("text", { class: "type", x: part.box ? 20 : 12, y: 30 }, part.box ? counted(part.count) : cut(model.text(kind.type), 30)),
    svg("text", { class: "share", x: width - 7, y: 16 }, percent(cost, ink.total)));
}

/**
 * @param {Ink} ink
 * @param {Placed} placed
 * @param {boolean} open
 */
function handles({ app, model, n, chosen, total }, { part }, open) {
  const mark = markOf(app.marks[n], part.first, part.count);
  const cost = percent(model.sum(app.state.metric, part.first, part.count), total);
  return {
    class: `box ${mark}`, role: "treeitem", "data-key": part.name, "aria-selected": String(part.name === chosen),
    "aria-expanded": part.box && String(open), "aria-label": [part.title, cost, mark].filter(Boolean).join(", "),
    onclick: (/** @type {Event} */ event) => { event.stopPropagation(); choose(app, n, part.name); },
    ondblclick: (/** @type {Event} */ event) => { event.stopPropagation(); if (part.box) toggle(app, part.name); },
  };
}

/**
 * What folds a block and unfolds it.
 * @param {Ink} ink
 * @param {Placed} placed
 * @param {string} sign
 */
function fold({ app }, { part, inside }, sign) {
  return svg("g", { class: "fold", onclick: (/** @type {Event} */ event) => { event.stopPropagation(); toggle(app, part.name); } },
    svg("rect", { width: 18, height: inside ? 20 : 38 }),
    svg("text", { x: 6, y: inside ? 14 : 23 }, sign));
}

/**
 * A name that fits, its end kept: what tells layers apart.
 * @param {string} text
 * @param {number} most
 */
function cut(text, most) {
  return text.length > most ? `…${text.slice(1 - most)}` : text;
}

/** @param {number} count */
function counted(count) {
  return count === 1 ? "1 layer" : `${count.toLocaleString("en-US")} layers`;
}
