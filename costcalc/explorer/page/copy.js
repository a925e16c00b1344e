/**
 * Copying a table as text.
 *
 * @typedef {{head: string[], rows: string[][], numbers: number}} Sheet   `numbers`: how many columns stand before those of numbers
 */

/**
 * A sheet as CSV (RFC 4180).
 * @param {Sheet} sheet
 */
export function csv({ head, rows }) {
  const cell = (/** @type {string} */ text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return [head, ...rows].map((row) => `${row.map(cell).join(",")}\n`).join("");
}

/**
 * A sheet as a table of Markdown.
 * @param {Sheet} sheet
 */
export function markdown({ head, rows, numbers }) {
  const line = (/** @type {string[]} */ row) =>
    `| ${row.map((text) => text.replaceAll("|", "\\|").replaceAll("<", "&lt;")).join(" | ")} |\n`;
  return line(head) + line(head.map((_, n) => (n < numbers ? "---" : "---:"))) + rows.map(line).join("");
}

/**
 * Put a text on the clipboard; where the browser has none for a file from disk, by way of a field.
 * @param {string} text
 */
export async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
}
