/**
 * The graph: the network from top to bottom, blocks as boxes that fold, colour by share of the metric.
 *
 * @typedef {import("./state.js").App} App
 * @typedef {import("./place.js").Drawing} Drawing
 * @typedef {import("./place.js").Placed} Placed
 * @typedef {import("./place.js").Wire} Wire
 * @typedef {import("./tree.js").Part} Part
 */
import { choose, openIn, shown, toggle, zoomTo } from "./choose.js";
import { markOf } from "./differences.js";
import { byId, html, redraw, roving, svg } from "./dom.js";
import { Model } from "./model.js";
import { percent, share } from "./numbers.js";
import { curve, drawing } from "./place.js";
import { shownWay, way } from "./tree.js";

const STRIPE = 5; // of the type's colour
const LEAST_SCALE = 0.6; // of a graph that is wider than its frame

/**
 * Build the graph's bar and one frame a network; what comes back draws into them.
 * @param {App} app
 * @returns {() => void}
 */
export function makeGraph(app) {
  const scaled = (/** @type {number} */ by) =>
    app.change({ scale: Math.min(4, Math.max(0.1, Number((app.state.scale * by).toFixed(2)))) });
  const button = (/** @type {string} */ text, /** @type {string} */ title, /** @type {() => void} */ onclick) =>
    html("button", { type: "button", title, "aria-label": title, onclick }, text);
  const frames = app.page.networks.map(() => html("div", { class: "frame" }));
  byId("graph").append(
    html(
      "div",
      { class: "bar" },
      html("h2", {}, "Graph"),
      button("Unfold all", "Unfold all blocks", () => app.change({ folds: "all", turned: [] })),
      button("Fold all", "Fold all blocks", () => app.change({ folds: "none", turned: [] })),
      button("−", "Draw the graph smaller", () => scaled(0.8)),
      button("+", "Draw the graph larger", () => scaled(1.25)),
    ),
    html("div", { class: "frames" }, ...frames),
  );
  return () =>
    app.models.forEach((model, n) => (model instanceof Model ? draw(app, model, n, frames[n]) : redraw(frames[n])));
}

/**
 * @typedef {Object} Ink  what all boxes of a network are drawn with
 * @property {App} app
 * @property {number} n
 * @property {Model} model
 * @property {import("./numbers.js").Count} total
 * @property {number} most          the largest share of a box that is drawn
 * @property {string} chosen        name of the box that is chosen, as the graph shows it
 * @property {(() => void)[]} says  what puts figures into the boxes: they change, boxes stay
 */

/**
 * What stands in a frame, and for which form, block, folds and size.
 * @type {WeakMap<HTMLElement, {key: string, form: import("./types.js").Form, parts: Part[], ink: Ink}>}
 */
const standing = new WeakMap();

/**
 * @param {App} app
 * @param {Model} model
 * @param {number} n
 * @param {HTMLElement} frame
 */
function draw(app, model, n, frame) {
  const { metric, chosen, zoom, folds, turned, scale } = app.state;
  const root = shown(app, model.form);
  const key = JSON.stringify([zoom, folds, turned, scale]);
  const before = standing.get(frame);
  const { ink, parts } = before?.key === key && before.form === model.form ? before : built(app, model, n, frame, root);
  standing.set(frame, { key, form: model.form, parts, ink });
  const part = chosen?.network === n ? way(model.form, chosen.name).pop() : undefined;
  const total = model.total(metric);
  Object.assign(ink, {
    model,
    total,
    most: Math.max(1e-9, ...parts.map(({ first, count }) => share(model.sum(metric, first, count), total))),
    chosen: (part && shownWay(model.form, root, part).pop()?.name) ?? "",
  });
  for (const update of ink.says) update();
  reveal(frame, ink.chosen);
}

/**
 * Build a network's boxes and edges.
 * @param {App} app
 * @param {Model} model
 * @param {number} n
 * @param {HTMLElement} frame
 * @param {Part} root
 * @returns {{ink: Ink, parts: Part[]}}
 */
