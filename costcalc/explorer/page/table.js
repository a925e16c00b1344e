/**
 * The table: all lines or operators, folding as the graph does; sorted or filtered it is a plain list.
 *
 * @typedef {import("./state.js").App} App
 * @typedef {import("./model.js").Model} Counted
 * @typedef {import("./tree.js").Part} Part
 * @typedef {{text: string, share?: number, value: string | number | bigint | null}} Cell   as shown, and as it is copied
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
import { choose, openIn, shown, toggle, zoomTo } from "./choose.js";
import { copied, csv, markdown } from "./copy.js";
import { figure } from "./detail.js";
import { byId, html, redraw, roving } from "./dom.js";
import { Model } from "./model.js";
import { digits, percent, plus, share } from "./numbers.js";
import { children } from "./tree.js";

const MOST = 400; // lines that are drawn before one asks for more

let all = false;

/**
 * Build the table's bar once; what comes back draws the rest.
 * @param {App} app
 * @returns {() => void}
 */
export function makeTable(app) {
  const find = html("input", { type: "search", placeholder: "Filter by name or type", "aria-label": "Filter by name or type", oninput: () => app.change({ find: find.value }) });
  const type = html("select", { "aria-label": "Type", onchange: () => app.change({ type: type.value }) });
  const operators = html("input", { type: "checkbox", onchange: () => app.change({ operators: operators.checked }) });
  const copy = (/** @type {string} */ text, /** @type {(rows: import("./copy.js").Sheet) => string} */ write) => {
    const button = html("button", { type: "button", onclick: async () => {
      await copied(write(sheet(app)));
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = text; }, 1200);
    } }, text);
    return button;
  };
  const body = html("div", { class: "frame" });
  byId("table").append(
    html("div", { class: "bar" }, html("h2", {}, "Table"), find, type, html("label", {}, operators, " each operator"),
      copy("Copy CSV", csv), copy("Copy Markdown", markdown)),
    body);
  return () => {
    const types = typesOf(app);
    if (type.options.length !== types.length + 1) {
      type.replaceChildren(html("option", { value: "" }, "all types"), ...types.map((text) => html("option", {}, text)));
    }
    if (document.activeElement !== find) find.value = app.state.find;
    type.value = app.state.type;
    operators.checked = app.state.operators;
    redraw(body, ...app.models.map((model, n) => (model instanceof Model ? table(app, model, n) : null)));
    for (const one of body.querySelectorAll("tbody")) roving(one, "tr[data-key]", (key, item) => onTableKey(app, key, item));
  };
}

/** @param {App} app */
function typesOf(app) {
  const models = app.models.filter((model) => model instanceof Model);
  return [...new Set(models.flatMap((model) => model.form.kinds.map((kind) => model.text(kind.type))))].sort();
}

/**
 * @param {App} app
 * @param {string} key
 * @param {Element} item
 */
function onTableKey(app, key, item) {
  const [n, name] = (item.getAttribute("data-key") ?? "").split(/:(.*)/s);
  const open = item.getAttribute("aria-expanded");
  if (key === "Enter" || key === " ") choose(app, Number(n), item.getAttribute("data-part") ?? name);
  else if ((key === "ArrowRight" && open === "false") || (key === "ArrowLeft" && open === "true")) toggle(app, name);
  else if (key === "z" && open) zoomTo(app, name);
  else return false;
  return true;
}

/**
 * The entries in the order that the state asks for.
 * @param {App} app
 * @param {Counted} model
 * @returns {Entry[]}
 */
