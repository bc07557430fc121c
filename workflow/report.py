"""Writes one page about a finished run: what was done, the best pairs, and pictures of the first of them."""

import argparse
import base64
import csv
import html
import json
import os
import shlex
import subprocess
import tempfile
import urllib.parse

SHOWN_PAIRS = 20
PICTURES = 4
TABLES = {".tsv": "\t", ".csv": ","}

# What to tell of the steps' summaries: key, in words.
FACTS = [
    ("cells", "Cells"), ("genes", "Genes"), ("scale", "Values read as"), ("transform", "Transform"),
    ("architecture", "Network"), ("bestEpoch", "Best epoch"), ("shards", "Shards"), ("pairs", "Pairs scored"),
    ("written", "Pairs written"), ("rankedBy", "Ranked by"), ("aboveThreshold", "Above the model's threshold"),
]

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Gene pairs ranked by cnnc</title>
<style>
  body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
  table {{ border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }}
  th, td {{ text-align: left; padding: .2rem 1rem .2rem 0; border-bottom: 1px solid #ddd; }}
  figure {{ display: inline-block; width: 26rem; max-width: 100%; margin: 0 1rem 1rem 0; }}
  figure img {{ width: 100%; height: auto; }}
</style>
<h1>Gene pairs ranked by cnnc</h1>
{body}
</html>
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cnnc", required=True, help="the command, for pictures")
    parser.add_argument("--store", required=True, help="expression that the pairs were scored on")
    parser.add_argument("--ranked", required=True, help="the ranking")
    parser.add_argument("--benchmark", action="store_true", help="there is a benchmark's report, too")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("summaries", nargs="*", help="what the steps' --json printed")
    args = parser.parse_args()
    page = PAGE.format(body="\n".join(parts(args)))
    partial = f"{args.output}.partial-{os.getpid()}"
    with open(partial, "w", encoding="utf-8") as file:
        file.write(page)
    os.replace(partial, args.output)


def parts(args):
    yield f"<p>The ranking: {link(args.ranked, args.output)}.</p>"
    if args.benchmark:
        page = os.path.join(os.path.dirname(args.output), "benchmark", "index.html")
        yield f"<p>How good that is on known interactions: {link(page, args.output)}.</p>"
    yield table([], facts(args.summaries))
    separator = separator_of(args.ranked)
    if separator is None:
        return
    heads, rows = best(args.ranked, separator)
    yield f"<h2>The best {len(rows)} pairs</h2>"
    yield table(heads, rows)
    for a, b in [row[:2] for row in rows[:PICTURES]]:
        yield f"<figure>{picture(args.cnnc, args.store, a, b)}</figure>"


def link(path, page):
    place = os.path.relpath(path, os.path.dirname(page))
    return f'<a href="{urllib.parse.quote(place)}">{html.escape(place)}</a>'


def facts(summaries):
    known = {}
    for path in summaries:
        with open(path, encoding="utf-8") as file:
            known.update(json.load(file))
    for key, words in FACTS:
        value = known.get(key)
        if isinstance(value, dict):
            value = value.get("name")
        if isinstance(value, (int, float, str)):
            yield words, f"{value:,}" if isinstance(value, int) else value


def separator_of(ranked):
    """What stands between the columns of a ranking; None if it is no table. BEELINE's .csv has tabs."""
    name = os.path.basename(ranked).lower()
    return "\t" if name == "rankededges.csv" else TABLES.get(os.path.splitext(name)[1])


def best(ranked, separator):
    # Between tabs nothing is quoted.
    quoting = csv.QUOTE_NONE if separator == "\t" else csv.QUOTE_MINIMAL
    with open(ranked, encoding="utf-8", newline="") as file:
        reader = csv.reader(file, delimiter=separator, quoting=quoting)
        heads = next(reader)
        return heads, [row for row, _ in zip(reader, range(SHOWN_PAIRS))]


def table(heads, rows):
    line = lambda tag, cells: f"<tr>{''.join(f'<{tag}>{html.escape(str(cell))}</{tag}>' for cell in cells)}</tr>"
    return f"<table>{line('th', heads)}{''.join(line('td', row) for row in rows)}</table>"


def picture(cnnc, store, a, b):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "pair.svg")
        subprocess.run([*shlex.split(cnnc), "show-pair", store, a, b, "-o", path], check=True)
        with open(path, "rb") as file:
            content = base64.b64encode(file.read()).decode()
    words = html.escape(f"{a} and {b}: how many cells show each combination of expression levels")
    return f'<img alt="{words}" src="data:image/svg+xml;base64,{content}">'


if __name__ == "__main__":
    main()
