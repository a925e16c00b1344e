/**
 * The lines of the table: nested as blocks are, or, sorted or filtered, a plain list.
 *
 * @typedef {import("./state.js").App} App
 * @typedef {import("./model.js").Model} Model
 * @typedef {import("./tree.js").Part} Part
 * @typedef {Object} Entry        a line of the table
 * @property {string} key
 * @property {string} name        in full
 * @property {string} title       as it stands under its block
 * @property {number} depth
 * @property {Part | null} block  none: a layer or an operator
 * @property {number} line
 * @property {number} first       its rows
 * @property {number} count
 */
import { openIn, shown } from "./choose.js";
import { plus } from "./numbers.js";
import { children } from "./tree.js";

/**
 * The entries in the order that the state asks for.
 * @param {App} app
 * @param {Model} model
 * @returns {Entry[]}
 */
export function entries(app, model) {
  const { sort, find, type, operators } = app.state;
  const root = shown(app, model.form);
  if (!sort && !find && !type) return nested(app, model, root, 0);
  const words = find.toLowerCase().split(/\s+/).filter(Boolean);
  const found = flat(model, root, operators).filter(({ name, first }) => {
    const typed = model.text(model.kind(first).type);
    return (!type || typed === type) && words.every((word) => `${name} ${typed}`.toLowerCase().includes(word));
  });
  return sort ? sorted(model, found, sort) : found;
}

/**
 * @param {App} app
 * @param {Model} model
 * @param {Part} part
 * @param {number} depth
 * @returns {Entry[]}
 */
function nested(app, model, part, depth) {
  const open = openIn(app, model.form);
  return children(model.form, part).flatMap((child) => {
    const [, first] = model.form.lines[child.first];
    const [, last, count] = model.form.lines[child.first + child.count - 1];
    const entry = {
      key: child.name,
      name: child.name,
      title: child.title,
      depth,
      block: child.box && child,
      line: child.first,
      first,
      count: last + count - first,
    };
    if (child.box) return [entry, ...(open(child.name) ? nested(app, model, child, depth + 1) : [])];
    if (!app.state.operators || entry.count === 1) return [entry];
    return operatorsOf(model, child.first).map((one, n) =>
      n
        ? { ...one, depth: depth + 1, title: one.name.slice(child.name.length + 1) || one.name }
        : { ...one, depth, title: child.title },
    );
  });
}

/**
 * @param {Model} model
 * @param {number} line
 * @returns {Entry[]}
 */
function operatorsOf(model, line) {
  const [, first, count] = model.form.lines[line];
  return Array.from({ length: count }, (_, n) => {
    const [name] = model.form.rows[first + n];
    return { key: name, name, title: name, depth: 0, block: null, line, first: first + n, count: 1 };
  });
}

/**
 * @param {Model} model
 * @param {Part} root
 * @param {boolean} operators
 * @returns {Entry[]}
 */
function flat(model, root, operators) {
  return model.form.lines
    .slice(root.first, root.first + root.count)
    .flatMap(([name, first, count], n) =>
      operators
        ? operatorsOf(model, root.first + n)
        : [{ key: name, name, title: name, depth: 0, block: null, line: root.first + n, first, count }],
    );
}

/**
 * @param {Model} model
 * @param {Entry[]} found
 * @param {string} sort
 */
function sorted(model, found, sort) {
  const down = sort.startsWith("-");
  const key = sort.replace("-", "");
  if (!columns(model).some((column) => column.key === key)) return found;
  const value = (/** @type {Entry} */ one) =>
    key === "name"
      ? one.name
      : key === "type"
        ? model.text(model.kind(one.first).type)
        : key === "field"
          ? fieldSize(model, one)
          : Number(entryCost(model, key, one) ?? -1);
  const keyed = found.map((one) => ({ one, value: value(one) }));
  keyed.sort((a, b) => (a.value < b.value ? -1 : a.value > b.value ? 1 : 0) * (down ? -1 : 1));
  return keyed.map(({ one }) => one);
}

/**
 * @param {Model} model
 * @param {Entry} entry
 */
function fieldSize(model, { first, count }) {
  const field = model.field(first + count - 1);
  return field === "global" ? Infinity : parseFloat(String(field ?? -1));
}

/**
 * @param {Model} model
 * @param {string} metric
 * @param {Entry} entry
 */
export function entryCost(model, metric, { first, count }) {
  /** @type {import("./numbers.js").Count} */
  let sum = 0;
  for (let row = first; row < first + count; row++) sum = plus(sum, model.cost(metric, row));
  return sum;
}

/**
 * The columns: key to sort by, title, whether numbers.
 * @param {Model} model
 * @returns {{key: string, title: string, number: boolean}[]}
 */
export function columns(model) {
  const words = ["name", "type", "in", "out"].map((key) => ({
    key: key === "in" || key === "out" ? "" : key,
    title: key === "name" ? "layer" : key,
    number: false,
  }));
  return [
    ...words,
    ...model.metrics.map(({ key, title }) => ({ key, title, number: true })),
    { key: "field", title: "field", number: true },
  ];
}
