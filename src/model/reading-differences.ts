import type { ModelFacts } from "./model-info.js";

/** In what the values that a model is about to see were read unlike those that it was trained on, a sentence each. */
export function readingDifferences(
  trained: Pick<ModelFacts, "scale" | "transform">,
  here: { readonly scale: string; readonly transform: string },
): string[] {
  const warning = (what: string, before: string, now: string) =>
    `The model was trained with ${what} ${before}, and here it is ${now}: its images may not be what it knows.`;
  return [
    ...(here.scale === trained.scale ? [] : [warning("scale", trained.scale, here.scale)]),
    ...(here.transform === trained.transform
      ? []
      : [warning("transform", trained.transform, here.transform)]),
  ];
}