function built(app, model, n, frame, root) {
  /** @type {Ink} */
  const ink = { app, n, model, total: 0, most: 1, chosen: "", says: [] };
  const inside = drawing(model.form, root, openIn(app, model.form));
  const scale = app.state.scale * Math.min(1, Math.max(LEAST_SCALE, frame.clientWidth / inside.width));
  const picture = svg(
    "svg",
    {
      width: Math.ceil(inside.width * scale),
      height: Math.ceil(inside.height * scale),
      viewBox: `0 0 ${inside.width} ${inside.height}`,
      role: "tree",
      "aria-label": `Graph of ${model.network.name}`,
    },
    ...contents(ink, inside, true),
  );
  const fresh = !frame.childElementCount;
  redraw(frame, picture);
  if (fresh) frame.scrollLeft = (frame.scrollWidth - frame.clientWidth) / 2;
  stay(frame);
  roving(picture, ".box", (key, item) => onKey(app, n, key, item));
  return { ink, parts: leaves(inside) };
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
  else if ((key === "ArrowRight" && open === "false") || (key === "ArrowLeft" && open === "true")) turnBox(app, item);
  else if (key === "z" && open) zoomTo(app, name);
  else return false;
  return true;
}

/**
 * What is drawn as one box.
 * @param {Drawing} inside
 * @returns {Part[]}
 */
function leaves({ items }) {
  return items.flatMap((item) => (item.inside ? leaves(item.inside) : [item.part]));
}

/** The box that folds, and where it stands: it stays there. @type {{frame: Element | null, name: string, top: number, left: number}} */
let folding = { frame: null, name: "", top: 0, left: 0 };

/**
 * Fold a box, or unfold it, in its place.
 * @param {App} app
 * @param {Element} element
 */
function turnBox(app, element) {
  const name = element.getAttribute("data-key") ?? "";
  const { top, left } = element.getBoundingClientRect();
  folding = { frame: element.closest(".frame"), name, top, left };
  toggle(app, name);
}

/** @param {HTMLElement} frame */
function stay(frame) {
  const box = folding.frame === frame && frame.querySelector(`[data-key="${CSS.escape(folding.name)}"]`);
  if (!box) return;
  const { top, left } = box.getBoundingClientRect();
  frame.scrollTop += top - folding.top;
  frame.scrollLeft += left - folding.left;
  folding.frame = null;
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
  if (at.left < around.left || at.right > around.right)
    frame.scrollLeft += at.left - around.left - (around.width - at.width) / 2;
}

/**
 * @param {Ink} ink
 * @param {Drawing} inside
 * @param {boolean} root
 * @returns {SVGElement[]}
 */
function contents(ink, { items, wires }, root) {
  return [
    ...wires.map((wire) => svg("path", { class: "wire", d: curve(wire.points) })),
    ...items.map((item) => (item.inside ? block(ink, item, item.inside) : card(ink, item))),
    ...wires.filter((wire) => wire.labelled && (root || wire.points[0][1] > 0)).map((wire) => shape(ink, wire)),
  ];
}

/**
 * The shape of what an edge carries.
 * @param {Ink} ink
 * @param {Wire} wire
 */
function shape(ink, { label: [x, y], row, part }) {
  const text = svg("text", { class: "shape", x, y });
  ink.says.push(() => {
    const dims = row < 0 ? ink.model.form.inputs[-1 - row][1] : ink.model.kind(row).writes[part];
    say(text, dims ? ink.model.shape(dims) : "");
  });
  return text;
}

/**
 * A block that is unfolded.
 * @param {Ink} ink
 * @param {Placed} placed
 * @param {Drawing} inside
 */
function block(ink, placed, inside) {
  const { part, width, height } = placed;
  const title = svg("text", { class: "title", x: 20, y: 14 });
  ink.says.push(() => say(title, `${part.title}  ${percent(costOf(ink, part), ink.total)}`));
  return group(
    ink,
    placed,
    svg("rect", { class: "block", width, height, rx: 6 }),
    ...contents(ink, inside, false),
    title,
    fold(ink, placed, "▾"),
  );
}