function entries(app, model) {
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
 * @param {Counted} model
 * @param {Part} part
 * @param {number} depth
 * @returns {Entry[]}
 */
function nested(app, model, part, depth) {
  const open = openIn(app, model.form);
  return children(model.form, part).flatMap((child) => {
    const [, first] = model.form.lines[child.first];
    const [, last, count] = model.form.lines[child.first + child.count - 1];
    const entry = { key: child.name, name: child.name, title: child.title, depth, block: child.box && child, line: child.first, first, count: last + count - first };
    if (child.box) return [entry, ...(open(child.name) ? nested(app, model, child, depth + 1) : [])];
    if (!app.state.operators || entry.count === 1) return [entry];
    return operatorsOf(model, child.first).map((one, n) => (n ? { ...one, depth: depth + 1, title: one.name.slice(child.name.length + 1) || one.name } : { ...one, depth, title: child.title }));
  });
}

/**
 * @param {Counted} model
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
 * @param {Counted} model
 * @param {Part} root
 * @param {boolean} operators
 * @returns {Entry[]}
 */
function flat(model, root, operators) {
  return model.form.lines.slice(root.first, root.first + root.count).flatMap(([name, first, count], n) =>
    operators ? operatorsOf(model, root.first + n) : [{ key: name, name, title: name, depth: 0, block: null, line: root.first + n, first, count }]);
}

/**
 * @param {Counted} model
 * @param {Entry[]} found
 * @param {string} sort
 */
function sorted(model, found, sort) {
  const down = sort.startsWith("-");
  const key = sort.replace("-", "");
  const value = (/** @type {Entry} */ one) => key === "name" ? one.name : key === "type" ? model.text(model.kind(one.first).type)
    : key === "field" ? fieldSize(model, one) : Number(costOf(model, key, one) ?? -1);
  const keyed = found.map((one) => ({ one, value: value(one) }));
  keyed.sort((a, b) => (a.value < b.value ? -1 : a.value > b.value ? 1 : 0) * (down ? -1 : 1));
  return keyed.map(({ one }) => one);
}

/**
 * @param {Counted} model
 * @param {Entry} entry
 */
function fieldSize(model, { first, count }) {
  const field = model.field(first + count - 1);
  return field === "global" ? Infinity : parseFloat(String(field ?? -1));
}

/**
 * @param {Counted} model
 * @param {string} metric
 * @param {Entry} entry
 */
function costOf(model, metric, { first, count }) {
  /** @type {import("./numbers.js").Count} */
  let sum = 0;
  for (let row = first; row < first + count; row++) sum = plus(sum, model.cost(metric, row));
  return sum;
}

/**
 * The columns: key to sort by, title, whether numbers.
 * @param {Counted} model
 * @returns {{key: string, title: string, number: boolean}[]}
 */
function columns(model) {
  const words = ["name", "type", "in", "out"].map((key) => ({ key: key === "in" || key === "out" ? "" : key, title: key === "name" ? "layer" : key, number: false }));
  return [...words, ...model.metrics.map(({ key, title }) => ({ key, title, number: true })), { key: "field", title: "field", number: true }];
}

/**
 * @param {Counted} model
 * @param {Entry} entry
 * @returns {Cell[]}
 */
function cells(model, entry) {
  const last = entry.first + entry.count - 1;
  const shapes = (/** @type {number[][]} */ all) => all.map((dims) => model.shape(dims)).join(", ");
  const reads = model.kind(entry.first).reads;
  const field = model.field(last) ?? "";
  const words = [
    entry.block ? `${entry.block.count} layers` : model.text(model.kind(entry.first).type),
    reads.length > 2 ? `${reads.length} tensors` : shapes(reads),
    shapes(model.kind(last).writes),
  ].map((text) => ({ text, value: text }));
  const costs = model.metrics.map(({ key }) => {
    const cost = costOf(model, key, entry);
    return { text: figure(key, cost), share: share(cost, model.total(key)), value: cost };
  });
  return [...words, ...costs, { text: typeof field === "number" ? digits(field) : field, value: field }];
}

/**
 * @param {App} app
 * @param {Counted} model
 * @param {number} n
 */
function table(app, model, n) {
  const found = entries(app, model);
  const drawn = all ? found : found.slice(0, MOST);
  const left = found.length - drawn.length;
  const plain = found.filter((one) => !one.block);
  const partial = app.state.find || app.state.type || app.state.zoom;
  const foot = [html("th", { scope: "row", colspan: 4 }, partial ? "these together" : "total"), ...model.metrics.map(({ key }) => {
    const total = partial && (app.state.find || app.state.type) ? plain.reduce((sum, one) => plus(sum, costOf(model, key, one)), /** @type {import("./numbers.js").Count} */ (0))
      : model.sum(key, shown(app, model.form).first, shown(app, model.form).count);
    return html("td", { class: "number" }, figure(key, total), html("small", {}, percent(total, model.total(key))));
  }), html("td", {})];
  return html("table", { "data-network": n },
    app.models.length > 1 && html("caption", {}, model.network.title),
    html("thead", {}, html("tr", {}, ...columns(model).map((column) => head(app, column)))),
    html("tbody", {}, ...drawn.map((entry) => line(app, model, n, entry)),
      left > 0 && html("tr", {}, html("td", { colspan: 9 }, html("button", { type: "button", onclick: () => { all = true; app.change({}); } }, `Show ${digits(left)} more`)))),
    html("tfoot", {}, html("tr", {}, ...foot)));
}

/**
 * @param {App} app
 * @param {{key: string, title: string, number: boolean}} column
 */
function head(app, { key, title, number }) {
  const { sort } = app.state;
  const order = sort === key ? "ascending" : sort === `-${key}` ? "descending" : "none";
  const next = number ? { none: `-${key}`, descending: key, ascending: "" } : { none: key, ascending: `-${key}`, descending: "" };
  const sign = { none: "", ascending: " ▲", descending: " ▼" }[order];
  return html("th", { scope: "col", class: number && "number", "aria-sort": order },
    key ? html("button", { type: "button", "data-key": `sort-${key}`, onclick: () => app.change({ sort: next[order] }) }, title, sign) : title);
}

/**
 * @param {App} app
 * @param {Counted} model
 * @param {number} n
 * @param {Entry} entry
 */
function line(app, model, n, entry) {
  const open = entry.block && openIn(app, model.form)(entry.name);
  const part = entry.block ? entry.name : model.form.lines[entry.line][0];
  const { chosen } = app.state;
  const mark = entry.block ? "" : app.marks[n].get(entry.line) ?? "";
  const sign = entry.block && html("span", { class: "fold", onclick: (/** @type {Event} */ event) => { event.stopPropagation(); toggle(app, entry.name); } }, open ? "▾" : "▸");
  const dot = !entry.block && html("i", { class: "dot", style: `--color: var(--family-${model.kind(entry.first).family})` });
  return html("tr", {
    class: `${entry.block ? "block" : ""} ${mark}`, "data-key": `${n}:${entry.key}`, "data-part": part,
    "aria-selected": String(chosen?.network === n && chosen.name === part), "aria-expanded": entry.block && String(open),
    onclick: () => choose(app, n, part),
  }, html("th", { scope: "row", style: `--depth: ${entry.depth}` }, sign, dot, entry.title),
  ...cells(model, entry).map((cell, at) => at < 3 ? html("td", {}, cell.text)
    : html("td", { class: "number", style: cell.share ? `--share: ${(cell.share * 100).toFixed(2)}%` : null }, cell.text)));
}

/**
 * What is copied: what the table shows, names in full, numbers bare; of several networks one below the other.
 * @param {App} app
 * @returns {import("./copy.js").Sheet}
 */
function sheet(app) {
  const models = app.models.filter((model) => model instanceof Model);
  const several = models.length > 1;
  const titles = models.length ? columns(models[0]).map(({ title }) => title) : [];
  return {
    head: several ? ["network", ...titles] : titles,
    numbers: several ? 5 : 4,
    rows: models.flatMap((model) => entries(app, model).map((entry) => [
      ...(several ? [model.network.name] : []), entry.name, ...cells(model, entry).map(({ value }) => String(value ?? "unknown")),
    ])),
  };
}

