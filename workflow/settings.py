"""Checks the configuration of a run and turns it into command lines. Knows nothing of Snakemake."""

import difflib
import hashlib
import json
import math
import os
import shlex

READING = ["layer", "raw", "gene-column", "obs", "scale", "transform"]
LABELLING = [
    "labels", "task", "negatives", "negative-ratio", "negatives-per-positive", "skip-missing",
    "skip-contradictions",
]

# The options of each command that a section may have: all but those that the workflow gives itself.
OPTIONS = {
    "prepare": READING + ["min-cells", "values"],
    "train": LABELLING + [
        "validation-share", "split", "fold-column", "test-fold", "architecture", "image", "init", "swap",
        "epochs", "batch-size", "optimizer", "learning-rate", "schedule", "weight-decay", "momentum", "patience",
        "class-weights", "seed", "engine", "precision", "cache-memory",
    ],
    "predict": [
        "model", "method", "rank-by", "top", "pairs", "regulators", "targets", "all-pairs", "skip-missing",
        "min-cells", "engine", "precision", "checkpoint", "memory",
    ],
    "benchmark": LABELLING + [
        "split", "folds", "fold-column", "methods", "add", "epochs", "seed", "engine", "precision",
        "cache-memory",
    ],
}
# Those that name files, which must be there.
FILES = {"labels", "init", "model", "pairs", "regulators", "targets"}

RESOURCES = {
    "prepare": {"threads": 4, "memory-gb": 8, "hours": 2, "gpus": 0},
    "train": {"threads": 8, "memory-gb": 8, "hours": 4, "gpus": 0},
    "benchmark": {"threads": 8, "memory-gb": 16, "hours": 12, "gpus": 0},
    "shard": {"threads": 4, "memory-gb": None, "hours": 12, "gpus": 0},
    "merge": {"threads": 1, "memory-gb": 2, "hours": 2, "gpus": 0},
}
KEYS = ["data", "results", "ranked", "shards", *OPTIONS, "resources", "sbatch", "mixed-processors", "cnnc"]

# Instructions that every processor of a cluster has had for ten years.
COMMON_INSTRUCTIONS = "ONEDNN_MAX_CPU_ISA=AVX2"


class Mistake(Exception):
    """What is wrong with a configuration, in a sentence or two."""


class Settings:
    """
    A configuration that was found to be right.

    data, results, ranked, prepared: paths; `prepared` is `data` itself if that is a prepared store.
    shards: how many; shard_folder: where they are kept, another one for other options.
    model: folder of the model that scores, or None; trains, benchmarks: whether there are such steps.
    prepare, train, predict, benchmark: options for the command lines, quoted for the shell.
    files: section -> the files that its options name.
    cnnc: the command itself; scorer: the same, for shards.
    resources: step -> {threads, mem_mb (None: memory_of_shard), runtime (minutes), slurm_extra (options of sbatch)}.
    """

    def __init__(self, config, home):
        """home: folder of cnnc's own checkout."""
        if not config:
            raise Mistake("There is no configuration: add --configfile FILE, a copy of workflow/config.yaml.")
        known(config, KEYS, "the configuration")
        sections = {name: section_of(config, name) for name in OPTIONS}
        self.data = path_of(config, "data")
        self.results = name_of(config, "results", "results").rstrip("/")
        self.ranked = f"{self.results}/{name_of(config, 'ranked', 'ranked.tsv')}"
        self.shards = number_of(config, "shards", 8, whole=True)
        self.trains = "labels" in sections["train"]
        self.benchmarks = bool(config.get("benchmark"))
        check_scorer(sections, self.trains)
        check_pairs(sections["predict"])
        if self.benchmarks:
            sections["benchmark"].setdefault("labels", sections["train"].get("labels"))
            if sections["benchmark"]["labels"] is None:
                raise Mistake("benchmark has no labels: add them to its section, or to train.")
        for name, section in sections.items():
            for option in FILES & section.keys():
                must_exist(section[option], f"{name}: {option}")
                refuse_braces(section[option], f"{name}: {option}")

        is_prepared = self.data.endswith(".cnnc.h5")
        self.prepared = self.data if is_prepared else f"{self.results}/data.cnnc.h5"
        if is_prepared and sections["prepare"]:
            raise Mistake(f"{self.data} is prepared already: leave the section prepare out, or name other data.")
        if not is_prepared:
            # Pearson's and Spearman's correlations need them, and a ranking by a model has a column of Spearman's.
            if not sections["prepare"].setdefault("values", True) and (self.benchmarks or "method" in sections["predict"]):
                raise Mistake("prepare: values is no, but benchmark and methods without a model need them.")
        self.model = f"{self.results}/model" if self.trains else sections["predict"].pop("model", None)
        if self.model and not self.trains and not is_prepared:
            sections["prepare"] = {**reading_of(self.model), **sections["prepare"]}
        mixed = truth_of(config, "mixed-processors")
        if mixed and self.model:
            sections["predict"]["precision"] = "f32"

        self.cnnc = text_of(config, "cnnc", f"node {shlex.quote(os.path.join(home, 'bin', 'cnnc.js'))}")
        self.scorer = f"env {COMMON_INSTRUCTIONS} {self.cnnc}" if mixed else self.cnnc
        self.files = {
            name: [section[option] for option in sorted(FILES & section.keys())] for name, section in sections.items()
        }
        self.prepare, self.train, self.predict, self.benchmark = map(command_line, sections.values())
        # Work of a stopped run with other options must not be in the way of this one.
        decides = json.dumps([self.data, self.prepare, self.model, self.train, self.predict, self.scorer])
        digest = hashlib.sha256(decides.encode()).hexdigest()[:8]
        self.shard_folder = f"{self.results}/shards/{digest}-of-{self.shards}"
        self.resources = resources_of(config)


