import type { MethodResult } from "./results.js";

/** The trained network with the best mean AUROC per regulator; where none can be judged, over all pairs. */
export function leadingNetwork(methods: readonly MethodResult[]): MethodResult | undefined {
  const networks = methods.filter(({ group, learns }) => group === "network" && learns);
  const perRegulator = networks.some(({ perRegulator }) => perRegulator.regulators > 0);
  const aurocOf = ({ perRegulator: { auroc }, pooled }: MethodResult) => {
    const value = perRegulator ? auroc.value : pooled.auroc;
    return Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value;
  };
  return networks.reduce<MethodResult | undefined>(
    (best, one) => (best === undefined || aurocOf(one) > aurocOf(best) ? one : best),
    undefined,
  );
}
