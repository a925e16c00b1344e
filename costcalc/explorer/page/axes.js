/**
 * A chart's frame: axes, ticks, and where a value stands.
 *
 * @typedef {Object} Axis
 * @property {number} least
 * @property {number} most
 * @property {string} title
 * @property {boolean} [log]
 * @property {(value: number) => string} [text]
 * @property {number[]} [ticks]
 */
import { svg } from "./dom.js";
import { brief } from "./numbers.js";

const EDGE = { left: 58, right: 12, top: 10, bottom: 34 };

/**
 * An empty chart.
 * @param {number} width
 * @param {number} height
 * @param {Axis} across
 * @param {Axis} up
 * @param {string} label  what it shows, in words
 */
export function chart(width, height, across, up, label) {
  const [right, bottom] = [width - EDGE.right, height - EDGE.bottom];
  const x = scale(across, EDGE.left, right);
  const y = scale(up, bottom, EDGE.top);
  const text = (/** @type {Axis} */ axis, /** @type {number} */ value) => (axis.text ?? brief)(value);
  const frame = svg(
    "g",
    { class: "axes" },
    ...ticks(up, (bottom - EDGE.top) / 45).flatMap((value) => [
      svg("line", { x1: EDGE.left, x2: right, y1: y(value), y2: y(value) }),
      svg("text", { x: EDGE.left - 6, y: y(value) + 3.5, "text-anchor": "end" }, text(up, value)),
    ]),
    ...ticks(across, (right - EDGE.left) / 70).map((value) =>
      svg("text", { x: x(value), y: bottom + 14, "text-anchor": "middle" }, text(across, value)),
    ),
    svg("text", { class: "axis", x: right, y: height - 4, "text-anchor": "end" }, across.title),
    svg("text", { class: "axis", x: EDGE.left + 4, y: EDGE.top + 8 }, up.title),
  );
  const picture = svg(
    "svg",
    { class: "chart", viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": label },
    frame,
  );
  return { picture, x, y, bottom };
}

/**
 * @param {Axis} axis
 * @param {number} from
 * @param {number} to
 * @returns {(value: number) => number}
 */
function scale({ least, most, log }, from, to) {
  const at = log ? Math.log : (/** @type {number} */ value) => value;
  const size = at(most) - at(least) || 1;
  return (value) => from + ((at(value) - at(least)) / size) * (to - from);
}

/**
 * About so many round values.
 * @param {Axis} axis
 * @param {number} many
 */
function ticks({ least, most, log, ticks: given }, many) {
  if (given) return given.filter((_, n) => n % Math.ceil(given.length / Math.max(1, many)) === 0);
  if (log) return decades(least, most);
  const rough = (most - least) / Math.max(1, many);
  const power = 10 ** Math.floor(Math.log10(rough || 1));
  const step = power * ([1, 2, 5, 10].find((one) => one * power >= rough) ?? 10);
  return Array.from(
    { length: Math.floor(most / step) - Math.ceil(least / step) + 1 },
    (_, n) => (Math.ceil(least / step) + n) * step,
  );
}

/**
 * @param {number} least
 * @param {number} most
 */
function decades(least, most) {
  const [from, to] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))];
  const step = Math.max(1, Math.ceil((to - from) / 6));
  const within = to - from > 2 ? [1] : [1, 2, 5];
  const all = Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, n) => 10 ** (from + n * step));
  return all.flatMap((power) => within.map((one) => one * power)).filter((value) => value >= least && value <= most);
}