/**
 * A line, or a block that is folded.
 * @param {Ink} ink
 * @param {Placed} placed
 */
function card(ink, placed) {
  const { part, width, height } = placed;
  const kind = ink.model.kind(ink.model.head(part.first));
  const left = part.box ? 20 : 12;
  const heat = svg("rect", { class: "heat", width, height, rx: 4 });
  const percentage = svg("text", { class: "share", x: width - 7, y: 16 });
  ink.says.push(() => {
    const cost = costOf(ink, part);
    put(heat, "fill-opacity", (0.55 * Math.sqrt(Math.min(1, share(cost, ink.total) / ink.most))).toFixed(3));
    say(percentage, percent(cost, ink.total));
  });
  return group(
    ink,
    placed,
    part.box?.times && svg("rect", { class: "card behind", x: 4, y: 4, width, height, rx: 4 }),
    svg("rect", { class: "card", width, height, rx: 4 }),
    heat,
    part.box
      ? fold(ink, placed, "▸")
      : svg("rect", { class: "stripe", width: STRIPE, height, rx: 2, fill: `var(--family-${kind.family})` }),
    svg("text", { class: "title", x: left, y: 16 }, cut(part.title, part.box ? 17 : 18)),
    svg("text", { class: "type", x: left, y: 30 }, part.box ? counted(part.count) : cut(ink.model.text(kind.type), 30)),
    percentage,
  );
}

/**
 * @param {Ink} ink
 * @param {Part} part
 */
function costOf({ app, model }, { first, count }) {
  return model.sum(app.state.metric, first, count);
}

/**
 * What mouse and keyboard take hold of.
 * @param {Ink} ink
 * @param {Placed} placed
 * @param {...import("./dom.js").Child} children
 */
function group(ink, { part, x, y, inside }, ...children) {
  const { app, n } = ink;
  const element = svg(
    "g",
    {
      class: "box",
      tabindex: -1,
      transform: `translate(${x} ${y})`,
      role: "treeitem",
      "data-key": part.name,
      "aria-expanded": part.box && String(Boolean(inside)),
      onclick: (event) => {
        event.stopPropagation();
        choose(app, n, part.name);
      },
      ondblclick: (event) => {
        event.stopPropagation();
        if (part.box) turnBox(app, element);
      },
    },
    ...children,
  );
  ink.says.push(() => {
    const mark = markOf(app.marks[n], part.first, part.count);
    put(element, "class", `box ${mark}`);
    put(element, "aria-selected", String(part.name === ink.chosen));
    put(element, "aria-label", [part.title, percent(costOf(ink, part), ink.total), mark].filter(Boolean).join(", "));
  });
  return element;
}

/**
 * What folds a block and unfolds it.
 * @param {Ink} ink
 * @param {Placed} placed
 * @param {string} sign
 */
function fold({ app }, { inside }, sign) {
  const act = (/** @type {Event} */ event) => {
    event.stopPropagation();
    const box = /** @type {Element} */ (event.currentTarget).closest(".box");
    if (box) turnBox(app, box);
  };
  return svg(
    "g",
    { class: "fold", onclick: act },
    svg("rect", { width: 18, height: inside ? 20 : 38 }),
    svg("text", { x: 6, y: inside ? 14 : 23 }, sign),
  );
}

/**
 * A name that fits, its end kept: what tells layers apart.
 * @param {string} text
 * @param {number} most
 */
function cut(text, most) {
  return text.length > most ? `…${text.slice(1 - most)}` : text;
}

/**
 * Write a text, where it is another.
 * @param {Element} element
 * @param {string} text
 */
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Set an attribute, where it is another.
 * @param {Element} element
 * @param {string} name
 * @param {string} value
 */
function put(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** @param {number} count */
function counted(count) {
  return count === 1 ? "1 layer" : `${count.toLocaleString("en-US")} layers`;
}
