import { pairMap, SWAPPED_CLASS } from "../../pairs/index.js";
import type { FoldTask, Method } from "../method.js";

/**
 * The label of the swapped pair (b, a), where it stands outside the test fold: what could be copied if mirrors were
 * left in training, as they are in undirected networks that list every edge twice. All other methods learn without
 * those. A pair without a mirror lies between the two labels.
 */
export function mirrorLookupMethod(): Method {
  return {
    name: "mirror-lookup",
    label: "label of the swapped pair, if it were left in training",
    group: "control",
    learns: true,
    async score({ task, pairs: { a, b, labels }, test }: FoldTask) {
      const tested = new Set(test);
      const rest = Uint32Array.from(a.keys()).filter((row) => !tested.has(row));
      const known = pairMap(rest.length);
      for (const row of rest) known.put(a[row], b[row], labels[row]);
      const mirrored = Int8Array.from(test, (row) => known.find(b[row], a[row]));
      const interaction = Float64Array.from(mirrored, (label) => (label === -1 ? 0.5 : label === 0 ? 0 : 1));
      if (task === "interaction") return { interaction };
      const direction = Float64Array.from(mirrored, (label) => {
        const own = label === -1 ? 0 : SWAPPED_CLASS[label];
        return own === 1 ? 1 : own === 2 ? -1 : 0;
      });
      return { interaction, direction };
    },
  };
}
