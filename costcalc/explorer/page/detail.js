/**
 * The chosen layer or block: its rows, its formulas with the numbers put in, its shares.
 *
 * @typedef {import("./state.js").App} App
 * @typedef {import("./tree.js").Part} Part
 * @typedef {import("./model.js").Model} Counted
 */
import { openIn, toggle, zoomTo } from "./choose.js";
import { byId, html, redraw } from "./dom.js";
import { Model } from "./model.js";
import { digits, duration, percent } from "./numbers.js";
import { way } from "./tree.js";

/**
 * Draw what is chosen.
 * @param {App} app
 */
export function drawDetail(app) {
  const { chosen } = app.state;
  const model = chosen && app.models[chosen.network];
  const part = chosen && model instanceof Model ? way(model.form, chosen.name).pop() : undefined;
  if (!part || !(model instanceof Model)) {
    redraw(
      byId("detail"),
      html(
        "p",
        { class: "hint" },
        "Choose a layer or a block in the graph, the map or the table: its formulas and shares stand here.",
      ),
    );
    return;
  }
  redraw(
    byId("detail"),
    html(
      "div",
      { class: "bar" },
      html("h2", {}, part.name),
      part.box && actions(app, model, part),
      html(
        "button",
        { type: "button", "data-key": "close", "aria-label": "Close", onclick: () => app.change({ chosen: null }) },
        "×",
      ),
    ),
    shares(model, part),
    ...(part.box ? [] : rows(model, part)),
  );
}

/**
 * @param {App} app
 * @param {Counted} model
 * @param {Part} part
 */
function actions(app, model, part) {
  const open = openIn(app, model.form)(part.name);
  return html(
    "span",
    {},
    html(
      "button",
      { type: "button", "data-key": "fold", onclick: () => toggle(app, part.name) },
      open ? "Fold" : "Unfold",
    ),
    html("button", { type: "button", "data-key": "zoom", onclick: () => zoomTo(app, part.name) }, "Show alone"),
  );
}

/**
 * A figure of a metric: seconds for time.
 * @param {string} metric
 * @param {import("./numbers.js").Count} count
 */
export function figure(metric, count) {
  return metric === "time" ? duration(count) : digits(count);
}

/**
 * @param {Counted} model
 * @param {Part} part
 */
function shares(model, part) {
  return html(
    "dl",
    { class: "shares" },
    ...model.metrics.map(({ key, title }) => {
      const cost = model.sum(key, part.first, part.count);
      return html(
        "div",
        {},
        html("dt", {}, title),
        html("dd", {}, figure(key, cost), html("small", {}, ` ${percent(cost, model.total(key))}`)),
      );
    }),
  );
}

/**
 * @param {Counted} model
 * @param {Part} part
 */
function rows(model, part) {
  const [, first, count] = model.form.lines[part.first];
  return Array.from({ length: count }, (_, n) => row(model, first + n));
}

/**
 * A row as `costcalc explain` tells it.
 * @param {Counted} model
 * @param {number} at
 */
function row(model, at) {
  const kind = model.kind(at);
  const shapes = (/** @type {number[][]} */ all) => all.map((dims) => model.shape(dims)).join(", ");
  const field = model.field(at);
  const user = model.form.rows[at][4];
  const said = [
    kind.fields,
    field !== null && `receptive field ${field}`,
    kind.stated && "its numbers are stated by the spec",
    user >= 0 && `uses the weights of ${model.form.rows[user][0]}`,
  ];
  const first = at === model.head(model.form.rows[at][2]);
  const heading = html(
    "h3",
    {},
    html("i", { class: "dot", style: `--color: var(--family-${kind.family})` }),
    model.form.rows[at][0],
    html("small", {}, ` ${model.text(kind.type)}`),
  );
  return html(
    "details",
    { open: first },
    html("summary", {}, heading),
    html("p", {}, `${shapes(kind.reads)} → ${shapes(kind.writes)}`),
    html("p", { class: "fields" }, said.filter(Boolean).join(" · ")),
    html("ul", { class: "formulas" }, ...kind.formulas.map((one) => formula(model, kind, one))),
  );
}

/**
 * A formula, with the numbers put in for its letters.
 * @param {Counted} model
 * @param {import("./types.js").Kind} kind
 * @param {[name: number, text: number, value: number]} formula
 */
function formula(model, kind, [name, text, value]) {
  const letters = new Map(
    kind.letters.map(([letter, number]) => [model.text(letter), digits(model.number(number)).replaceAll(",", "")]),
  );
  const written = model.text(text);
  const put = written.replace(/[\p{L}_][\p{L}\p{N}_]*/gu, (word) => letters.get(word) ?? word);
  const result = digits(model.number(value));
  return html(
    "li",
    {},
    html("b", {}, model.text(name)),
    ` = ${written}`,
    put !== written && put !== result && html("span", {}, ` = ${put}`),
    written !== result && html("strong", {}, ` = ${result}`),
  );
}
