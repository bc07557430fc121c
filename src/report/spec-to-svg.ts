import type { Spec } from "vega";

/** What a reader who cannot see the picture is told. */
export interface AltText {
  /** The picture's name: a few words. */
  title: string;
  /** What the picture shows: a few sentences. */
  description: string;
}

/**
 * Draws a Vega specification without a browser.
 *
 * @returns a self-contained SVG document (no script, no style sheet, no link) with `role="img"`,
 *   `<title>` and `<desc>`
 */
export async function specToSvg(spec: Spec, alt: AltText): Promise<string> {
  const { Error: errorsOnly, parse, View } = await import("vega");
  const view = new View(parse(spec), { renderer: "none", logLevel: errorsOnly });
  try {
    const svg = await view.toSVG();
    return svg.replace(
      /^<svg ([^>]*)>/,
      (_, attributes: string) =>
        `<svg ${attributes} role="img">` +
        `<title>${escapeXml(alt.title)}</title><desc>${escapeXml(alt.description)}</desc>`,
    );
  } finally {
    view.finalize();
  }
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
