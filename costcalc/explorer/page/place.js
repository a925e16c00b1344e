/**
 * Where a graph's boxes and edges stand. A block's items stand on a grid of ranks and lanes, which is stretched where a
 * block is unfolded in its place.
 *
 * @typedef {import("./types.js").Form} Form
 * @typedef {import("./types.js").Layout} Layout
 * @typedef {import("./types.js").Edge} Edge
 * @typedef {import("./tree.js").Part} Part
 *
 * @typedef {[x: number, y: number]} Point
 * @typedef {Object} Wire
 * @property {Point[]} points
 * @property {number} row      what it carries: writes[part] of the row, or the input -1 - row
 * @property {number} part
 * @property {boolean} labelled  whether its shape stands at it: once for all that carry the same from an item
 * @property {Point} label       where
 *
 * @typedef {Object} Drawing   a block's inside
 * @property {Placed[]} items
 * @property {Wire[]} wires
 * @property {number} width
 * @property {number} height
 * @property {Map<string, number>} into   where tensors enter and leave, from its left
 * @property {Map<string, number>} out
 *
 * @typedef {{part: Part, x: number, y: number, width: number, height: number, inside: Drawing | null}} Placed
 */
import { items } from "./tree.js";

export const ITEM = { width: 176, height: 38 };
const SIDE = 20; // between neighbours
const GAP = 30; // between ranks, for edges and their shapes
const HEAD = 8; // of an unfolded block, for its name
const WIRE = 12;

/**
 * Draw a block's items, those that are open with their own inside.
 * @param {Form} form
 * @param {Part} part
 * @param {(name: string) => boolean} open
 * @param {boolean} [root]
 * @returns {Drawing}
 */
export function drawing(form, part, open, root = true) {
  const layout = /** @type {NonNullable<Part["box"]>} */ (part.box).layout;
  const found = items(form, part).map((item) => {
    const inside = item.box && open(item.name) ? drawing(form, item, open, false) : null;
    return {
      part: item,
      x: 0,
      y: 0,
      width: inside?.width ?? ITEM.width,
      height: inside?.height ?? ITEM.height,
      inside,
    };
  });
  const ranks = down(layout, found, root ? 0 : HEAD);
  const lanes = across(layout, found);
  found.forEach((item, n) => {
    const [rank, lane] = layout.at[n];
    item.x = lanes.at(lane) - item.width / 2;
    item.y = (ranks.top[rank] + ranks.bottom[rank] - item.height) / 2;
  });
  const size = { width: lanes.width + 2 * SIDE, height: ranks.height };
  for (const item of found) item.x += SIDE;
  return { items: found, ...size, ...wired(layout, found, ranks, (lane) => lanes.at(lane) + SIDE) };
}

/**
 * Where ranks begin and end.
 * @param {Layout} layout
 * @param {Placed[]} found
 * @param {number} head
 */
function down(layout, found, head) {
  const heights = Array.from({ length: layout.ranks }, () => 0);
  found.forEach(({ height }, n) => {
    heights[layout.at[n][0]] = Math.max(heights[layout.at[n][0]], height);
  });
  let y = head + GAP;
  const top = heights.map((height) => {
    y += height + GAP;
    return y - height - GAP;
  });
  return { top, bottom: top.map((at, n) => at + heights[n]), height: y - (head ? GAP / 2 : 0) };
}

/**
 * The ranks that an edge passes, and the lane at each.
 * @param {Layout} layout
 * @param {Edge} edge
 * @returns {[rank: number, lane: number][]}
 */
function passes(layout, [from, to, , , chain]) {
  const first = from < 0 ? 0 : layout.at[from][0] + 1;
  const last = to < 0 ? layout.ranks : layout.at[to][0];
  const lanes = layout.chains[chain] ?? [];
  return lanes.slice(0, Math.max(last - first, 0)).map((lane, n) => [first + n, lane]);
}

/**
 * Where lanes stand, between as far left and as far right as neighbours let them: the mean keeps all distances.
 * @param {Layout} layout
 * @param {Placed[]} found
 */
function across(layout, found) {
  /** @type {Map<number, number>[]} */
  const widths = Array.from({ length: layout.ranks }, () => new Map());
  const take = (/** @type {number} */ rank, /** @type {number} */ lane, /** @type {number} */ width) =>
    widths[rank]?.set(lane, Math.max(widths[rank].get(lane) ?? 0, width));
  found.forEach(({ width }, n) => take(...layout.at[n], width));
  for (const edge of layout.edges) for (const [rank, lane] of passes(layout, edge)) take(rank, lane, WIRE);
  /** @type {Map<number, number>} */
  const half = new Map();
  /** @type {[left: number, right: number, distance: number][]} */
  const apart = [];
  for (const rank of widths) {
    const row = [...rank].sort(([a], [b]) => a - b);
    row.forEach(([lane, width], n) => {
      half.set(lane, Math.max(half.get(lane) ?? 0, width / 2));
      if (n) apart.push([row[n - 1][0], lane, (row[n - 1][1] + width) / 2 + SIDE]);
    });
  }
  const lanes = [...half.keys()].sort((a, b) => a - b);
  const least = new Map(half);
  const pushed = Map.groupBy(apart, ([, right]) => right);
  for (const lane of lanes) {
    for (const [left, , far] of pushed.get(lane) ?? [])
      least.set(lane, Math.max(get(least, lane), get(least, left) + far));
  }
  const width = Math.max(...lanes.map((lane) => get(least, lane) + get(half, lane)));
  const most = new Map(lanes.map((lane) => [lane, width - get(half, lane)]));
  const pulled = Map.groupBy(apart, ([left]) => left);
  for (const lane of lanes.toReversed()) {
    for (const [, right, far] of pulled.get(lane) ?? [])
      most.set(lane, Math.min(get(most, lane), get(most, right) - far));
  }
  return { width, at: (/** @type {number} */ lane) => (get(least, lane) + get(most, lane)) / 2 };
}

