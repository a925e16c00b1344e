/**
 * What the page shows: one value, changed in one place, that the hash of the URL tells whole.
 *
 * @typedef {import("./types.js").Page} Page
 * @typedef {import("./types.js").Network} Network
 * @typedef {import("./model.js").Setting} Setting
 * @typedef {import("./model.js").Counting} Counting
 *
 * @typedef {{settings: Setting[], counting: Counting}} Position   where all knobs stand
 * @typedef {{network: number, name: string}} Choice               a line or a block
 *
 * @typedef {Object} State
 * @property {Position} now
 * @property {Position} pinned      what totals are compared with
 * @property {string} metric        what colours and shares are of
 * @property {string} zoom          the block that is shown alone; "" the network
 * @property {Choice | null} chosen
 * @property {string} folds         how blocks are: "" the outer ones unfolded, "all" unfolded, "none"
 * @property {string[]} turned      blocks that are unlike that
 * @property {boolean} operators    the table has a row an operator
 * @property {string} sort          "" in the network's order, "params", "-params" from large to small
 * @property {string} find
 * @property {string} type
 * @property {string} chart
 * @property {number} knob          the slider that the curve is over
 * @property {number} scale         how large the graph is drawn
 * @property {string} theme         "", "light", "dark"
 */
import { startOf } from "./model.js";

/** The words of the hash that are plain texts of the state. @type {("metric" | "zoom" | "folds" | "sort" | "find" | "type" | "chart" | "theme")[]} */
const WORDS = ["metric", "zoom", "folds", "sort", "find", "type", "chart", "theme"];

/**
 * The state that the page opens in.
 * @param {Page} page
 * @returns {State}
 */
export function startState(page) {
  const now = () => ({ settings: page.networks.map(startOf), counting: { ...page.start } });
  return {
    now: now(),
    pinned: now(),
    metric: "operations",
    zoom: "",
    chosen: null,
    folds: "",
    turned: [],
    operators: false,
    sort: "",
    find: "",
    type: "",
    chart: "depth",
    knob: 0,
    scale: 1,
    theme: "",
  };
}

/**
 * @param {number} n
 * @param {string} name
 */
const knobKey = (n, name) => `${n || ""}--${name}`;

/**
 * Write where knobs stand, as far as it is not where the page opens.
 * @param {Page} page
 * @param {Position} position
 */
export function written(page, { settings, counting }) {
  const words = new URLSearchParams();
  page.networks.forEach((network, n) => {
    const start = startOf(network);
    for (const [knobs, at, first] of /** @type {const} */ ([
      [network.lists, settings[n].lists, start.lists],
      [network.sliders, settings[n].places, start.places],
    ])) {
      knobs.forEach((knob, k) => at[k] !== first[k] && words.set(knobKey(n, knob.name), knob.labels[at[k]]));
    }
  });
  for (const [key, value] of Object.entries(counting)) {
    if (value !== page.start[/** @type {keyof Counting} */ (key)]) words.set(key, String(value));
  }
  return words;
}

/**
 * Read where knobs stand; what the page does not have is left as it opens.
 * @param {Page} page
 * @param {URLSearchParams} words
 * @returns {Position}
 */
function position(page, words) {
  const place = (/** @type {number} */ n, /** @type {import("./types.js").Knob} */ knob) => {
    const found = knob.labels.indexOf(words.get(knobKey(n, knob.name)) ?? "");
    return found < 0 ? knob.start : found;
  };
  const settings = page.networks.map((network, n) => ({
    places: network.sliders.map((knob) => place(n, knob)),
    lists: network.lists.map((knob) => place(n, knob)),
  }));
  const counting = { ...page.start };
  const [convention, batch, device, dtype] = ["convention", "batch", "device", "dtype"].map((word) => words.get(word));
  if (page.conventions.some((one) => one.name === convention)) counting.convention = String(convention);
  if (/^[1-9]\d{0,5}$/.test(batch ?? "")) counting.batch = Number(batch);
  const rates = page.rates.filter((one) => one.device === device);
  if (rates.length || device === "") counting.device = device ?? "";
  counting.dtype = (rates.find((one) => one.dtype === dtype) ?? rates[0])?.dtype ?? counting.dtype;
  return { settings, counting };
}

/**
 * The hash that tells a state.
 * @param {Page} page
 * @param {State} state
 */
export function hashOf(page, state) {
  const start = startState(page);
  const words = written(page, state.now);
  const pinned = written(page, state.pinned).toString();
  if (pinned) words.set("pin", pinned);
  for (const word of WORDS) if (state[word] !== start[word]) words.set(word, state[word]);
  if (state.chosen) words.set("chosen", `${state.chosen.network || ""}:${state.chosen.name}`);
  for (const name of state.turned) words.append("turned", name);
  if (state.operators) words.set("operators", "1");
  if (state.knob) words.set("knob", String(state.knob));
  if (state.scale !== 1) words.set("scale", String(state.scale));
  return words.toString();
}

/**
 * The state that a hash tells.
 * @param {Page} page
 * @param {string} hash
 * @returns {State}
 */
export function stateOf(page, hash) {
  const state = startState(page);
  const words = new URLSearchParams(hash.replace(/^#/, ""));
  state.now = position(page, words);
  state.pinned = position(page, new URLSearchParams(words.get("pin") ?? ""));
  for (const word of WORDS) state[word] = words.get(word) ?? state[word];
  const chosen = /^(\d*):(.*)$/.exec(words.get("chosen") ?? "");
  if (chosen && Number(chosen[1]) < page.networks.length)
    state.chosen = { network: Number(chosen[1]), name: chosen[2] };
  state.turned = words.getAll("turned");
  state.operators = words.has("operators");
  const knob = Number(words.get("knob"));
  if (knob in page.networks[0].sliders) state.knob = knob;
  const scale = Number(words.get("scale") ?? 1);
  if (scale >= 0.1 && scale <= 4) state.scale = scale;
  return state;
}

/**
 * What every view is handed.
 * @typedef {Object} App
 * @property {Page} page
 * @property {State} state
 * @property {number} width                                    pixels of the column of map and charts
 * @property {(import("./model.js").Model | string)[]} models   of each network; why there is none
 * @property {(import("./model.js").Model | string)[]} pinned
 * @property {Map<number, string>[]} marks                     of each network's lines: "differs", "only"
 * @property {(patch: Partial<State>) => void} change           show another state
 */
