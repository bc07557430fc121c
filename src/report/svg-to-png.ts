import { createRequire } from "node:module";
import { CnncError } from "../errors.js";

/** The only font of a PNG: it comes with the package, so the picture is the same on every machine. */
const FONT_FAMILY = "DejaVu Sans";
const FONT_FILES = ["dejavu-fonts-ttf/ttf/DejaVuSans.ttf", "dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf"];

/** Options of {@link svgToPng}. */
export interface PngOptions {
  /** Pixels of the PNG per unit of the SVG; 2 unless given, sharp on a screen and in print. */
  scale?: number;
}

/**
 * Rasterises an SVG, with all its text in DejaVu Sans.
 *
 * @param svg a complete SVG document, e.g. of {@link renderPairSvg}
 * @returns the bytes of a PNG file (8-bit RGBA), `scale` times the size of the SVG
 * @throws {CnncError} `PNG_UNAVAILABLE` when the rasteriser has no build for this platform,
 *   `PNG_SCALE_INVALID` when the scale is not between 0 (exclusive) and 20
 */
export async function svgToPng(svg: string, options: PngOptions = {}): Promise<Uint8Array> {
  const scale = options.scale ?? 2;
  if (!(scale > 0 && scale <= 20)) {
    throw new CnncError(
      "PNG_SCALE_INVALID",
      `The PNG scale is ${scale}.`,
      "Give a scale above 0, at most 20.",
    );
  }
  const { renderAsync } = await loadRasteriser();
  const { resolve } = createRequire(import.meta.url);
  const image = await renderAsync(svg, {
    fitTo: { mode: "zoom", value: scale },
    font: {
      loadSystemFonts: false,
      fontFiles: FONT_FILES.map((file) => resolve(file)),
      defaultFontFamily: FONT_FAMILY,
    },
  });
  return image.asPng();
}

async function loadRasteriser(): Promise<typeof import("@resvg/resvg-js")> {
  try {
    return await import("@resvg/resvg-js");
  } catch (cause) {
    throw new CnncError(
      "PNG_UNAVAILABLE",
      `PNG pictures cannot be written on this platform (${process.platform}-${process.arch}): the rasteriser @resvg/resvg-js does not load.`,
      "Use .svg instead of .png.",
      { cause },
    );
  }
}
