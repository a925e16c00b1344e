/**
 * The charts: cost over depth, memory over time, cost over a knob, roofline.
 *
 * @typedef {import("./state.js").App} App
 * @typedef {import("./model.js").Model} Counted
 */
import { byId, html, redraw, roving, svg } from "./dom.js";
import { chart } from "./axes.js";
import { pickable, shown } from "./choose.js";
import { drawCompared } from "./compared.js";
import { figure } from "./detail.js";
import { Model, modelOf } from "./model.js";
import { drawMemory } from "./memory.js";
import { percent } from "./numbers.js";
import { drawRoofline } from "./roofline.js";

/** @type {[key: string, title: string, draw: (app: App, model: Counted, n: number, width: number) => Node[]][]} */
const CHARTS = [
  ["depth", "Over depth", drawDepth],
  ["memory", "Memory over time", drawMemory],
  ["knob", "Over a knob", drawKnob],
  ["roofline", "Roofline", drawRoofline],
  ["compared", "Side by side", drawCompared],
];

/**
 * Draw the chart that is chosen, one a network.
 * @param {App} app
 */
export function drawCharts(app) {
  const host = byId("charts");
  const width = Math.max(280, app.width);
  const several = app.models.length > 1;
  const charts = CHARTS.filter(([key]) => several || key !== "compared");
  const [now, , draw] = charts.find(([key]) => key === app.state.chart) ?? charts[0];
  const tabs = html(
    "div",
    { class: "tabs", role: "tablist" },
    ...charts.map(([key, title]) =>
      html(
        "button",
        {
          type: "button",
          role: "tab",
          "data-key": `tab-${key}`,
          "aria-selected": String(key === now),
          onclick: () => app.change({ chart: key }),
        },
        title,
      ),
    ),
  );
  const pictures = app.models.flatMap((model, n) =>
    model instanceof Model
      ? [several && now !== "compared" && html("h3", {}, model.network.name), ...draw(app, model, n, width)]
      : [],
  );
  redraw(host, html("div", { class: "bar" }, html("h2", {}, "Charts"), tabs), ...pictures);
  for (const picture of host.querySelectorAll("svg"))
    roving(picture, "[data-part]", (key, item) => stepped(picture, key, item));
}

/**
 * @param {Element} picture
 * @param {string} key
 * @param {Element} item
 */
function stepped(picture, key, item) {
  if (key === "Enter" || key === " ") item.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  else if (key === "ArrowRight" || key === "ArrowLeft") {
    const all = [...picture.querySelectorAll("[data-part]")];
    const next = all[all.indexOf(item) + (key === "ArrowRight" ? 1 : -1)];
    if (next instanceof SVGElement) next.focus();
  } else return false;
  return true;
}

/** @param {App} app */
function metricOf({ state }, /** @type {Counted} */ model) {
  return model.metrics.find(({ key }) => key === state.metric) ?? model.metrics[1];
}

/**
 * Cost over depth: a bar a layer, and the sum so far; networks side by side on one scale.
 * @param {App} app
 * @param {Counted} model
 * @param {number} n
 * @param {number} width
 */
function drawDepth(app, model, n, width) {
  const { key, title } = metricOf(app, model);
  const bars = depth(app, model, key);
  const all = app.models.flatMap((one) => (one instanceof Model ? depth(app, one, key) : []));
  const most = 1.05 * Math.max(...all.map(({ size }) => size), 1e-12);
  const { picture, x, y, bottom } = chart(
    width,
    220,
    { least: 0, most: bars.length, title: "layers, in order", text: String },
    { least: 0, most, title, text: short(key) },
    `${title} of each layer, in order`,
  );
  const wide = Math.max(0.7, (x(1) - x(0)) * 0.86);
  const total = bars.reduce((sum, { size }) => sum + size, 0);
  const sizes = bars.map(({ size }) => size);
  picture.append(
    ...bars.map(({ name, size, fill, said }, at) =>
      svg(
        "rect",
        { ...pickable(app, n, name), x: x(at), width: wide, y: y(size), height: Math.max(0, bottom - y(size)), fill },
        svg("title", {}, `${name}: ${said}, ${percent(size, total)}`),
      ),
    ),
    svg("path", { class: "sum", d: running(sizes, x, (part) => bottom - part * (bottom - y(most))) }),
  );
  const said = `Bars: ${title} of each layer, in the colour of its type. Line: the sum so far, from 0 to 100%.`;
  return [picture, html("p", { class: "small" }, said)];
}

