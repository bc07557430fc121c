import { IMAGE_SIZE } from "../histograms/index.js";
import type { ImageKind } from "../model/index.js";
import { addon } from "../native/addon.js";
import type { CountArray } from "../native/addon-types.js";

/** What a network is shown of a pair, and what it would be shown of two independent genes. */
export interface PairInput {
  readonly channels: number;
  /** 32 x 32 x channels. */
  readonly image: Float32Array;
  /** The same of independent genes with the same margins. */
  readonly baseline: Float32Array;
}

/**
 * The image of a histogram, and the image of independence: H / N replaced by Q, the product of its margins. That makes
 * a residual 0 and a NEPDF equal to the margins, and leaves the margins as they are (see ImageKind).
 *
 * @param counts 32 x 32, row = bin of gene b
 * @throws Error `BAD_IMAGE` of the native code for no kinds or no cells
 */
export function pairInput(counts: CountArray, cells: number, kinds: readonly ImageKind[]): PairInput {
  const channels = kinds.length;
  const imageOf = (shown: readonly ImageKind[]): Float32Array => {
    const image = new Float32Array(IMAGE_SIZE * shown.length);
    addon().buildImages(counts, cells, shown, Uint32Array.of(0), Uint8Array.of(0), image);
    return image;
  };
  const margins = imageOf(["margins"]);
  const baseline = new Float32Array(IMAGE_SIZE * channels);
  kinds.forEach((kind, channel) => {
    if (kind === "residual") return;
    for (let bin = 0; bin < IMAGE_SIZE; bin++) baseline[bin * channels + channel] = margins[bin];
  });
  return { channels, image: imageOf(kinds), baseline };
}