def known(mapping, names, place):
    """Must be a mapping, every key of which is one of the names."""
    if not isinstance(mapping, dict):
        raise Mistake(f"{place} must have names with values, and is {mapping!r}.")
    for key in mapping:
        if key not in names:
            near = difflib.get_close_matches(str(key), names, 1)
            hint = f"Did you mean {near[0]}?" if near else f"It may have {', '.join(names)}."
            raise Mistake(f"{place} has {key}, which is not known. {hint}")


def section_of(config, name):
    """The options of a section; yes and no stand for those without any."""
    section = config.get(name)
    if section is None or (name == "benchmark" and isinstance(section, bool)):
        return {}
    if not isinstance(section, dict):
        raise Mistake(f"{name} must have options under it, as in\n{name}:\n  {OPTIONS[name][0]}: ...")
    elsewhere = [option for option in section if option in READING and option not in OPTIONS[name]]
    if elsewhere:
        raise Mistake(f"{name} has {elsewhere[0]}, which belongs to the section prepare.")
    known(section, OPTIONS[name], name)
    for option, value in section.items():
        if isinstance(value, dict):
            raise Mistake(f"{name}: {option} must be a value, or a list of them.")
    return {option: value for option, value in section.items() if value is not None}


def check_scorer(sections, trains):
    train, predict = sections["train"], sections["predict"]
    if train and not trains:
        raise Mistake("train has no labels: add the file of known interactions, or leave the section out.")
    given = ["train"] * trains + [f"predict: {name}" for name in ["model", "method"] if name in predict]
    if not given:
        raise Mistake("Nothing scores the pairs: add train with labels, or to predict a model or a method.")
    if len(given) > 1:
        raise Mistake(f"{' and '.join(given)} are both given: keep the one that shall score the pairs.")


def check_pairs(predict):
    sources = [name for name in ["regulators", "pairs", "all-pairs"] if predict.get(name)]
    if len(sources) != 1:
        has = " and ".join(sources) or "none"
        raise Mistake(f"predict must have one of regulators, pairs and all-pairs, and has {has}.")


def reading_of(model):
    """What a model expects of the data."""
    place = os.path.join(model, "cnnc.json")
    try:
        with open(place) as file:
            info = json.load(file)
        return {"scale": info["scale"], "transform": info["transform"]}
    except (OSError, ValueError, KeyError, TypeError):
        raise Mistake(f"predict: model names {model}, but {place} is not the cnnc.json of a model.") from None


def resources_of(config):
    given = config.get("resources") or {}
    known(given, list(RESOURCES), "resources")
    sbatch = text_of(config, "sbatch", "")
    return {
        step: step_resources(step, usual, given.get(step) or {}, sbatch) for step, usual in RESOURCES.items()
    }


def step_resources(step, usual, given, sbatch):
    place = f"resources: {step}"
    known(given, list(usual), place)
    number = lambda name, **rules: number_of(given, name, usual[name], place=place, **rules)
    gpus = number("gpus", whole=True, least=0)
    has_memory = given.get("memory-gb") is not None or usual["memory-gb"] is not None
    return {
        "threads": number("threads", whole=True),
        "mem_mb": math.ceil(number("memory-gb") * 1024) if has_memory else None,
        "runtime": math.ceil(number("hours") * 60),
        "slurm_extra": " ".join(filter(None, [sbatch, f"--gres=gpu:{gpus}" if gpus else ""])),
    }


def memory_of_shard(store_bytes):
    """MB that a shard of a prepared store of that size may take: with values 13 bytes for 9 on disk, and the program."""
    return math.ceil(1536 + 1.5 * store_bytes / 2**20)


def command_line(options):
    """{top: 10, raw: true, obs: [a, b]} -> --top 10 --raw --obs a --obs b"""
    words = []
    for name, value in options.items():
        if isinstance(value, bool):
            words.append(f"--{name}" if value else f"--no-{name}")
        else:
            for one in value if isinstance(value, list) else [value]:
                words += [f"--{name}", shlex.quote(str(one))]
    return " ".join(words)


def text_of(config, key, usual):
    value = config.get(key)
    if value is None:
        return usual
    if not isinstance(value, str) or not value:
        raise Mistake(f"{key} must be a word, and is {value!r}.")
    return value


def name_of(config, key, usual):
    """A file or folder. Snakemake takes braces in names for wildcards, and has no way to say that they are none."""
    name = text_of(config, key, usual)
    refuse_braces(name, key)
    return name


def refuse_braces(name, place):
    if "{" in name or "}" in name:
        raise Mistake(f"{place} names {name}, but names with braces cannot be used here: rename or link it.")


def path_of(config, key):
    if config.get(key) is None:
        raise Mistake(f"{key} is missing: it names the file of expression.")
    path = name_of(config, key, "")
    must_exist(path, key)
    return path


def must_exist(path, place):
    if not isinstance(path, str) or not os.path.exists(path):
        raise Mistake(f"{place} names {path}, which is not there (seen from {os.getcwd()}).")


def truth_of(config, key):
    value = config.get(key) or False
    if not isinstance(value, bool):
        raise Mistake(f"{key} must be yes or no, and is {value!r}.")
    return value


def number_of(config, key, usual, whole=False, least=None, place=None):
    """A positive number, or one that is `least` at least."""
    value = config.get(key)
    value = usual if value is None else value
    right = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    if not right or (value <= 0 if least is None else value < least):
        kind = "whole number" if whole else "number"
        bound = "above 0" if least is None else f"of at least {least}"
        raise Mistake(f"{f'{place}: ' if place else ''}{key} must be a {kind} {bound}, and is {value!r}.")
    return value
