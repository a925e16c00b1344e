/**
 * The roofline (Williams et al. 2009): what a device attains at each layer's MACs a byte.
 *
 * @typedef {import("./state.js").App} App
 * @typedef {import("./model.js").Model} Counted
 * @typedef {{line: number, intensity: number, rate: number, seconds: number}} Point
 */
import { chart } from "./axes.js";
import { pickable } from "./choose.js";
import { html, svg } from "./dom.js";
import { brief, duration } from "./numbers.js";

const ROOFS = ["dense", "grouped", "depthwise"];

/**
 * @param {App} app
 * @param {Counted} model
 * @param {number} n
 * @param {number} width
 */
export function drawRoofline(app, model, n, width) {
  const { rates } = model;
  if (!rates) return [html("p", { class: "hint" }, "Choose a device above: layers stand under its roofs.")];
  const points = model.form.lines.map((_, line) => point(model, line)).filter((one) => one !== null);
  if (!points.length) return [html("p", { class: "hint" }, "No layer of this network multiplies.")];
  const top = Math.max(...rates.rate);
  const spread = points.map(({ intensity }) => intensity);
  const ridge = rates.bandwidth === null ? Math.min(...spread) : top / rates.bandwidth;
  const [least, most] = [Math.min(...spread, ridge) / 2, Math.max(...spread, ridge) * 2];
  const low = Math.min(...points.map(({ rate }) => rate), top) / 2;
  const { picture, x, y } = chart(
    width,
    280,
    { least, most, title: "MACs a byte", log: true },
    { least: low, most: top * 2, title: "MACs a second", log: true },
    `Roofline of ${rates.title}`,
  );
  const longest = Math.max(...points.map(({ seconds }) => seconds));
  picture.append(
    ...roofs(rates, least, most, low, x, y),
    ...points
      .sort((a, b) => b.seconds - a.seconds)
      .map((one) => dot(app, model, n, one, x(one.intensity), y(one.rate), longest)),
  );
  const where = rates.bandwidth === null ? "" : ` The ridge is at ${brief(ridge)} MACs a byte.`;
  return [
    picture,
    html(
      "p",
      { class: "small" },
      `${rates.title}, ${rates.dtype}, batch ${model.counting.batch}. Areas: time.${where} ${rates.bounded ? "A layer is not faster than this." : ""}`,
    ),
  ];
}

/**
 * A layer under the roofs, its area its time.
 * @param {App} app
 * @param {Counted} model
 * @param {number} n
 * @param {Point} point
 * @param {number} cx
 * @param {number} cy
 * @param {number} longest
 */
function dot(app, model, n, { line: at, intensity, rate, seconds }, cx, cy, longest) {
  const name = model.form.lines[at][0];
  const r = 3 + 9 * Math.sqrt(seconds / longest);
  const fill = `var(--family-${model.kind(model.head(at)).family})`;
  const said = `${name}: ${brief(intensity)} MACs a byte, ${brief(rate)} MACs a second, ${duration(seconds)}`;
  return svg("circle", { class: "point", ...pickable(app, n, name), cx, cy, r, fill }, svg("title", {}, said));
}

/**
 * @param {Counted} model
 * @param {number} line
 * @returns {Point | null}
 */
function point(model, line) {
  const [, first, count] = model.form.lines[line];
  let [macs, bytes, seconds] = [0, 0, 0];
  for (let row = first; row < first + count; row++) {
    const kind = model.kind(row);
    macs += (model.number(kind.macs) ?? 0) * model.counting.batch;
    bytes += model.traffic(kind) ?? 0;
    seconds += Number(model.cost("time", row) ?? 0);
  }
  return macs && bytes && seconds ? { line, intensity: macs / bytes, rate: macs / seconds, seconds } : null;
}

/**
 * The slope of the memory, and the roof of each kind of arithmetic that has its own.
 * @param {import("./types.js").Rates} rates
 * @param {number} least
 * @param {number} most
 * @param {number} low
 * @param {(value: number) => number} x
 * @param {(value: number) => number} y
 */
function roofs({ rate, bandwidth }, least, most, low, x, y) {
  return [...new Set(rate)].flatMap((roof) => {
    const ridge = bandwidth === null ? least : roof / bandwidth;
    const start = bandwidth === null ? least : Math.max(least, low / bandwidth);
    const from = bandwidth === null ? roof : Math.min(roof, start * bandwidth);
    const names = rate.every((one) => one === roof) ? "peak" : ROOFS.filter((_, at) => rate[at] === roof).join(", ");
    return [
      svg("path", { class: "roof", d: `M${x(start)},${y(from)}L${x(Math.max(ridge, start))},${y(roof)}H${x(most)}` }),
      svg("text", { class: "roof", x: x(most) - 4, y: y(roof) - 5, "text-anchor": "end" }, `${names} ${brief(roof)}`),
    ];
  });
}
