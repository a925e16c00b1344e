/**
 * The heading: what is looked at, its knobs, and the totals.
 *
 * @typedef {import("./types.js").Knob} Knob
 * @typedef {import("./types.js").Network} Network
 * @typedef {import("./state.js").App} App
 * @typedef {import("./state.js").Position} Position
 * @typedef {import("./numbers.js").Count} Count
 */
import { byId, html, redraw } from "./dom.js";
import { Model } from "./model.js";
import { digits, duration, ratio } from "./numbers.js";
import { startState, written } from "./state.js";

/**
 * Build the controls once; what comes back sets them to where the state is. A slider that is dragged must stay.
 * @param {App} app
 * @returns {() => void}
 */
export function makeControls(app) {
  const own = app.page.networks.map((network, n) => knobs(app, network, n));
  const common = counting(app);
  byId("networks").append(...app.page.networks.map((network) => about(network)));
  byId("networks").append(buttons(app));
  const several = own.length > 1;
  byId("controls").append(
    ...own.map((controls, n) =>
      html(
        "fieldset",
        {},
        several && html("legend", {}, app.page.networks[n].name),
        ...controls.map(({ element }) => element),
      ),
    ),
    html("fieldset", {}, ...common.map(({ element }) => element)),
  );
  return () => [...own.flat(), ...common].forEach((control) => control.sync());
}

/** @param {Network} network */
function about(network) {
  const fixed = network.lists
    .filter((knob) => knob.values.length === 1)
    .map((knob) => `${knob.name} ${knob.labels[0]}`);
  return html(
    "div",
    { class: "about" },
    html("h1", {}, network.title),
    html("p", {}, [network.source, ...fixed].filter(Boolean).join(" · ")),
    ...network.notes.map((note) => html("p", { class: "note" }, note)),
  );
}

/** @typedef {{element: HTMLElement, sync: () => void}} Control */

/**
 * @param {App} app
 * @param {Network} network
 * @param {number} n
 * @returns {Control[]}
 */
function knobs(app, network, n) {
  const key = (/** @type {Knob} */ knob) => (n ? `${n}--${knob.name}` : knob.name);
  const chosen = network.lists.flatMap((knob, k) =>
    knob.values.length < 2
      ? []
      : [
          choice(
            knob.name,
            key(knob),
            knob.labels.map((text, at) => [String(at), text]),
            () => String(app.state.now.settings[n].lists[k]),
            (value) => turn(app, n, "lists", k, Number(value)),
          ),
        ],
  );
  return [...chosen, ...network.sliders.map((knob, k) => slider(app, key(knob), knob, n, k))];
}

/**
 * Put a knob elsewhere.
 * @param {App} app
 * @param {number} n            the network
 * @param {"lists" | "places"} which
 * @param {number} k            the knob
 * @param {number} value
 */
export function turn(app, n, which, k, value) {
  const settings = app.state.now.settings.map((setting, at) =>
    at === n ? { ...setting, [which]: setting[which].with(k, value) } : setting,
  );
  app.change({ now: { ...app.state.now, settings } });
}

/**
 * @param {App} app
 * @param {string} key
 * @param {Knob} knob
 * @param {number} n
 * @param {number} k
 * @returns {Control}
 */
function slider(app, key, knob, n, k) {
  const input = html("input", {
    type: "range",
    min: 0,
    max: knob.values.length - 1,
    step: 1,
    "aria-label": knob.name,
    "data-knob": key,
    oninput: () => turn(app, n, "places", k, Number(input.value)),
  });
  const output = html("output", {});
  return {
    element: html("label", { class: "knob" }, html("span", {}, knob.name), output, input),
    sync: () => {
      const at = app.state.now.settings[n].places[k];
      input.value = String(at);
      input.setAttribute("aria-valuetext", knob.labels[at]);
      output.textContent = knob.labels[at];
    },
  };
}

/**
 * @param {string} label
 * @param {string} key
 * @param {[string, string][]} options   value, text
 * @param {() => string} read
 * @param {(value: string) => void} write
 * @returns {Control}
 */
function choice(label, key, options, read, write) {
  const select = html(
    "select",
    { "aria-label": label, "data-knob": key, onchange: () => write(select.value) },
    ...options.map(([value, text]) => html("option", { value }, text)),
  );
  return {
    element: html("label", { class: "knob" }, html("span", {}, label), select),
    sync: () => {
      select.value = read();
    },
  };
}

/**
 * How all networks are counted: convention, batch, device.
 * @param {App} app
 * @returns {Control[]}
 */
function counting(app) {
  const { page } = app;
  const set = (/** @type {Partial<Position["counting"]>} */ patch) =>
    app.change({ now: { ...app.state.now, counting: { ...app.state.now.counting, ...patch } } });
  const input = html("input", {
    type: "number",
    min: 1,
    max: 999999,
    "aria-label": "batch",
    "data-knob": "batch",
    oninput: () => input.validity.valid && input.value && set({ batch: Number(input.value) }),
  });
  const batch = {
    element: html("label", { class: "knob" }, html("span", {}, "batch"), input),
    sync: () => {
      if (document.activeElement !== input) input.value = String(app.state.now.counting.batch);
    },
  };
  const devices = [...new Map(page.rates.map((one) => [`${one.device} ${one.dtype}`, one])).values()];
  /** @type {[string, string][]} */
  const named = devices.map((one) => [`${one.device} ${one.dtype}`, `${one.title}, ${one.dtype}`]);
  const device = choice(
    "device",
    "device",
    [[" ", "none"], ...named],
    () => {
      const { device: name, dtype } = app.state.now.counting;
      return name ? `${name} ${dtype}` : " ";
    },
    (value) => {
      const [name, dtype] = value.split(" ");
      set({ device: name, dtype });
    },
  );
  return [
    choice(
      "convention",
      "convention",
      page.conventions.map((one) => [one.name, one.label]),
      () => app.state.now.counting.convention,
      (convention) => set({ convention }),
    ),
    batch,
    ...(devices.length ? [device] : []),
  ];
}

