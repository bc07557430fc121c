/** A pair of genes with what is known about it: 1, a acts on b; 0, it does not. */
export interface LabelledPair {
  readonly a: number;
  readonly b: number;
  readonly label: 0 | 1;
}

/**
 * Every edge of the network as a positive, and for each regulator as many genes that it does not act on
 * (or all there are), drawn at random, as negatives. By regulator, then target.
 */
export function drawLabelledPairs(
  network: { regulator: Uint32Array; target: Uint32Array },
  { genes, regulators, seed }: { genes: number; regulators: number; seed: number },
): LabelledPair[] {
  const targets = Array.from({ length: regulators }, () => new Set<number>());
  network.regulator.forEach((regulator, edge) => {
    targets[regulator].add(network.target[edge]);
  });
  const random = randomNumbers(seed);
  return targets.flatMap((ofRegulator, a) => {
    const others: number[] = [];
    for (let gene = 0; gene < genes; gene++) if (gene !== a && !ofRegulator.has(gene)) others.push(gene);
    const negatives = drawWithout(others, Math.min(ofRegulator.size, others.length), random);
    const pairs = [
      ...[...ofRegulator].map((b): LabelledPair => ({ a, b, label: 1 })),
      ...negatives.map((b): LabelledPair => ({ a, b, label: 0 })),
    ];
    return pairs.sort((one, other) => one.b - other.b);
  });
}

/** `count` different items: the start of a Fisher-Yates shuffle. */
function drawWithout(items: number[], count: number, random: () => number): number[] {
  for (let i = 0; i < count; i++) {
    const j = i + Math.floor(random() * (items.length - i));
    [items[i], items[j]] = [items[j], items[i]];
  }
  return items.slice(0, count);
}

/** Uniform on [0, 1): xorshift32 (Marsaglia 2003), good enough to draw negatives. */
function randomNumbers(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
