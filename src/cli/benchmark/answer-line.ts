import type { AnswerDone } from "../../evaluation/index.js";
import { formatDuration } from "../text.js";

/**
 * Tells in a line what is done: `target-disjoint, fold 2: compact in 12 s; 14 of 60, about 3 min left`. What is left
 * is estimated from the time that each method took so far; methods that were not yet asked count as the mean.
 *
 * @param methods names of all
 */
export function answerLine(methods: readonly string[]): (done: AnswerDone) => string {
  const times = new Map(methods.map((name) => [name, { seconds: 0, count: 0 }]));
  const secondsLeft = (total: number) => {
    const asked = [...times.values()].filter(({ count }) => count > 0);
    const mean = asked.reduce((sum, { seconds, count }) => sum + seconds / count, 0) / asked.length;
    return [...times.values()].reduce((sum, { seconds, count }) => {
      const each = count > 0 ? seconds / count : mean;
      return sum + each * (total / methods.length - count);
    }, 0);
  };
  return ({ split, fold, method, seconds, kept, done, total }) => {
    const own = times.get(method);
    if (own) {
      own.seconds += seconds;
      own.count++;
    }
    const left = done < total && done > 1 ? `, about ${formatDuration(secondsLeft(total))} left` : "";
    const took = kept ? "done before" : `in ${formatDuration(seconds)}`;
    return `${split}, fold ${fold}: ${method} ${took}; ${done} of ${total}${left}`;
  };
}
