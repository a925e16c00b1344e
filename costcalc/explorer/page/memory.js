/**
 * Memory over time: what is alive while each row runs.
 *
 * @typedef {import("./state.js").App} App
 * @typedef {import("./model.js").Model} Counted
 * @typedef {{name: string, from: number, to: number, low: number, bytes: number, family: number}} Block   a tensor where it lies, `to` left out
 */
import { chart } from "./axes.js";
import { pickable } from "./choose.js";
import { html, svg } from "./dom.js";
import { digits } from "./numbers.js";

const LISTED = 8;

/**
 * @param {App} app
 * @param {Counted} model
 * @param {number} n
 * @param {number} width
 */
export function drawMemory(app, model, n, width) {
  const alive = model.memory.map((bytes) => Number(bytes ?? 0));
  const most = Math.max(...alive, 1);
  const { picture, x, y, bottom } = chart(
    width,
    220,
    { least: 0, most: alive.length, title: "operators, in order", text: String },
    { least: 0, most: most * 1.1, title: "bytes alive" },
    "Bytes alive while each operator runs",
  );
  picture.append(
    ...stacked(model).map(({ name, from, to, low, bytes, family }) =>
      svg(
        "rect",
        {
          class: "alive",
          x: x(from),
          width: Math.max(0.5, x(to) - x(from)),
          y: y(low + bytes),
          height: Math.max(0, y(low) - y(low + bytes)),
          fill: `var(--family-${family})`,
        },
        svg("title", {}, `${name}: ${digits(bytes)} bytes`),
      ),
    ),
  );
  const outline = alive
    .map((bytes, row) => `${row ? "L" : "M"}${x(row).toFixed(1)},${y(bytes).toFixed(1)}H${x(row + 1).toFixed(1)}`)
    .join("");
  const { chosen } = app.state;
  const picked = chosen?.network === n ? model.form.lines.find(([name]) => name === chosen.name) : undefined;
  const row = picked ? worst(alive, picked[1], picked[2]) : model.peakRow;
  picture.append(
    svg("path", { class: "curve", d: outline }),
    svg("line", { class: "now", x1: x(row + 0.5), x2: x(row + 0.5), y1: y(alive[row] ?? 0), y2: bottom }),
    svg("circle", { class: "now", cx: x(row + 0.5), cy: y(alive[row] ?? 0), r: 4 }),
    ...model.form.lines.map(([name, first, count]) =>
      svg("rect", {
        class: "moment",
        ...pickable(app, n, name),
        x: x(first),
        width: x(first + count) - x(first),
        y: 10,
        height: bottom - 10,
      }),
    ),
  );
  return [picture, said(model, row)];
}

/**
 * @param {number[]} alive
 * @param {number} first
 * @param {number} count
 */
function worst(alive, first, count) {
  let best = first;
  for (let row = first; row < first + count; row++) if (alive[row] > alive[best]) best = row;
  return best;
}

/**
 * What is alive at a row.
 * @param {Counted} model
 * @param {number} row
 */
function said(model, row) {
  const found = model.aliveAt(row);
  const rest = found.slice(LISTED).reduce((sum, { bytes }) => sum + Number(bytes ?? 0), 0);
  return html(
    "div",
    { class: "small" },
    html(
      "p",
      {},
      `${row === model.peakRow ? "The peak" : "While it runs"}, at ${model.form.rows[row]?.[0]}: ${digits(model.memory[row] ?? null)} bytes alive. `,
      model.network.memory.says,
    ),
    html(
      "ul",
      { class: "alive" },
      ...found.slice(0, LISTED).map(({ name, bytes }) => html("li", {}, name, html("small", {}, digits(bytes)))),
      rest > 0 && html("li", {}, `${found.length - LISTED} more`, html("small", {}, digits(rest))),
    ),
  );
}

/**
 * Tensors on each other in the order they were made; one that is freed lets those above it sink.
 * @param {Counted} model
 * @returns {Block[]}
 */
function stacked(model) {
  const { storages } = model.form.memory;
  const rows = model.form.rows.length;
  const tensors = storages
    .map(([elements, bits, maker, first, last]) => ({
      first,
      last,
      bytes: Number(model.bytes(elements, bits) ?? 0),
      name: maker < 0 ? model.form.inputs[-1 - maker][0] : model.form.rows[maker][0],
      family: maker < 0 ? 0 : model.kind(maker).family,
      from: -1,
      low: 0,
    }))
    .sort((a, b) => a.first - b.first);
  /** @type {Block[]} */
  const blocks = [];
  /** @type {typeof tensors} */
  let alive = [];
  let next = 0;
  const end = (/** @type {typeof tensors[0]} */ one, /** @type {number} */ row) => {
    if (one.from >= 0 && one.bytes) blocks.push({ ...one, to: row });
  };
  for (let row = 0; row < rows; row++) {
    for (const one of alive) if (one.last < row) end(one, row);
    alive = alive.filter((one) => one.last >= row);
    while (next < tensors.length && tensors[next].first <= row) alive.push(tensors[next++]);
    let low = 0;
    for (const one of alive) {
      if (one.from < 0 || one.low !== low) {
        end(one, row);
        Object.assign(one, { from: row, low });
      }
      low += one.bytes;
    }
  }
  for (const one of alive) end(one, rows);
  return blocks;
}
