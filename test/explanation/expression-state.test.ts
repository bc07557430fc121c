import { describe, expect, it } from "vitest";
import { cellsWords, expectedWords, stateWords } from "../../dist/explanation/expression-state.js";

/** Values from -2 to 1.2; bins 1 to 19 are empty where undetected cells are apart. */
const edges = Float64Array.from({ length: 33 }, (_, i) => -2 + 0.1 * i);
const detected = { name: "Spi1", edges, separate: true, lowestBin: 20 };
const everywhere = { name: "Spi1", edges, separate: false, lowestBin: 0 };

describe("stateWords", () => {
  it.each([
    [detected, [0, 0], "Spi1 not detected"],
    [detected, [1, 31], "Spi1 detected (-1.9 to 1.2)"],
    [detected, [20, 31], "Spi1 detected (0 to 1.2)"],
    [detected, [20, 23], "Spi1 low (0 to 0.4)"],
    [detected, [5, 23], "Spi1 low (-1.5 to 0.4)"],
    [detected, [24, 27], "Spi1 medium (0.4 to 0.8)"],
    [detected, [24, 31], "Spi1 medium to high (0.4 to 1.2)"],
    [detected, [28, 28], "Spi1 high (0.8 to 0.9)"],
    [everywhere, [0, 31], "Spi1 any (-2 to 1.2)"],
    [everywhere, [0, 0], "Spi1 low (-2 to -1.9)"],
    [everywhere, [0, 30], "Spi1 low to high (-2 to 1.1)"],
    [everywhere, [11, 21], "Spi1 medium (-0.9 to 0.2)"],
  ] as const)("%#", (gene, bins, words) => {
    expect(stateWords(gene, bins)).toBe(words);
  });

  it("counts cells", () => {
    expect(cellsWords(1)).toBe("1 cell");
    expect(cellsWords(1234)).toBe("1,234 cells");
    expect([0.04, 12.55, 99.96, 1234.5].map(expectedWords)).toEqual(["0", "12.6", "100", "1,235"]);
  });
});
