import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Dataset, File, ready } from "h5wasm/node";
import { describe, expect, it } from "vitest";
import {
  type HistogramSession,
  mergeHistogramShards,
  writeHistogramShard,
  writeHistogramsHdf5,
} from "../../dist/histograms/index.js";
import { errorOf } from "../support/errors.js";
import { contents, testFolder } from "../support/run-cnnc.js";
import { listed, openSession } from "../support/sessions.js";
import { writeHdf5 } from "../support/tiny-h5ad.js";

const DATA = fileURLToPath(new URL("../fixtures/oracle/expression.h5ad", import.meta.url));
const GENES = Array.from({ length: 8 }, (_, i) => `gene${i}`);
const PAIRS = GENES.flatMap((a) => GENES.filter((b) => b !== a).map((b): [string, string] => [a, b]));
const LABELS = PAIRS.map((_, i) => i % 3);

/** Everything in a file. */
async function readAll(path: string) {
  await ready;
  const file = new File(path, "r");
  const datasets = Object.fromEntries(
    file.keys().map((name) => {
      const { dtype, shape, metadata, value } = file.get(name) as Dataset;
      return [name, { dtype, shape, chunks: metadata.chunks, maxshape: metadata.maxshape, values: value }];
    }),
  );
  const attributes = Object.fromEntries(
    Object.entries(file.attrs).map(([name, { dtype, value }]) => [name, { dtype, value }]),
  );
  file.close();
  return { datasets, attributes };
}

async function writeShards(session: HistogramSession, of: number, nepdf = false): Promise<string[]> {
  const folder = testFolder();
  const paths = Array.from({ length: of }, (_, i) => join(folder, `part-${i + 1}.h5`));
  for (const [i, path] of paths.entries()) {
    await writeHistogramShard(session, path, { index: i + 1, of }, { nepdf });
  }
  return paths;
}

describe("mergeHistogramShards", () => {
  it.each([
    [1, false],
    [2, false],
    [7, true],
    [20, false],
  ])("gives of %i shards the file that there is without shards, of NEPDFs: %s", async (of, nepdf) => {
    const session = await openSession(DATA, listed(PAIRS, LABELS));
    const folder = testFolder();
    const [whole, merged] = [join(folder, "whole.h5"), join(folder, "merged.h5")];
    await writeHistogramsHdf5(session, whole, { nepdf });
    const shards = await writeShards(session, of, nepdf);
    const found = await mergeHistogramShards(shards.toReversed(), merged);
    expect(found).toMatchObject({ pairs: PAIRS.length, kind: nepdf ? "nepdf" : "counts" });
    expect(await readAll(merged)).toEqual(await readAll(whole));
    expect(contents(folder)).toEqual(["merged.h5", "whole.h5"]);
  });

  it("does so of all pairs, which have no labels", async () => {
    const session = await openSession(DATA, { kind: "all" });
    const folder = testFolder();
    await writeHistogramsHdf5(session, join(folder, "whole.h5"));
    await mergeHistogramShards(await writeShards(session, 3), join(folder, "merged.h5"));
    expect(await readAll(join(folder, "merged.h5"))).toEqual(await readAll(join(folder, "whole.h5")));
  });

  const refused = async (paths: string[]) => {
    const folder = testFolder();
    const error = await errorOf(() => mergeHistogramShards(paths, join(folder, "merged.h5")));
    expect(contents(folder)).toEqual([]);
    return error;
  };

  it("refuses shards that are missing, there twice, or of different runs", async () => {
    const session = await openSession(DATA, listed(PAIRS));
    const [one, two, three] = await writeShards(session, 3);
    expect((await refused([one, three])).message).toBe("Of 3 shards, 2 is missing.");
    expect((await refused([one, two, two])).message).toMatch(/are both shard 2 of 3\.$/);
    const [other] = await writeShards(await openSession(DATA, listed(PAIRS), { transform: "log1p" }), 3);
    expect((await refused([two, other])).message).toMatch(
      /shards of different runs: transform log1p and log10; other genes\.$/,
    );
    const [nepdf] = await writeShards(session, 3, true);
    expect((await refused([two, nepdf])).message).toMatch(/: content nepdf and counts\.$/);
    const pairs = await openSession(DATA, listed(PAIRS.toReversed()));
    const [reversed] = await writeShards(pairs, 3);
    expect((await refused([two, reversed])).message).toMatch(/: other pairs\.$/);
  });

  it("refuses files that are whole, damaged, or something else", async () => {
    const session = await openSession(DATA, listed(PAIRS, LABELS));
    const folder = testFolder();
    const whole = join(folder, "whole.h5");
    await writeHistogramsHdf5(session, whole);
    expect((await refused([whole])).code).toBe("NOT_A_SHARD");
    const other = await writeHdf5(join(folder, "other.h5"), (root) => void root.create_group("g"));
    expect((await refused([other])).code).toBe("NOT_A_SHARD");

    for (const name of ["counts", "pairs", "labels", "edges"]) {
      const [path] = await writeShards(session, 1);
      changeLast(path, name);
      const error = await refused([path]);
      expect(error.code).toBe("SHARD_DAMAGED");
      expect(error.message).toContain(path);
    }
    const spoilNote = async (spoil: (note: string) => string) => {
      const [path] = await writeShards(session, 1);
      const file = new File(path, "a");
      const note = file.attrs.shard.value as string;
      file.delete_attribute("shard");
      file.create_attribute("shard", spoil(note));
      file.close();
      return (await refused([path])).code;
    };
    expect(await spoilNote((note) => note.replace("log10", "log1p"))).toBe("SHARD_DAMAGED");
    expect(await spoilNote((note) => note.replace('"of":1', '"of":2'))).toBe("SHARD_DAMAGED");
    expect(await spoilNote((note) => note.replace('"format":1', '"format":2'))).toBe("SHARD_NEWER");
    for (const other of ["null", "3", "{}", '{"format":1}', "1/2"])
      expect(await spoilNote(() => other)).toBe("SHARD_DAMAGED");
    const [path] = await writeShards(session, 1);
    writeFileSync(path, readFileSync(path).subarray(0, -5000));
    expect((await refused([path])).code).toBe("FILE_TRUNCATED");
  });

  it("stops when it is told to", async () => {
    const shards = await writeShards(await openSession(DATA, listed(PAIRS)), 2);
    const signal = AbortSignal.abort();
    const output = join(testFolder(), "merged.h5");
    expect((await errorOf(() => mergeHistogramShards(shards, output, { signal }))).code).toBe("CANCELLED");
  });
});

/** Changes the last number of a dataset, as a bad disk may. */
function changeLast(path: string, name: string): void {
  const file = new File(path, "a");
  const dataset = file.get(name) as Dataset;
  const shape = dataset.shape as number[];
  const last = shape.map((length): [number, number] => [length - 1, length]);
  const value = dataset.slice(last) as Float64Array;
  value[0] += 1;
  dataset.write_slice(last, value);
  file.close();
}
