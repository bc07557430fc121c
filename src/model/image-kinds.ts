export const IMAGE_KINDS = ["nepdf", "residual", "margins"] as const;
/**
 * What a channel of a pair's image holds, H being the counts of N cells and Q the product of H / N's two margins:
 *
 * - `nepdf`: (log10(H / N + 1e-4) + 4) / 4
 * - `residual`: 0.5 (H / N - Q) / sqrt(Q + 1 / N), cut off at -3 and 3; dependence without the genes' identity
 * - `margins`: (log10(Q + 1e-4) + 4) / 4; the genes' identity without dependence
 */
export type ImageKind = (typeof IMAGE_KINDS)[number];
