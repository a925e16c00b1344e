/**
 * The table: all lines or operators, folding as the graph does; sorted or filtered it is a plain list.
 *
 * @typedef {import("./state.js").App} App
 * @typedef {import("./model.js").Model} Counted
 * @typedef {{text: string, share?: number, value: string | number | bigint | null}} Cell   as shown, and as it is copied
 * @typedef {import("./entries.js").Entry} Entry
 */
import { choose, openIn, shown, toggle, zoomTo } from "./choose.js";
import { copied, csv, markdown } from "./copy.js";
import { figure } from "./detail.js";
import { byId, html, redraw, roving } from "./dom.js";
import { columns, entries, entryCost } from "./entries.js";
import { Model } from "./model.js";
import { digits, percent, plus, share } from "./numbers.js";

const MOST = 400; // lines that are drawn before one asks for more

let wanted = false; // all of them

/**
 * Build the table's bar once; what comes back draws the rest.
 * @param {App} app
 * @returns {() => void}
 */
export function makeTable(app) {
  const find = html("input", {
    type: "search",
    placeholder: "Filter by name or type",
    "aria-label": "Filter by name or type",
    oninput: () => app.change({ find: find.value }),
  });
  const type = html("select", { "aria-label": "Type", onchange: () => app.change({ type: type.value }) });
  const operators = html("input", { type: "checkbox", onchange: () => app.change({ operators: operators.checked }) });
  const body = html("div", { class: "frame" });
  byId("table").append(
    html(
      "div",
      { class: "bar" },
      html("h2", {}, "Table"),
      find,
      type,
      html("label", {}, operators, " each operator"),
      copyButton(app, "Copy CSV", csv),
      copyButton(app, "Copy Markdown", markdown),
    ),
    body,
  );
  return () => {
    const types = typesOf(app);
    if (type.options.length !== types.length + 1) {
      type.replaceChildren(
        html("option", { value: "" }, "all types"),
        ...types.map((text) => html("option", {}, text)),
      );
    }
    if (document.activeElement !== find) find.value = app.state.find;
    type.value = app.state.type;
    operators.checked = app.state.operators;
    redraw(body, ...app.models.map((model, n) => (model instanceof Model ? table(app, model, n) : null)));
    for (const one of body.querySelectorAll("tbody"))
      roving(one, "tr[data-key]", (key, item) => onTableKey(app, key, item));
  };
}

/**
 * @param {App} app
 * @param {string} text
 * @param {(sheet: import("./copy.js").Sheet) => string} written
 */
function copyButton(app, text, written) {
  const button = html("button", { type: "button" }, text);
  button.addEventListener("click", async () => {
    await copied(written(sheet(app)));
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = text), 1200);
  });
  return button;
}

/** @param {App} app */
function typesOf(app) {
  const models = app.models.filter((model) => model instanceof Model);
  return [...new Set(models.flatMap((model) => model.form.kinds.map((kind) => model.text(kind.type))))].sort();
}

/**
 * @param {App} app
 * @param {string} key
 * @param {Element} item
 */
function onTableKey(app, key, item) {
  const [n, name] = (item.getAttribute("data-key") ?? "").split(/:(.*)/s);
  const open = item.getAttribute("aria-expanded");
  if (key === "Enter" || key === " ") choose(app, Number(n), item.getAttribute("data-part") ?? name);
  else if ((key === "ArrowRight" && open === "false") || (key === "ArrowLeft" && open === "true")) toggle(app, name);
  else if (key === "z" && open) zoomTo(app, name);
  else return false;
  return true;
}

/**
 * @param {Counted} model
 * @param {Entry} entry
 * @returns {Cell[]}
 */
function cells(model, entry) {
  const last = entry.first + entry.count - 1;
  const shapes = (/** @type {number[][]} */ all) => all.map((dims) => model.shape(dims)).join(", ");
  const reads = model.kind(entry.first).reads;
  const field = model.field(last) ?? "";
  const words = [
    entry.block ? `${entry.block.count} layers` : model.text(model.kind(entry.first).type),
    reads.length > 2 ? `${reads.length} tensors` : shapes(reads),
    shapes(model.kind(last).writes),
  ].map((text) => ({ text, value: text }));
  const costs = model.metrics.map(({ key }) => {
    const cost = entryCost(model, key, entry);
    return { text: figure(key, cost), share: share(cost, model.total(key)), value: cost };
  });
  return [...words, ...costs, { text: typeof field === "number" ? digits(field) : field, value: field }];
}

/**
 * @param {App} app
 * @param {Counted} model
 * @param {number} n
 */
