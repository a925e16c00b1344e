/**
 * The network as a tree of blocks and lines. A block is named by its path; of equal blocks that follow each other the
 * graph shows the first, and table and map all.
 *
 * @typedef {import("./types.js").Box} Box
 * @typedef {import("./types.js").Form} Form
 *
 * @typedef {Object} Part
 * @property {string} name       the path
 * @property {string} title      its last part
 * @property {number} first      its lines
 * @property {number} count
 * @property {Box | null} box    none: a line
 * @property {number} offset     how many lines later it stands than `box` says
 */

/**
 * The whole network.
 * @param {Form} form
 * @returns {Part}
 */
export function whole({ graph, lines }) {
  return { name: "", title: graph.title, first: 0, count: lines.length, box: graph, offset: 0 };
}

/**
 * @param {Form} form
 * @param {Box} box
 * @param {number} offset
 * @returns {Part}
 */
export function blockOf(form, box, offset) {
  const [first, count] = box.lines;
  const parts = form.lines[first + offset][0].split("/").slice(0, box.name.split("/").length);
  const title = box.times || !offset ? box.title : parts[parts.length - 1];
  return { name: offset ? parts.join("/") : box.name, title, first: first + offset, count, box, offset };
}

/**
 * @param {Form} form
 * @param {number} line
 * @param {string} above  the path of its block
 * @returns {Part}
 */
export function lineOf(form, line, above) {
  const name = form.lines[line][0];
  const title = above && name.startsWith(`${above}/`) ? name.slice(above.length + 1) : name;
  return { name, title, first: line, count: 1, box: null, offset: 0 };
}

/**
 * What a block's items are, of equal blocks one for all.
 * @param {Form} form
 * @param {Part} part
 * @returns {Part[]}
 */
export function items(form, { name, box, offset }) {
  return (box?.items ?? []).map((item) =>
    typeof item === "number" ? lineOf(form, item + offset, name) : blockOf(form, item, offset),
  );
}

/**
 * What a block's items are, equal blocks each by itself.
 * @param {Form} form
 * @param {Part} part
 * @returns {Part[]}
 */
export function children(form, part) {
  return items(form, part).flatMap((item) => (item.box?.times ? copies(form, item) : [item]));
}

/**
 * Equal blocks that follow each other, each by itself.
 * @param {Form} form
 * @param {Part} part
 * @returns {Part[]}
 */
function copies(form, { box, offset }) {
  if (!box?.times) return [];
  const count = box.lines[1] / box.times;
  return Array.from({ length: box.times }, (_, n) => {
    const one = blockOf(form, box, offset + n * count);
    return { ...one, title: one.name.split("/").pop() ?? "", count };
  });
}

/**
 * The part of a name, and the blocks around it from the network down to it; empty where there is none.
 * @param {Form} form
 * @param {string} name
 * @returns {Part[]}
 */
export function way(form, name) {
  const path = [whole(form)];
  while (path[path.length - 1].name !== name) {
    const next = children(form, path[path.length - 1]).find(
      (one) => one.name === name || name.startsWith(`${one.name}/`),
    );
    if (!next) return [];
    path.push(next);
  }
  return path;
}

/**
 * The blocks that are unfolded at first: as many as show up to `most` items, the outer ones first.
 * @param {Form} form
 * @param {number} most
 */
export function unfoldedAtFirst(form, most) {
  const found = new Set([""]);
  let level = items(form, whole(form));
  let shown = level.length;
  while (level.length) {
    const inner = level.filter((part) => part.box);
    shown += inner.reduce((sum, part) => sum + (part.box?.items.length ?? 0), 0);
    if (shown > most) break;
    for (const part of inner) found.add(part.name);
    level = inner.flatMap((part) => items(form, part));
  }
  return found;
}

/**
 * The parts that a graph of `root` shows on the way down to a part: of equal blocks the first.
 * @param {Form} form
 * @param {Part} root
 * @param {Part} part
 * @returns {Part[]}
 */
export function shownWay(form, root, part) {
  const path = [root];
  let line = part.first;
  while (path[path.length - 1].box && path[path.length - 1].box !== part.box) {
    const next = items(form, path[path.length - 1]).find(({ first, count }) => first <= line && line < first + count);
    if (!next) return [];
    if (next.box?.times) line = next.first + ((line - next.first) % (next.count / next.box.times));
    path.push(next);
  }
  return path;
}
