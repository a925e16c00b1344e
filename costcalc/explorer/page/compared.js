/**
 * Networks side by side: the lines of the first beside those of another that do or cost something else.
 *
 * @typedef {import("./state.js").App} App
 * @typedef {import("./model.js").Model} Counted
 */
import { choose } from "./choose.js";
import { figure } from "./detail.js";
import { pairs, same } from "./differences.js";
import { html } from "./dom.js";
import { Model } from "./model.js";
import { digits, plus, times } from "./numbers.js";

/**
 * @param {App} app
 * @param {Counted} model
 * @param {number} n
 * @returns {Node[]}
 */
export function drawCompared(app, model, n) {
  const first = app.models[0];
  if (!n || !(first instanceof Model)) return [];
  const all = pairs(app, n);
  const found = all.filter(([one, other]) => one < 0 || other < 0 || !same(first, one, model, other));
  const { key, title } = model.metrics.find((one) => one.key === app.state.metric) ?? model.metrics[1];
  const lines = found.map(([one, other]) => {
    const apart = difference(key, cost(first, one, key), cost(model, other, key));
    const sides = [...side(app, first, 0, one, key), ...side(app, model, n, other, key)];
    return html("tr", {}, ...sides, html("td", { class: "number" }, apart));
  });
  const said = `${digits(all.length - found.length)} lines are the same, ${digits(found.length)} are not:`;
  const names = [first, model].map(({ network }) => html("th", { colspan: 3 }, network.name));
  return [
    html("p", { class: "small" }, said),
    html(
      "div",
      { class: "frame compared", tabindex: 0 },
      html(
        "table",
        {},
        html("thead", {}, html("tr", {}, ...names, html("th", {})), titles(title)),
        html("tbody", {}, ...lines),
      ),
    ),
  ];
}

/**
 * The columns of both sides, and what is between them.
 * @param {string} title  of the metric
 */
function titles(title) {
  const half = () => [
    html("th", { scope: "col" }, "layer"),
    html("th", { scope: "col" }, "output"),
    html("th", { scope: "col", class: "number" }, title),
  ];
  return html("tr", {}, ...half(), ...half(), html("th", { scope: "col", class: "number" }, "difference"));
}

/**
 * @param {Counted} model
 * @param {number} line
 * @param {string} metric
 */
function cost(model, line, metric) {
  return line < 0 ? 0 : model.sum(metric, line, 1);
}

/**
 * A line as one of the two has it; a dash where it has none.
 * @param {App} app
 * @param {Counted} model
 * @param {number} n
 * @param {number} line
 * @param {string} metric
 */
function side(app, model, n, line, metric) {
  if (line < 0) return [html("td", { colspan: 3, class: "none" }, "–")];
  const [name, row, count] = model.form.lines[line];
  const kind = model.kind(row);
  const outputs = model
    .kind(row + count - 1)
    .writes.map((dims) => model.shape(dims))
    .join(", ");
  const button = html(
    "button",
    { type: "button", "data-key": `compared-${n}/${name}`, onclick: () => choose(app, n, name) },
    name,
  );
  return [
    html(
      "td",
      {},
      html("i", { class: "dot", style: `--color: var(--family-${kind.family})` }),
      button,
      html("small", {}, ` ${model.text(kind.type)}`),
    ),
    html("td", {}, outputs),
    html("td", { class: "number" }, figure(metric, model.sum(metric, line, 1))),
  ];
}

/**
 * How much the other costs more, or less.
 * @param {string} metric
 * @param {import("./numbers.js").Count} one
 * @param {import("./numbers.js").Count} other
 */
function difference(metric, one, other) {
  const less = Number(other) < Number(one);
  const apart = less ? plus(one, times(other, -1)) : plus(other, times(one, -1));
  return `${apart === null ? "" : less ? "−" : "+"}${figure(metric, apart)}`;
}