/** @param {App} app */
function buttons(app) {
  const themes = ["", "light", "dark"];
  return html(
    "div",
    { class: "buttons" },
    html(
      "button",
      {
        type: "button",
        id: "pin",
        title: "Compare totals with this setting",
        onclick: () => app.change({ pinned: app.state.now }),
      },
      "Pin",
    ),
    html(
      "button",
      {
        type: "button",
        id: "reset",
        title: "Put all as the page opened",
        onclick: () => app.change(startState(app.page)),
      },
      "Reset",
    ),
    html(
      "button",
      {
        type: "button",
        id: "theme",
        title: "Dark, light, or as the system has it",
        onclick: () => app.change({ theme: themes[(themes.indexOf(app.state.theme) + 1) % themes.length] }),
      },
      "Theme",
    ),
  );
}

/**
 * The totals of each network, each beside those of the pinned setting.
 * @param {App} app
 */
export function drawTotals(app) {
  const several = app.models.length > 1;
  redraw(
    byId("totals"),
    ...app.models.map((model, n) =>
      html(
        "div",
        { class: "totals", "data-network": n },
        several && html("h2", {}, app.page.networks[n].name),
        ...(model instanceof Model
          ? tiles(app, model, app.pinned[n], n)
          : [html("p", { class: "refused", role: "alert" }, model)]),
      ),
    ),
  );
  const convention = app.page.conventions.find((one) => one.name === app.state.now.counting.convention);
  const said = app.models.flatMap((model) =>
    model instanceof Model ? [model.refusal, ...(model.rates?.says ?? [])] : [],
  );
  const pin = [...written(app.page, app.state.pinned)].map(([word, value]) => `${word} ${value}`).join(" ");
  if (pin) said.push(`ratios are to ${pin}`);
  redraw(byId("said"), [`${convention?.label}: ${convention?.says}`, ...new Set(said.filter(Boolean))].join(" · "));
}

/**
 * @param {App} app
 * @param {Model} model
 * @param {Model | string} pinned
 * @param {number} n
 */
function tiles(app, model, pinned, n) {
  const other = pinned instanceof Model ? pinned : null;
  const first = n && app.models[0] instanceof Model ? app.models[0] : null;
  const compared = (/** @type {(model: Model) => Count} */ read) => [
    other && ratio(read(model), read(other)),
    first && `${ratio(read(model), read(first)) || "×1"} of ${first.network.name}`,
  ];
  const sums = model.metrics
    .filter(({ key }) => key !== "time")
    .map(({ key, title, unit }) =>
      tile(
        app,
        n,
        key,
        title,
        unit.toLowerCase() === title.toLowerCase() ? "" : unit,
        digits(model.total(key)),
        compared((one) => one.total(key)),
      ),
    );
  const time = model.rates
    ? tile(
        app,
        n,
        "time",
        "Time",
        model.rates.device,
        timeText(model),
        compared((one) => one.total("time")),
      )
    : tile(app, n, "", "Time", "", "–", ["choose a device"]);
  return [
    ...sums,
    tile(
      app,
      n,
      "memory",
      "Peak memory",
      "bytes",
      digits(model.peak),
      compared((one) => one.peak),
    ),
    tile(app, n, "", "Receptive field", "pixels", fieldText(model), [], "field"),
    time,
  ];
}

/**
 * One total: click it, and colours, map, table and charts are of it.
 * @param {App} app
 * @param {number} n
 * @param {string} key      "": nothing to click
 * @param {string} title
 * @param {string} unit
 * @param {string} value
 * @param {(string | null)[]} beside
 * @param {string} [total]
 */
function tile(app, n, key, title, unit, value, beside, total = key) {
  const inside = [
    html("span", { class: "label" }, title, unit && html("small", {}, ` ${unit}`)),
    html("span", { class: "value" }, value),
    html("span", { class: "ratio" }, beside.filter(Boolean).join("  ")),
  ];
  if (!key) return html("div", { class: "tile", "data-total": total }, ...inside);
  return html(
    "button",
    {
      type: "button",
      class: "tile",
      "data-total": total,
      "data-key": `${n}${key}`,
      "aria-pressed": String(app.state.metric === key),
      onclick: () => app.change(key === "memory" ? { chart: "memory" } : { metric: key }),
    },
    ...inside,
  );
}

/** @param {Model} model */
function timeText(model) {
  const least = duration(model.total("time"));
  return model.rates?.bounded ? `≥ ${least}` : `${least} – ${duration(model.total("most"))}`;
}

/** @param {Model} model */
function fieldText(model) {
  const field = model.form.field < 0 ? null : model.field(model.form.field);
  return field === null ? "unknown" : typeof field === "number" ? digits(field) : field;
}
