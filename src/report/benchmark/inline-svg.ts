import { type Html, trusted } from "./html.js";

/**
 * An SVG document as part of a page: without its prolog, its ids made unique by a prefix, its name and description
 * tied to it for all screen readers, and as wide as the place allows.
 *
 * @param svg a document of this package, which therefore has `<title>` and `<desc>`
 * @param prefix unique in the page
 */
export function inlineSvg(svg: string, prefix: string): Html {
  const document = svg.slice(Math.max(0, svg.search(/<svg[\s>]/)));
  const renamed = document
    .replace(/ id="([^"]+)"/g, ` id="${prefix}-$1"`)
    .replace(/url\((["']|&quot;)?#([^)"'&]+)(["']|&quot;)?\)/g, `url(#${prefix}-$2)`)
    .replace(/( (?:xlink:)?href=")#([^"]+)"/g, `$1#${prefix}-$2"`);
  const named = renamed
    .replace("<title>", `<title id="${prefix}-title">`)
    .replace("<desc>", `<desc id="${prefix}-desc">`)
    .replace(/^<svg /, `<svg aria-labelledby="${prefix}-title" aria-describedby="${prefix}-desc" `);
  return trusted(named.trim());
}
