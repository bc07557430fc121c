import type { HistogramSession } from "../histograms/index.js";
import type { PairMetrics, PreparationReport, TrainedModel } from "../training/index.js";
import { describeReport } from "./pair-options.js";
import { formatCount, formatDuration, plural } from "./text.js";

/** What a training brought and what it left out, one thing a line. */
export function trainingSummary(
  output: string,
  session: HistogramSession,
  trained: TrainedModel,
  seconds: number,
): string {
  const { prepared, history, engine, stoppedEarly } = trained;
  const { scale, matrix } = session.selection;
  const end = stoppedEarly ? ", stopped early" : "";
  const lines = [
    `${output}: ${prepared.task}, ${plural(prepared.training.length, "training pair")}, ` +
      `${plural(history.length, "epoch")}${end}, with ${engine}, in ${formatDuration(seconds)}`,
    `${matrix.name} read as ${scale.name}: ${scale.reason}`,
    ...describeMeasures(trained),
    ...describeLeftOut(session, prepared.report),
  ];
  return `${lines.join("\n")}\n`;
}

/** What of the labels was left out, or stands out. */
export function describeLeftOut(session: HistogramSession, report: PreparationReport): string[] {
  return [...describeSession(session), ...describePreparation(report)];
}

function describeMeasures({ bestEpoch, validation, test, content }: TrainedModel): string[] {
  const { threshold, split } = content.info;
  const lines: string[] = [];
  if (validation) lines.push(`Kept epoch ${bestEpoch}. Validation: ${describeMetrics(validation)}`);
  if (test) lines.push(`Test fold ${split?.testFold}: ${describeMetrics(test)}`);
  if (threshold) {
    lines.push(
      `Pairs that score ${threshold.score.toPrecision(3)} or more are marked: precision ` +
        `${threshold.precision.toFixed(2)} on validation pairs`,
    );
  }
  return lines;
}

function describeMetrics(metrics: PairMetrics): string {
  const { auroc, aurocPerRegulator, regulators, auprc, positives, pairs, directionAuroc } = metrics;
  const interacting = `${formatCount(positives)} of ${formatCount(pairs)} pairs interact`;
  if (positives === 0 || positives === pairs) return `${interacting}, so there is nothing to tell apart`;
  const each =
    regulators > 0 ? `, mean of ${plural(regulators, "regulator")} ${aurocPerRegulator.toFixed(3)}` : "";
  const direction = directionAuroc === undefined ? "" : `, direction ${directionAuroc.toFixed(3)}`;
  return `AUROC ${auroc.toFixed(3)}${each}${direction}, AUPRC ${auprc.toFixed(3)} (${interacting})`;
}

/** Repeated pairs are counted where labels are merged. */
function describeSession({ report }: HistogramSession): string[] {
  const list = { pairs: "", regulators: undefined, targets: undefined, "all-pairs": undefined };
  const options = { ...list, "min-cells": 0, "skip-missing": true };
  return describeReport({ ...report, duplicatePairs: 0 }, options);
}

/** How far targets of negatives may differ from those of positives before it is worth a word. */
const LARGE_DISTANCE = 0.1;

function describePreparation(report: PreparationReport): string[] {
  const { mirrorsDropped, leftOut, labels, positives, negatives } = report;
  const listed = labels ?? positives;
  const mirrors = mirrorsDropped.test + mirrorsDropped.validation;
  const lines: string[] = [];
  const note = (count: number | undefined, text: (count: number) => string) => {
    if (count !== undefined && count > 0) lines.push(text(count));
  };
  note(listed?.duplicatesMerged, (count) => `Listed more than once: ${plural(count, "pair")}`);
  note(listed?.reversed, (count) => `Turned round, because their label is 2: ${plural(count, "pair")}`);
  note(
    listed?.contradictionsLeftOut,
    (count) => `Left out, because the file contradicts itself: ${plural(count, "pair")}`,
  );
  note(
    positives?.negativesLeftOut,
    (count) => `Left out, because negatives are drawn: ${plural(count, "pair")} with label 0`,
  );
  note(
    mirrors,
    (count) => `Left out of training: ${plural(count, "pair")} whose mirror is tested or validated`,
  );
  note(leftOut, (count) => `In no part, because they share a gene with both: ${plural(count, "pair")}`);
  if (!negatives) return lines;
  const { drawn, asked, short, targetDistance } = negatives;
  lines.push(`Negatives: ${formatCount(drawn)} drawn of ${formatCount(asked)} asked for`);
  note(short.length, (count) => `With fewer negatives than asked for: ${plural(count, "regulator")}`);
  if (targetDistance > LARGE_DISTANCE) {
    lines.push(
      `Targets of negatives are not as frequent as among interactions (distance ${targetDistance.toFixed(2)} of 1): ` +
        "a network can tell them apart without any dependence between genes; --negatives degree-matched keeps this small",
    );
  }
  return lines;
}

/** The same and more, for programs. */
export function trainingSummaryJson(
  output: string,
  { selection, report }: HistogramSession,
  { content, engine, bestEpoch, history, stoppedEarly, prepared }: TrainedModel,
  seconds: number,
): string {
  const summary = {
    output,
    engine,
    bestEpoch,
    stoppedEarly,
    seconds,
    matrix: selection.matrix.name,
    scaleReason: selection.scale.reason,
    history,
    report: { ...report, ...prepared.report },
    ...content.info,
  };
  return `${JSON.stringify(summary, null, 2)}\n`;
}
