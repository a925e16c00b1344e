/**
 * Exact numbers: sums of products of vectors where the sliders stand. What outgrows 2^53 goes on as a BigInt.
 *
 * @typedef {import("./types.js").Num} Num
 * @typedef {import("./types.js").Vector} Vector
 * @typedef {number | bigint | null} Count   null: nobody knows
 */

/**
 * A vector's value.
 * @param {Vector} vector
 * @param {number[]} places  of each slider
 * @param {number[]} sizes   how many places each slider has
 */
function component([axis, values], places, sizes) {
  if (!Array.isArray(axis)) return values[places[axis]];
  return values[axis.reduce((at, one) => at * sizes[one] + places[one], 0)];
}

/**
 * A number where the sliders stand.
 * @param {Num} num
 * @param {Vector[]} vectors
 * @param {number[]} places
 * @param {number[]} sizes
 * @returns {number | null}
 */
export function evaluated(num, vectors, places, sizes) {
  if (!Array.isArray(num)) return num;
  let sum = 0;
  for (const [coefficient, ...factors] of num) {
    sum += factors.reduce((product, factor) => product * component(vectors[factor], places, sizes), coefficient);
  }
  if (!Number.isSafeInteger(sum)) throw new RangeError("a number of the page is not whole below 2^53");
  return sum;
}

/**
 * @param {bigint} value
 * @returns {number | bigint}
 */
function small(value) {
  return value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER ? Number(value) : value;
}

/**
 * @param {Count} left
 * @param {Count} right
 * @returns {Count}
 */
export function plus(left, right) {
  if (left === null || right === null) return null;
  if (typeof left === "number" && typeof right === "number") {
    const sum = left + right;
    if (Number.isSafeInteger(sum) || !Number.isInteger(sum)) return sum;
  }
  return small(BigInt(left) + BigInt(right));
}

/**
 * @param {Count} left
 * @param {number} right
 * @returns {Count}
 */
export function times(left, right) {
  if (left === null) return null;
  if (typeof left === "number" && Number.isSafeInteger(left * right)) return left * right;
  return small(BigInt(left) * BigInt(right));
}

/**
 * Bytes of so many elements: whole bytes.
 * @param {Count} elements
 * @param {number} bits
 */
export function bytesOf(elements, bits) {
  const total = times(elements, bits);
  if (total === null) return null;
  return typeof total === "number" ? Math.ceil(total / 8) : small((total + 7n) / 8n);
}

/**
 * A count in full: 25,557,032.
 * @param {Count} count
 */
export function digits(count) {
  return count === null ? "unknown" : count.toLocaleString("en-US");
}

/** @type {[number, string][]} */
const UNITS = [
  [1e15, "P"],
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "K"],
];

/**
 * A count in few digits: 25.6 M.
 * @param {Count} count
 */
export function brief(count) {
  if (count === null) return "?";
  const value = Number(count);
  const [size, unit] = UNITS.find(([least]) => Math.abs(value) >= least) ?? [1, ""];
  return `${Number((value / size).toPrecision(3))}${unit && ` ${unit}`}`;
}

/**
 * A share of a whole: 2.8%.
 * @param {Count} part
 * @param {Count} whole
 */
export function percent(part, whole) {
  if (part === null || whole === null) return "?";
  const value = share(part, whole) * 100;
  return value > 0 && value < 0.1
    ? "<0.1%"
    : `${value === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)}%`;
}

/**
 * @param {Count} part
 * @param {Count} whole
 */
export function share(part, whole) {
  return part === null || !whole ? 0 : Number(part) / Number(whole);
}

/**
 * How many times one is the other: ×0.53.
 * @param {Count} count
 * @param {Count} other
 */
export function ratio(count, other) {
  if (count === null || !other || count === other) return "";
  const value = Number(count) / Number(other);
  return `×${value >= 1000 ? Math.round(value).toLocaleString("en-US") : Number(value.toPrecision(value >= 1 ? 4 : 3))}`;
}

/**
 * Seconds, to four digits.
 * @param {Count} seconds
 */
export function duration(seconds) {
  if (seconds === null) return "unknown";
  const value = Number(seconds);
  if (value === 0) return "0 ms";
  const [size, unit] = value < 1e-3 ? [1e-6, "µs"] : value < 1 ? [1e-3, "ms"] : [1, "s"];
  return `${(value / size).toPrecision(4)} ${unit}`;
}
