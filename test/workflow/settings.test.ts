import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runCnnc, testFolder } from "../support/run-cnnc.js";
import { missing, WORKFLOW } from "./support.js";

const NO_PYTHON = missing("python3");

const SCRIPT = `
import json, sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import settings
if sys.argv[2] == "options":
    answer = settings.OPTIONS
elif sys.argv[2].isdigit():
    answer = settings.memory_of_shard(int(sys.argv[2]))
else:
    try:
        answer = vars(settings.Settings(json.loads(sys.argv[2]), "/opt/cnnc"))
    except settings.Mistake as mistake:
        answer = str(mistake)
print(json.dumps(answer))
`;

/** A folder with what configurations name: files, and a model that reads linear values. */
function folderOfFiles(): string {
  const folder = testFolder();
  for (const name of ["data.h5ad", "data.cnnc.h5", "tfs.txt", "known.tsv", "{a}.txt"])
    writeFileSync(join(folder, name), "");
  writeFileSync(join(folder, "cnnc.json"), JSON.stringify({ scale: "linear", transform: "log1p" }));
  return folder;
}

function settingsOf(config: object | string, folder = folderOfFiles()): unknown {
  const text = typeof config === "string" ? config : JSON.stringify(config);
  const { stdout, stderr } = spawnSync("python3", ["-c", SCRIPT, WORKFLOW, text], {
    cwd: folder,
    encoding: "utf8",
  });
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout);
}

const data = "data.h5ad";
const byModel = { data, predict: { model: ".", regulators: "tfs.txt" } };

