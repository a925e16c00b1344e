/**
 * Choosing, folding and showing alone: what graph, map and table do alike.
 *
 * @typedef {import("./state.js").App} App
 * @typedef {import("./types.js").Form} Form
 * @typedef {import("./tree.js").Part} Part
 */
import { Model } from "./model.js";
import { shownWay, unfolded, unfoldedAtFirst, way, whole } from "./tree.js";

const SHOWN_AT_FIRST = 40; // items that the graph shows at first

/** @type {WeakMap<Form, Set<string>>} */
const known = new WeakMap();

/** @param {Form} form */
function first(form) {
  const found = known.get(form) ?? unfoldedAtFirst(form, SHOWN_AT_FIRST);
  known.set(form, found);
  return found;
}

/**
 * Whether a block of a form is unfolded.
 * @param {App} app
 * @param {Form} form
 */
export function openIn(app, form) {
  return (/** @type {string} */ name) => unfolded(first(form), app.state.turned, name);
}

/**
 * Fold a block, or unfold it.
 * @param {App} app
 * @param {string} name
 */
export function toggle(app, name) {
  const { turned } = app.state;
  app.change({ turned: turned.includes(name) ? turned.filter((one) => one !== name) : [...turned, name] });
}

/**
 * Fold all blocks, or unfold all.
 * @param {App} app
 * @param {boolean} open
 */
export function turnAll(app, open) {
  const names = new Set(forms(app).flatMap((form) => boxes(form.graph)));
  const turned = [...names].filter((name) => forms(app).some((form) => first(form).has(name)) !== open);
  app.change({ turned: turned.filter((name) => name) });
}

/**
 * @param {import("./types.js").Box} box
 * @returns {string[]}
 */
function boxes(box) {
  return [box.name, ...box.items.flatMap((item) => (typeof item === "number" ? [] : boxes(item)))];
}

/** @param {App} app */
function forms(app) {
  return app.models.flatMap((model) => (model instanceof Model ? [model.form] : []));
}

/**
 * The part of a form that is shown alone: the network where it has no such block.
 * @param {App} app
 * @param {Form} form
 * @returns {Part}
 */
export function shown(app, form) {
  return way(form, app.state.zoom).pop() ?? whole(form);
}

/**
 * Choose a line or a block, and unfold what it lies in; once more, and nothing is chosen.
 * @param {App} app
 * @param {number} network
 * @param {string} name
 */
export function choose(app, network, name) {
  const model = app.models[network];
  const { chosen } = app.state;
  if (!(model instanceof Model) || (chosen?.name === name && chosen.network === network)) return app.change({ chosen: null });
  const path = way(model.form, name);
  const part = path[path.length - 1];
  const around = part ? [...path, ...shownWay(model.form, shown(app, model.form), part)] : [];
  const open = openIn(app, model.form);
  const closed = around.filter(({ box }) => box && box !== part?.box).map((one) => one.name).filter((one) => !open(one));
  const turned = app.state.turned;
  const more = [...new Set(closed)];
  app.change({
    chosen: { network, name },
    turned: [...turned.filter((one) => !more.includes(one)), ...more.filter((one) => !turned.includes(one))],
  });
}

/**
 * Show a block alone.
 * @param {App} app
 * @param {string} name
 */
export function zoomTo(app, name) {
  app.change({ zoom: name });
}

/**
 * What makes a mark in a chart one that can be chosen.
 * @param {App} app
 * @param {number} n
 * @param {string} name  of a line
 */
export function pickable(app, n, name) {
  const { chosen } = app.state;
  return {
    "data-part": name, "data-key": `chart-${n}/${name}`, role: "option", "aria-label": name,
    "aria-selected": String(chosen?.network === n && chosen.name === name), onclick: () => choose(app, n, name),
  };
}
