import type { AnswerDone } from "../../evaluation/index.js";
import { formatDuration } from "../text.js";

/**
 * Tells in a line what is done: `target-disjoint, fold 2: compact in 12 s; 14 of 60, about 3 min left`. What is left
 * is estimated from the time that each method took so far; methods that were not yet seen count as the mean.
 */
export function answerLine(): (done: AnswerDone) => string {
  const times = new Map<string, { seconds: number; count: number }>();
  const timesOf = (name: string) => {
    const known = times.get(name) ?? { seconds: 0, count: 0 };
    times.set(name, known);
    return known;
  };
  return ({ split, fold, method, seconds, kept, done, total }) => {
    const own = timesOf(method);
    own.seconds += seconds;
    own.count++;
    const means = [...times.values()].map(({ seconds, count }) => seconds / count);
    const each = means.reduce((sum, mean) => sum + mean, 0) / means.length;
    const left = done < total && done > 1 ? `, about ${formatDuration(each * (total - done))} left` : "";
    const took = kept ? "done before" : `in ${formatDuration(seconds)}`;
    return `${split}, fold ${fold}: ${method} ${took}; ${done} of ${total}${left}`;
  };
}
