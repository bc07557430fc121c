import { CnncError } from "../errors.js";
import { explanationImageSpec, type MarkedRegion } from "./explanation-image-spec.js";
import { drawnPair, oneLine, type PairImage } from "./pair-image.js";
import { specToSvg } from "./spec-to-svg.js";

/** What an explanation adds to a pair's histogram: the parts of a PairExplanation that are drawn. */
export interface ExplanationOverlay {
  /** 1024 numbers: row = bin of gene b, column = bin of gene a. */
  readonly attribution: ArrayLike<number>;
  /** What is explained, e.g. `log-odds of an interaction`. */
  readonly quantity: string;
  readonly score: number;
  readonly baselineScore: number;
  /** Strongest first. */
  readonly regions: readonly MarkedRegion[];
}

/** Options of {@link renderExplanationSvg}. */
export interface ExplanationImageOptions {
  /** Draw the histogram to the left. Default true. */
  readonly histogram?: boolean;
}

/** The longest quantity, in characters, that fits above the picture. */
const LONGEST_QUANTITY = 60;

/**
 * Draws what moves a pair's score: the histogram as renderPairSvg does, and beside it the attribution of each bin in
 * colour (red raises the score, blue lowers it; square-root scale), with a dot for each bin that holds cells and a
 * numbered frame around each region, whose words stand below.
 *
 * @returns a self-contained SVG document
 * @throws {CnncError} `PAIR_IMAGE_INVALID` when the histogram or the attribution is not one
 */
export async function renderExplanationSvg(
  image: PairImage,
  explanation: ExplanationOverlay,
  { histogram = true }: ExplanationImageOptions = {},
): Promise<string> {
  const { panels, title, description } = drawnPair(image);
  const attribution = Array.from(explanation.attribution);
  if (attribution.length !== panels.counts.length || !attribution.every(Number.isFinite)) {
    throw new CnncError(
      "PAIR_IMAGE_INVALID",
      `The explanation of ${title} cannot be drawn: it is not ${panels.counts.length} numbers.`,
      "Pass the explanation of this pair, as explainPair makes it.",
    );
  }
  const regions = explanation.regions.map((region) => ({ ...region, words: oneLine(region.words) }));
  const change = `from ${decimals(explanation.baselineScore)}, if the genes were independent, to ${decimals(explanation.score)}`;
  const quantity = oneLine(explanation.quantity);
  const spec = explanationImageSpec(
    panels,
    {
      attribution,
      heading: [
        `What moves the ${quantity.length > LONGEST_QUANTITY ? `${quantity.slice(0, LONGEST_QUANTITY)}…` : quantity}`,
        change,
      ],
      regions,
    },
    histogram,
  );
  const told = [
    histogram
      ? `Left: ${description.replace(/\.?$/, ".")} Right: the same bins, coloured by what they add to the ${quantity}, ${change}.`
      : `Heat map of what each bin of the two genes' expression adds to the ${quantity}, ${change}.`,
    ...regions.map(
      ({ attribution, words }, index) =>
        `Region ${index + 1} ${attribution < 0 ? "lowers" : "raises"} it by ${decimals(Math.abs(attribution))}: ${words}.`,
    ),
  ];
  return specToSvg(spec, { title: `Why ${title} scores as it does`, description: told.join(" ") });
}

const decimals = (value: number) => value.toFixed(2).replace("-", "−");