/**
 * The bars of the block that is shown.
 * @param {App} app
 * @param {Counted} model
 * @param {string} key
 */
function depth(app, model, key) {
  const { first, count } = shown(app, model.form);
  return model.form.lines.slice(first, first + count).map(([name, row], at) => {
    const cost = model.sum(key, first + at, 1);
    return { name, size: Number(cost ?? 0), said: figure(key, cost), fill: `var(--family-${model.kind(row).family})` };
  });
}

/**
 * @param {number[]} costs
 * @param {(value: number) => number} x
 * @param {(share: number) => number} y
 */
function running(costs, x, y) {
  const total = costs.reduce((sum, cost) => sum + cost, 0) || 1;
  let sum = 0;
  return `M${x(0)},${y(0)}${costs.map((cost, at) => `L${x(at + 1).toFixed(1)},${y((sum += cost) / total).toFixed(1)}`).join("")}`;
}

/**
 * How an axis writes a metric.
 * @param {string} key
 */
function short(key) {
  return key === "time" ? (/** @type {number} */ value) => `${Number((value * 1e3).toPrecision(3))} ms` : undefined;
}

/**
 * Each total over a knob, where the knob stands marked.
 * @param {App} app
 * @param {Counted} model
 * @param {number} _
 * @param {number} width
 */
function drawKnob(app, model, _, width) {
  const { sliders } = model.network;
  if (!sliders.length)
    return [html("p", { class: "hint" }, "This network has no knob that leaves its structure as it is.")];
  const at = Math.min(app.state.knob, sliders.length - 1);
  const select = html(
    "select",
    { "aria-label": "knob", "data-key": "curve-knob", onchange: () => app.change({ knob: Number(select.value) }) },
    ...sliders.map((knob, k) => html("option", { value: k, selected: k === at }, knob.name)),
  );
  const models = sliders[at].values.map((__, place) =>
    modelOf(
      app.page,
      model.network,
      { ...model.setting, places: model.setting.places.with(at, place) },
      model.counting,
    ),
  );
  /** @type {[string, string, (one: Counted) => import("./numbers.js").Count][]} */
  const curves = model.metrics.map(({ key, title }) => [key, title, (one) => one.total(key)]);
  curves.push(["memory", "Peak memory, bytes", (one) => one.peak]);
  const each = width > 560 ? (width - 12) / 2 : width;
  return [
    html("label", { class: "small" }, "over ", select),
    html(
      "div",
      { class: "curves" },
      ...curves.map(([key, title, read]) => knobCurve(model, at, models, key, title, read, each)),
    ),
  ];
}

/**
 * @param {Counted} model
 * @param {number} at
 * @param {(Counted | string)[]} models   at each place of the knob
 * @param {string} key
 * @param {string} title
 * @param {(one: Counted) => import("./numbers.js").Count} read
 * @param {number} width
 */
function knobCurve(model, at, models, key, title, read, width) {
  const knob = model.network.sliders[at];
  const numeric = knob.values.every((value) => typeof value === "number");
  const places = knob.values.map((value, n) => (numeric ? Number(value) : n));
  const values = models.map((one) => (one instanceof Model ? read(one) : null));
  const most = Math.max(...values.map((value) => Number(value ?? 0)), 1e-12);
  const { picture, x, y, bottom } = chart(
    width,
    160,
    {
      least: Math.min(...places),
      most: Math.max(...places),
      title: knob.name,
      text: (value) => (numeric ? String(value) : knob.labels[value]),
      ticks: places,
    },
    { least: 0, most: most * 1.1, title, text: short(key) },
    `${title} over ${knob.name}`,
  );
  const path = values
    .map((value, n) =>
      value === null
        ? ""
        : `${n && values[n - 1] !== null ? "L" : "M"}${x(places[n]).toFixed(1)},${y(Number(value)).toFixed(1)}`,
    )
    .join("");
  const now = model.setting.places[at];
  const [left, top] = [x(places[now]), y(Number(values[now] ?? 0))];
  picture.append(
    svg("path", { class: "curve", d: path }),
    svg("line", { class: "now", x1: left, x2: left, y1: top, y2: bottom }),
    svg("circle", { class: "now", cx: left, cy: top, r: 4 }),
    svg(
      "text",
      {
        class: "now",
        x: left,
        y: Math.max(30, top - 8),
        "text-anchor": places[now] > (places[0] + places[places.length - 1]) / 2 ? "end" : "start",
      },
      figure(key, values[now]),
    ),
  );
  return picture;
}