describe.skipIf(NO_PYTHON)(`the configuration of the workflow${NO_PYTHON}`, () => {
  it("becomes command lines", () => {
    const config = {
      data,
      results: "out/",
      shards: 7,
      prepare: { obs: ["type=a b", "x!=1"], raw: true },
      train: { labels: "known.tsv", epochs: 3, swap: false },
      predict: { "all-pairs": true, top: 10 },
      benchmark: { methods: "degree" },
      resources: { shard: { threads: 16, "memory-gb": 1.5, hours: 0.5, gpus: 2 } },
      sbatch: "--partition=long",
    };
    expect(settingsOf(config)).toMatchObject({
      ranked: "out/ranked.tsv",
      prepared: "out/data.cnnc.h5",
      model: "out/model",
      prepare: "--obs 'type=a b' --obs 'x!=1' --raw --values",
      train: "--labels known.tsv --epochs 3 --no-swap",
      predict: "--all-pairs --top 10",
      benchmark: "--methods degree --labels known.tsv",
      files: { prepare: [], train: ["known.tsv"], predict: [], benchmark: ["known.tsv"] },
      cnnc: "node /opt/cnnc/bin/cnnc.js",
      resources: {
        shard: { threads: 16, mem_mb: 1536, runtime: 30, slurm_extra: "--partition=long --gres=gpu:2" },
        merge: { threads: 1, mem_mb: 2048, runtime: 120, slurm_extra: "--partition=long" },
      },
    });
  });

  it("prepares data as a given model reads them, unless told otherwise", () => {
    const { predict } = byModel;
    expect(settingsOf(byModel)).toMatchObject({
      prepare: "--scale linear --transform log1p --values",
      benchmarks: false,
    });
    expect(settingsOf({ data, predict, prepare: { scale: "counts" } })).toMatchObject({
      prepare: "--scale counts --transform log1p --values",
    });
    expect(settingsOf({ data, predict, prepare: { values: false } })).toMatchObject({
      prepare: "--scale linear --transform log1p --no-values",
    });
    expect(settingsOf({ data: "data.cnnc.h5", predict })).toMatchObject({
      prepared: "data.cnnc.h5",
      prepare: "",
    });
  });

  it("asks for the memory that a shard takes, unless told otherwise", () => {
    expect(settingsOf(byModel)).toMatchObject({
      resources: { shard: { mem_mb: null }, merge: { mem_mb: 2048 } },
    });
    const given = { ...byModel, resources: { shard: { "memory-gb": 3 } } };
    expect(settingsOf(given)).toMatchObject({ resources: { shard: { mem_mb: 3072 } } });
    // 9 GB with values: measured at 13.3 GB.
    const asked = settingsOf("9000000000") as number;
    expect(asked).toBeGreaterThan(13.3e9 / 2 ** 20);
    expect(asked).toBeLessThan(16e9 / 2 ** 20);
  });

  it("has the same bits on all processors if asked to", () => {
    const { predict, scorer } = settingsOf({ ...byModel, "mixed-processors": true }) as Record<
      string,
      string
    >;
    expect(predict).toBe("--regulators tfs.txt --precision f32");
    expect(scorer).toBe("env ONEDNN_MAX_CPU_ISA=AVX2 node /opt/cnnc/bin/cnnc.js");
  });

  it("keeps shards of other options in another folder", () => {
    const folderOf = (predict: object) =>
      (settingsOf({ data, predict: { ...byModel.predict, ...predict } }) as { shard_folder: string })
        .shard_folder;
    expect(folderOf({})).toMatch(/^results\/shards\/[0-9a-f]{8}-of-8$/);
    expect(folderOf({})).toBe(folderOf({}));
    expect(folderOf({ top: 5 })).not.toBe(folderOf({}));
  });

  const { predict } = byModel;
  it.each([
    [{}, /^There is no configuration: add --configfile FILE/],
    [{ ...byModel, shard: 3 }, /^the configuration has shard, which is not known\. Did you mean shards\?$/],
    [
      { ...byModel, colour: 3 },
      /^the configuration has colour, which is not known\. It may have data, results,/,
    ],
    [{ predict }, /^data is missing: it names the file of expression\.$/],
    [{ data: "gone.h5ad", predict }, /^data names gone\.h5ad, which is not there \(seen from .*\)\.$/],
    [{ ...byModel, shards: 0 }, /^shards must be a whole number above 0, and is 0\.$/],
    [{ ...byModel, shards: "four" }, /^shards must be a whole number above 0, and is 'four'\.$/],
    [{ ...byModel, results: 3 }, /^results must be a word, and is 3\.$/],
    [
      { ...byModel, train: "known.tsv" },
      /^train must have options under it, as in\ntrain:\n {2}labels: \.\.\.$/,
    ],
    [{ ...byModel, train: { epochs: 3 } }, /^train has no labels:/],
    [
      { ...byModel, train: { labels: "known.tsv" } },
      /^train and predict: model are both given: keep the one/,
    ],
    [
      { data, predict: { ...predict, method: "pearson" } },
      /^predict: model and predict: method are both given/,
    ],
    [{ data, predict: { regulators: "tfs.txt" } }, /^Nothing scores the pairs: add train with labels,/],
    [
      { data, predict: { model: "." } },
      /^predict must have one of regulators, pairs and all-pairs, and has none\.$/,
    ],
    [{ data, predict: { ...predict, "all-pairs": true } }, /and has regulators and all-pairs\.$/],
    [
      { data, predict: { ...predict, model: "tfs.txt" } },
      /^predict: model names tfs\.txt, but tfs\.txt\/cnnc\.json is/,
    ],
    [
      { data, predict: { ...predict, regulators: "tf.txt" } },
      /^predict: regulators names tf\.txt, which is not there/,
    ],
    [
      { data, predict: { ...predict, obs: "a=b" } },
      /^predict has obs, which belongs to the section prepare\.$/,
    ],
    [
      { data, predict: { ...predict, tops: 1 } },
      /^predict has tops, which is not known\. Did you mean top\?$/,
    ],
    [{ data, predict: { ...predict, top: { a: 1 } } }, /^predict: top must be a value, or a list of them\.$/],
    [
      { ...byModel, results: "out{1}" },
      /^results names out\{1\}, but names with braces cannot be used here: rename or link it\.$/,
    ],
    [{ ...byModel, ranked: "r}.tsv" }, /^ranked names r\}\.tsv, but names with braces/],
    [{ ...byModel, data: "{x}.h5ad" }, /^data names \{x\}\.h5ad, but names with braces/],
    [
      { data, predict: { ...predict, regulators: "{a}.txt" } },
      /^predict: regulators names \{a\}\.txt, but names with/,
    ],
    [
      {
        data,
        prepare: { values: false },
        predict: { method: "mutual-information", regulators: "tfs.txt" },
      },
      /^prepare: values is no, but benchmark and methods without a model need them\.$/,
    ],
    [{ ...byModel, benchmark: true }, /^benchmark has no labels: add them to its section, or to train\.$/],
    [
      { data: "data.cnnc.h5", predict, prepare: { raw: true } },
      /^data\.cnnc\.h5 is prepared already: leave the/,
    ],
    [
      { ...byModel, resources: { shards: {} } },
      /^resources has shards, which is not known\. Did you mean shard\?$/,
    ],
    [{ ...byModel, resources: 3 }, /^resources must have names with values, and is 3\.$/],
    [
      { ...byModel, resources: { shard: "8G" } },
      /^resources: shard must have names with values, and is '8G'\.$/,
    ],
    [{ ...byModel, resources: { shard: { cpus: 1 } } }, /^resources: shard has cpus, which is not known\. /],
    [
      { ...byModel, resources: { shard: { hours: 0 } } },
      /^resources: shard: hours must be a number above 0, and is 0\.$/,
    ],
    [
      { ...byModel, resources: { merge: { gpus: -1 } } },
      /^resources: merge: gpus must be a whole number of at least 0,/,
    ],
    [{ ...byModel, "mixed-processors": "maybe" }, /^mixed-processors must be yes or no, and is 'maybe'\.$/],
  ])("says what is wrong with %j", (config, message) => {
    expect(settingsOf(config)).toMatch(message);
  });

  it("knows the options of the commands", async () => {
    const known = settingsOf("options") as Record<string, string[]>;
    const commands = { prepare: "prepare", train: "train", predict: "predict-pairs", benchmark: "benchmark" };
    for (const [section, command] of Object.entries(commands)) {
      const { stdout } = await runCnnc([command, "--help"], ".");
      const offered = new Set([...stdout.matchAll(/^ +(?:-\w, )?--([a-z-]+)/gm)].map(([, name]) => name));
      expect(known[section].filter((name) => !offered.has(name))).toEqual([]);
      // What the workflow decides itself, what its other sections decide, and what makes no sense in it.
      const others =
        "output json verbose version help threads format values yes resume device dry-run histograms shard compare memory";
      const left = [...offered].filter(
        (name) => !known[section].includes(name) && !others.split(" ").includes(name),
      );
      expect(left.filter((name) => !known.prepare.includes(name))).toEqual([]);
    }
  });
});
