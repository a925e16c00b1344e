/**
 * A network as it is counted at a setting: what each row, line and block costs, memory, field, time.
 *
 * @typedef {import("./types.js").Page} Page
 * @typedef {import("./types.js").Network} Network
 * @typedef {import("./types.js").Form} Form
 * @typedef {import("./types.js").Kind} Kind
 * @typedef {import("./types.js").Rates} Rates
 * @typedef {import("./types.js").Field} Field
 * @typedef {import("./numbers.js").Count} Count
 *
 * @typedef {{places: number[], lists: number[]}} Setting                      of one network: sliders and lists
 * @typedef {{convention: string, batch: number, device: string, dtype: string}} Counting   of all
 * @typedef {{key: string, title: string, unit: string}} Metric
 */
import { bytesOf, evaluated, plus, times } from "./numbers.js";

/**
 * A network's setting as the page opens.
 * @param {Network} network
 * @returns {Setting}
 */
export function startOf(network) {
  return { places: network.sliders.map((knob) => knob.start), lists: network.lists.map((knob) => knob.start) };
}

/**
 * Whether a form, or a refusal, is for a setting.
 * @param {{at: number[], where: number[][]}} form
 * @param {Setting} setting
 */
function holds(form, { places, lists }) {
  return form.at.every((value, n) => value === lists[n]) && form.where.every((where, n) => where.includes(places[n]));
}

/**
 * The network at a setting; where there is none, why.
 * @param {Page} page
 * @param {Network} network
 * @param {Setting} setting
 * @param {Counting} counting
 * @returns {Model | string}
 */
export function modelOf(page, network, setting, counting) {
  const form = network.forms.find((one) => holds(one, setting));
  if (form) return new Model(page, network, form, setting, counting);
  return network.refused.find((one) => holds(one, setting))?.wrong ?? "there is no such network";
}

/** A network counted at a setting. Rows, lines and kinds are their indices in its form. */
export class Model {
  /**
   * @param {Page} page
   * @param {Network} network
   * @param {Form} form
   * @param {Setting} setting
   * @param {Counting} counting
   */
  constructor(page, network, form, setting, counting) {
    this.page = page;
    this.network = network;
    this.form = form;
    this.setting = setting;
    this.counting = counting;
    this.places = form.where.map((where, n) => where.indexOf(setting.places[n]));
    this.sizes = form.where.map((where) => where.length);
    const at = page.conventions.findIndex((one) => one.name === counting.convention);
    this.convention = page.conventions[at];
    const [params, operations] = form.conventions[at];
    this.params = params; // columns of form.counts
    this.operations = operations;
    this.rates = page.rates.find(
      (one) => one.device === counting.device && one.dtype === counting.dtype && one.batch <= counting.batch,
    );
    /** @type {Map<string, Count[]>} */
    this.known = new Map();
  }

  /** Why the convention refuses this network, or nothing. */
  get refusal() {
    return this.params < 0 || this.operations < 0
      ? (this.form.refuses?.[this.convention.name] ?? "this convention refuses it")
      : "";
  }

  /** @param {number} index */
  number(index) {
    const { numbers, vectors } = this.form;
    return evaluated(numbers[index], vectors, this.places, this.sizes);
  }

  /** @param {number} index */
  text(index) {
    return this.page.texts[index];
  }

  /**
   * A shape in words: 64×56×56.
   * @param {number[]} dims
   */
  shape(dims) {
    return dims.map((dim) => this.number(dim) ?? "?").join("×") || "one number";
  }

  /**
   * @param {number} row
   * @returns {Kind}
   */
  kind(row) {
    return this.form.kinds[this.form.rows[row][1]];
  }

  /**
   * The row that a line is named by.
   * @param {number} line
   */
  head(line) {
    return this.form.lines[line][1];
  }

  /** What can be asked of a row. @returns {Metric[]} */
  get metrics() {
    const { things, unit } = this.convention;
    const found = [
      { key: "params", title: "Params", unit: things },
      { key: "operations", title: unit, unit },
    ];
    for (const key of Object.keys(this.form.metrics))
      found.push({ key, title: key[0].toUpperCase() + key.slice(1).replaceAll("_", " "), unit: "" });
    if (this.rates) found.push({ key: "time", title: "Time", unit: "s" });
    return found;
  }

  /**
   * Each kind's cost; of all images.
   * @param {string} metric
   * @returns {Count[]}
   */
  byKind(metric) {
    let found = this.known.get(metric);
    if (!found) {
      found = this.form.kinds.map((kind, at) => this.costOf(metric, kind, at));
      this.known.set(metric, found);
    }
    return found;
  }

  /**
   * @param {string} metric
   * @param {Kind} kind
   * @param {number} at
   * @returns {Count}
   */
  costOf(metric, kind, at) {
    const { form, counting } = this;
    if (metric === "time") return this.timeOf(kind)[0];
    if (metric === "most") return this.timeOf(kind)[1];
    if (metric === "params") return this.params < 0 ? null : this.number(form.counts[this.params][at]);
    if (metric === "operations")
      return this.operations < 0 ? null : times(this.number(form.counts[this.operations][at]), counting.batch);
    return times(this.number(form.metrics[metric][at]), counting.batch);
  }

