/**
 * Which lines of networks that stand side by side are the same.
 *
 * @typedef {import("./state.js").App} App
 * @typedef {[left: number, right: number]} Pair   lines of the first network and of another; -1: there is none
 */
import { Model, startOf } from "./model.js";

/**
 * The lines of the first network beside those of another: as Python aligned them where both are as the page opened,
 * else by name.
 * @param {App} app
 * @param {number} n
 * @returns {Pair[]}
 */
export function pairs(app, n) {
  const [left, right] = [app.models[0], app.models[n]];
  if (!(left instanceof Model) || !(right instanceof Model)) return [];
  if ([left, right].every((model) => model.form === formAtStart(model))) return app.page.aligned[n - 1];
  const lines = new Map(right.form.lines.map(([name], line) => [name, line]));
  /** @type {Pair[]} */
  const found = left.form.lines.map(([name], line) => [line, lines.get(name) ?? -1]);
  const met = new Set(found.map(([, line]) => line));
  right.form.lines.forEach((_, line) => met.has(line) || found.push([-1, line]));
  return found;
}

/** @param {Model} model */
function formAtStart({ network }) {
  const { places, lists } = startOf(network);
  return network.forms.find(
    ({ at, where }) => at.every((value, n) => value === lists[n]) && where.every((one, n) => one.includes(places[n])),
  );
}

/**
 * Whether two lines do and cost the same.
 * @param {Model} left
 * @param {number} one
 * @param {Model} right
 * @param {number} other
 */
export function same(left, one, right, other) {
  const told = (/** @type {Model} */ model, /** @type {number} */ line) => {
    const { type, reads, writes } = model.kind(model.head(line));
    const shapes = [...reads, ...writes].map((dims) => model.shape(dims));
    return [model.text(type), ...shapes, model.sum("params", line, 1), model.sum("operations", line, 1)].join();
  };
  return told(left, one) === told(right, other);
}

/**
 * What is marked: lines that the other network has differently, or not at all.
 * @param {App} app
 * @returns {Map<number, string>[]}
 */
export function marks(app) {
  const found = app.models.map(() => /** @type {Map<number, string>} */ (new Map()));
  const first = app.models[0];
  app.models.slice(1).forEach((model, at) => {
    if (!(model instanceof Model) || !(first instanceof Model)) return;
    for (const [left, right] of pairs(app, at + 1)) {
      if (right < 0) found[0].set(left, "only");
      else if (left < 0) found[at + 1].set(right, "only");
      else if (!same(first, left, model, right)) {
        if (!found[0].has(left)) found[0].set(left, "differs");
        found[at + 1].set(right, "differs");
      }
    }
  });
  return found;
}

/**
 * The mark of lines that follow each other: of several that they have "differs".
 * @param {Map<number, string>} found
 * @param {number} first
 * @param {number} count
 */
export function markOf(found, first, count) {
  const all = new Set(Array.from({ length: count }, (_, n) => found.get(first + n) ?? ""));
  return all.size === 1 ? [...all][0] : "differs";
}
