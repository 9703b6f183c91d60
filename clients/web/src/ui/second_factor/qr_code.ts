/** Draws a QR code. Nothing but the page sees it: no other server is asked for a picture. */

import { h } from "../dom.ts";

/** The white border that scanners need, in squares. */
const BORDER = 4;
const SVG_NAMESPACE = "http://www.w3.org/2000/svg";

/** Returns the path of the dark squares of each row, and the size of the drawing in squares. Pure. */
export function qrPath(rows: readonly string[]): { readonly path: string; readonly size: number } {
  const parts: string[] = [];
  rows.forEach((row, y) => {
    for (const match of row.matchAll(/1+/g)) {
      parts.push(`M${match.index + BORDER} ${y + BORDER}h${match[0].length}v1h-${match[0].length}z`);
    }
  });
  return { path: parts.join(""), size: rows.length + 2 * BORDER };
}

/** Creates the drawing, which is black on white in every colour scheme. */
export function qrCode(rows: readonly string[], label: string): HTMLElement {
  const { path, size } = qrPath(rows);
  const svg = document.createElementNS(SVG_NAMESPACE, "svg");
  for (const [name, value] of Object.entries({
    viewBox: `0 0 ${size} ${size}`,
    "shape-rendering": "crispEdges",
    role: "img",
    "aria-label": label,
  }))
    svg.setAttribute(name, value);
  const squares = document.createElementNS(SVG_NAMESPACE, "path");
  squares.setAttribute("d", path);
  svg.append(squares);
  const box = h("div", { class: "qr-code" });
  box.append(svg);
  return box;
}