/**
 * @param {Map<number, number>} map
 * @param {number} key
 */
function get(map, key) {
  return map.get(key) ?? 0;
}

/**
 * The edges, and where they cross the block's border: one tensor at one place.
 * @param {Layout} layout
 * @param {Placed[]} found
 * @param {{top: number[], bottom: number[], height: number}} ranks
 * @param {(lane: number) => number} at
 * @returns {{wires: Wire[], into: Map<string, number>, out: Map<string, number>}}
 */
function wired(layout, found, ranks, at) {
  /** @type {Map<string, number>} */
  const into = new Map();
  /** @type {Map<string, number>} */
  const out = new Map();
  const said = new Set();
  const wires = layout.edges.map((edge) => {
    const [from, to, row, part] = edge;
    const key = `${row}/${part}`;
    const between = passes(layout, edge).flatMap(([rank, lane]) =>
      straight(at(lane), ranks.top[rank], ranks.bottom[rank]),
    );
    const start = from < 0 ? between : leaving(found[from], key, ranks.bottom[layout.at[from][0]]).concat(between);
    const points = to < 0 ? start : start.concat(entering(found[to], key, ranks.top[layout.at[to][0]]));
    if (from < 0) points.unshift([crossing(into, key, points[0]), 0]);
    if (to < 0) points.push([crossing(out, key, points[points.length - 1]), ranks.height]);
    const labelled = to >= 0 && !said.has(`${from} ${key}`);
    if (labelled) said.add(`${from} ${key}`);
    return { points, row, part, labelled, label: label(layout, from, points) };
  });
  return { wires, into, out };
}

/**
 * Where a tensor crosses the block's border: where its first edge does.
 * @param {Map<string, number>} doors
 * @param {string} key
 * @param {Point} point
 */
function crossing(doors, key, [x]) {
  const right = doors.get(key) ?? x;
  doors.set(key, right);
  return right;
}

/**
 * Where an edge's shape stands: at its start, of an item that several tensors leave at its end.
 * @param {Layout} layout
 * @param {number} from
 * @param {Point[]} points
 * @returns {Point}
 */
function label({ edges }, from, points) {
  const tensors = new Set(edges.filter(([one]) => one === from).map(([, , row, part]) => `${row}/${part}`));
  const [x, y] = tensors.size > 1 ? points[points.length - 1] : points[0];
  return [x + 5, tensors.size > 1 ? y - 4 : y + 12];
}

/**
 * @param {number} x
 * @param {number} top
 * @param {number} bottom
 * @returns {Point[]}
 */
function straight(x, top, bottom) {
  return top < bottom
    ? [
        [x, top],
        [x, bottom],
      ]
    : [[x, bottom]];
}

/**
 * Where an edge ends at an item: it turns above the rank, not beside neighbours that are taller.
 * @param {Placed} item
 * @param {string} key
 * @param {number} top  of the rank
 * @returns {Point[]}
 */
function entering({ x, y, width, inside }, key, top) {
  return straight(x + door(inside?.into, key, width), Math.min(top, y), y);
}

/**
 * Where an edge begins at an item.
 * @param {Placed} item
 * @param {string} key
 * @param {number} bottom  of the rank
 * @returns {Point[]}
 */
function leaving({ x, y, width, height, inside }, key, bottom) {
  return straight(x + door(inside?.out, key, width), y + height, Math.max(bottom, y + height));
}

/**
 * Where a tensor crosses an item's border; of equal blocks that are drawn as one the last writes, which has no door.
 * @param {Map<string, number> | undefined} doors
 * @param {string} key
 * @param {number} width
 */
function door(doors, key, width) {
  return doors?.get(key) ?? (doors?.size === 1 ? [...doors.values()][0] : width / 2);
}

/**
 * A line through points that turns in curves.
 * @param {Point[]} points
 */
export function curve([[x, y], ...rest]) {
  let path = `M${x},${y}`;
  let before = [x, y];
  for (const [right, bottom] of rest) {
    const middle = (before[1] + bottom) / 2;
    path += right === before[0] ? `V${bottom}` : `C${before[0]},${middle} ${right},${middle} ${right},${bottom}`;
    before = [right, bottom];
  }
  return path;
}
