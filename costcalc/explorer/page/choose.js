/**
 * Choosing, folding and showing alone: what graph, map and table do alike.
 *
 * @typedef {import("./state.js").App} App
 * @typedef {import("./types.js").Form} Form
 * @typedef {import("./tree.js").Part} Part
 */
import { Model } from "./model.js";
import { shownWay, unfoldedAtFirst, way, whole } from "./tree.js";

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
 * @returns {(name: string) => boolean}
 */
export function openIn({ state: { folds, turned } }, form) {
  const unlike = new Set(turned);
  if (folds === "all") return (name) => !unlike.has(name);
  const open = folds === "none" ? new Set([""]) : first(form);
  return (name) => open.has(name) !== unlike.has(name);
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
  if (!(model instanceof Model) || (chosen?.name === name && chosen.network === network))
    return app.change({ chosen: null });
  const path = way(model.form, name);
  const part = path[path.length - 1];
  const around = part ? [...path, ...shownWay(model.form, shown(app, model.form), part)] : [];
  const open = openIn(app, model.form);
  const closed = around
    .filter(({ box }) => box && box !== part?.box)
    .map((one) => one.name)
    .filter((one) => !open(one));
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
    tabindex: -1,
    "data-part": name,
    "data-key": `chart-${n}/${name}`,
    role: "option",
    "aria-label": name,
    "aria-selected": String(chosen?.network === n && chosen.name === name),
    onclick: () => choose(app, n, name),
  };
}