  /**
   * @param {string} metric
   * @param {number} row
   */
  cost(metric, row) {
    return this.byKind(metric)[this.form.rows[row][1]];
  }

  /**
   * What lines that follow each other cost together.
   * @param {string} metric
   * @param {number} first
   * @param {number} count
   * @returns {Count}
   */
  sum(metric, first, count) {
    const { lines, rows } = this.form;
    const costs = this.byKind(metric);
    /** @type {Count} */
    let sum = 0;
    for (const [, row, many] of lines.slice(first, first + count)) {
      for (let at = row; at < row + many; at++) sum = plus(sum, costs[rows[at][1]]);
    }
    return sum;
  }

  /** @param {string} metric */
  total(metric) {
    return this.sum(metric, 0, this.form.lines.length);
  }

  /**
   * Seconds that a row takes on the device, at least and at most (docs/latency.md).
   * @param {Kind} kind
   * @returns {[Count, Count]}
   */
  timeOf(kind) {
    const rates = this.rates;
    const [compute, memory, overhead] = this.parts(kind);
    if (!rates || compute === null || memory === null) return [null, null];
    return [Math.max(compute, memory) + overhead, compute + memory + overhead];
  }

  /**
   * Seconds of arithmetic, of memory, and of starting.
   * @param {Kind} kind
   * @returns {[number | null, number | null, number]}
   */
  parts(kind) {
    const { rates, counting } = this;
    const macs = this.number(kind.macs);
    const bytes = this.traffic(kind);
    if (!rates || macs === null || bytes === null) return [null, null, 0];
    const launched = (kind.work[rates.fusion] ?? kind.work.eager)[2];
    const memory = rates.bandwidth === null ? 0 : bytes / rates.bandwidth;
    return [(macs * counting.batch) / rates.rate[kind.grouping], memory, launched ? rates.overhead : 0];
  }

  /**
   * Bytes that a row moves on the device.
   * @param {Kind} kind
   */
  traffic(kind) {
    if (!this.rates) return null;
    const [elements, parameters] = (kind.work[this.rates.fusion] ?? kind.work.eager).map((index) => this.number(index));
    return elements === null || parameters === null
      ? null
      : (elements * this.counting.batch + parameters) * this.rates.size;
  }

  /**
   * A row's receptive field.
   * @param {number} row
   * @returns {Field}
   */
  field(row) {
    const field = this.form.fields[this.form.rows[row][3]] ?? null;
    if (field === null || typeof field !== "object") return field;
    return field.values[field.axes.reduce((at, axis) => at * this.sizes[axis] + this.places[axis], 0)];
  }

  /** Bytes alive at each row. @returns {Count[]} */
  get memory() {
    let found = this.known.get("memory");
    if (!found) {
      found = this.alive();
      this.known.set("memory", found);
    }
    return found;
  }

  /** @returns {Count[]} */
  alive() {
    const { memory, rows } = this.form;
    /** @type {Count[]} */
    const steps = Array.from({ length: rows.length + 1 }, () => 0);
    /** @type {Count[]} */
    const beside = rows.map(() => 0);
    for (const [elements, bits, , first, last] of memory.storages) {
      const bytes = this.bytes(elements, bits);
      steps[first] = plus(steps[first], bytes);
      steps[last + 1] = plus(steps[last + 1], times(bytes, -1));
    }
    for (const [row, elements, bits] of memory.beside) beside[row] = plus(beside[row], this.bytes(elements, bits));
    /** @type {Count} */
    let now = 0;
    return rows.map((_, row) => {
      now = plus(now, steps[row]);
      return plus(now, beside[row]);
    });
  }

  /**
   * @param {number} elements  a number's index
   * @param {number} bits
   */
  bytes(elements, bits) {
    return bytesOf(times(this.number(elements), this.counting.batch), bits);
  }

  /** The row where most is alive. */
  get peakRow() {
    const alive = this.memory;
    return alive.reduce(
      (/** @type {number} */ best, bytes, row) => (bytes !== null && (alive[best] ?? 0) < bytes ? row : best),
      0,
    );
  }

  /** @returns {Count} */
  get peak() {
    const alive = this.memory;
    return alive.some((bytes) => bytes === null) ? null : (alive[this.peakRow] ?? 0);
  }

  /**
   * What is alive while a row runs, the largest first.
   * @param {number} row
   * @returns {{name: string, bytes: Count}[]}
   */
  aliveAt(row) {
    const { memory, rows, inputs } = this.form;
    const found = memory.storages
      .filter(([, , , first, last]) => first <= row && row <= last)
      .map(([elements, bits, maker]) => ({
        name: maker < 0 ? inputs[-1 - maker][0] : rows[maker][0],
        bytes: this.bytes(elements, bits),
      }));
    for (const [at, elements, bits] of memory.beside) {
      if (at === row) found.push({ name: "beside, while it runs", bytes: this.bytes(elements, bits) });
    }
    return found.sort((a, b) => Number(b.bytes ?? 0) - Number(a.bytes ?? 0));
  }
}