function table(app, model, n) {
  const found = entries(app, model);
  const drawn = wanted ? found : found.slice(0, MOST);
  return html(
    "table",
    { "data-network": n },
    app.models.length > 1 && html("caption", {}, model.network.title),
    html("thead", {}, html("tr", {}, ...columns(model).map((column) => head(app, column)))),
    html("tbody", {}, ...drawn.map((entry) => line(app, model, n, entry)), more(app, found.length - drawn.length)),
    html("tfoot", {}, foot(app, model, found)),
  );
}

/**
 * What asks for the lines that are not drawn yet.
 * @param {App} app
 * @param {number} left
 */
function more(app, left) {
  if (!left) return null;
  const onclick = () => {
    wanted = true;
    app.change({});
  };
  return html(
    "tr",
    {},
    html("td", { colspan: 9 }, html("button", { type: "button", onclick }, `Show ${digits(left)} more`)),
  );
}

/**
 * What all that is listed costs together.
 * @param {App} app
 * @param {Counted} model
 * @param {Entry[]} found
 */
function foot(app, model, found) {
  const { find, type, zoom } = app.state;
  const root = shown(app, model.form);
  /** @type {(key: string) => import("./numbers.js").Count} */
  const total = (key) =>
    find || type
      ? found.map((one) => entryCost(model, key, one)).reduce(plus, 0)
      : model.sum(key, root.first, root.count);
  const sums = model.metrics.map(({ key }) =>
    html("td", { class: "number" }, figure(key, total(key)), html("small", {}, percent(total(key), model.total(key)))),
  );
  return html(
    "tr",
    {},
    html("th", { scope: "row", colspan: 4 }, find || type || zoom ? "these together" : "total"),
    ...sums,
    html("td", {}),
  );
}

/**
 * @param {App} app
 * @param {{key: string, title: string, number: boolean}} column
 */
function head(app, { key, title, number }) {
  const { sort } = app.state;
  const order = sort === key ? "ascending" : sort === `-${key}` ? "descending" : "none";
  const next = number
    ? { none: `-${key}`, descending: key, ascending: "" }
    : { none: key, ascending: `-${key}`, descending: "" };
  const sign = { none: "", ascending: " ▲", descending: " ▼" }[order];
  return html(
    "th",
    { scope: "col", class: number && "number", "aria-sort": order },
    key
      ? html(
          "button",
          { type: "button", "data-key": `sort-${key}`, onclick: () => app.change({ sort: next[order] }) },
          title,
          sign,
        )
      : title,
  );
}

/**
 * @param {App} app
 * @param {Counted} model
 * @param {number} n
 * @param {Entry} entry
 */
function line(app, model, n, entry) {
  const open = entry.block && openIn(app, model.form)(entry.name);
  const part = entry.block ? entry.name : model.form.lines[entry.line][0];
  const { chosen } = app.state;
  const mark = entry.block ? "" : (app.marks[n].get(entry.line) ?? "");
  const sign =
    entry.block &&
    html(
      "span",
      {
        class: "fold",
        onclick: (/** @type {Event} */ event) => {
          event.stopPropagation();
          toggle(app, entry.name);
        },
      },
      open ? "▾" : "▸",
    );
  const dot =
    !entry.block && html("i", { class: "dot", style: `--color: var(--family-${model.kind(entry.first).family})` });
  return html(
    "tr",
    {
      class: `${entry.block ? "block" : ""} ${mark}`,
      "data-key": `${n}:${entry.key}`,
      "data-part": part,
      tabindex: -1,
      "aria-selected": String(chosen?.network === n && chosen.name === part),
      "aria-expanded": entry.block && String(open),
      onclick: () => choose(app, n, part),
    },
    html("th", { scope: "row", style: `--depth: ${entry.depth}` }, sign, dot, entry.title),
    ...cells(model, entry).map((cell, at) =>
      at < 3
        ? html("td", {}, cell.text)
        : html(
            "td",
            { class: "number", style: cell.share ? `--share: ${(cell.share * 100).toFixed(2)}%` : null },
            cell.text,
          ),
    ),
  );
}

/**
 * What is copied: what the table shows, names in full, numbers bare; of several networks one below the other.
 * @param {App} app
 * @returns {import("./copy.js").Sheet}
 */
function sheet(app) {
  const models = app.models.filter((model) => model instanceof Model);
  const several = models.length > 1;
  const titles = models.length ? columns(models[0]).map(({ title }) => title) : [];
  return {
    head: several ? ["network", ...titles] : titles,
    numbers: several ? 5 : 4,
    rows: models.flatMap((model) =>
      entries(app, model).map((entry) => [
        ...(several ? [model.network.name] : []),
        entry.name,
        ...cells(model, entry).map(({ value }) => String(value ?? "unknown")),
      ]),
    ),
  };
}
