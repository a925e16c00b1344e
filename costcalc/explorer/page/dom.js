/** Making elements. Text is always text: nothing of the data is read as HTML. */

/** @typedef {Object<string, string | number | boolean | null | undefined | ((event: any) => void)>} Attributes */
/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * @param {Element} element
 * @param {Attributes} attributes  a function listens to the event that its name says after "on"
 * @param {Child[]} children
 */
function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== null && value !== false)
      element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) {
    if (child !== null && child !== undefined && child !== false)
      element.append(typeof child === "number" ? String(child) : child);
  }
}

/**
 * An element of HTML.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 */
export function html(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  filled(element, attributes, children);
  return element;
}

/**
 * An element of SVG.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  filled(element, attributes, children);
  return element;
}

/**
 * The element with an id.
 * @param {string} id
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * Put new children into a host; what had the keyboard has it again, found by its data-key.
 * @param {Element} host
 * @param {...Child} children
 */
export function redraw(host, ...children) {
  const active = document.activeElement;
  const key = active instanceof Element && host.contains(active) ? active.getAttribute("data-key") : null;
  host.replaceChildren(...children.filter((child) => child instanceof Node || typeof child === "string"));
  if (key !== null) {
    const again = host.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (again instanceof HTMLElement || again instanceof SVGElement) again.focus({ preventScroll: true });
  }
}

/**
 * Let arrows move the keyboard among a host's items, of which Tab reaches one: where it was, the chosen, else the first.
 * @param {Element} host
 * @param {string} items  selector
 * @param {(key: string, item: Element) => boolean} [act]  what other keys do; whether one did something
 */
export function roving(host, items, act = () => false) {
  const all = () => /** @type {(HTMLElement | SVGElement)[]} */ ([...host.querySelectorAll(items)]);
  const now =
    host.querySelector(`${items}:focus`) ??
    host.querySelector(`${items}[aria-selected="true"]`) ??
    host.querySelector(items);
  for (const item of all()) item.setAttribute("tabindex", item === now ? "0" : "-1");
  host.addEventListener("keydown", (event) => {
    const { key, target } = /** @type {KeyboardEvent} */ (event);
    const list = all();
    const at = list.findIndex((item) => item === target);
    if (at < 0) return;
    const steps = /** @type {Object<string, number>} */ ({
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: list.length - 1,
    });
    if (act(key, list[at])) event.preventDefault();
    else if (key in steps) {
      event.preventDefault();
      const next = list[Math.max(0, Math.min(steps[key], list.length - 1))];
      list[at].setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    }
  });
}
