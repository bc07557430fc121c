import type { Progress, ProgressListener } from "../progress.js";
import { formatCount, formatDuration } from "./text.js";

/** Work shorter than this shows nothing. */
const QUIET_MS = 1000;
const TERMINAL_INTERVAL_MS = 100;
const PIPE_INTERVAL_MS = 10_000;

/**
 * Shows progress on stderr: one line that is rewritten on a terminal, a line now and then when piped.
 *
 * @returns the listener, and `end` that clears the line
 */
export function progressLine(stream: NodeJS.WriteStream = process.stderr): {
  listener: ProgressListener;
  end: () => void;
} {
  const interval = stream.isTTY ? TERMINAL_INTERVAL_MS : PIPE_INTERVAL_MS;
  let phase = "";
  let started = 0;
  let shownAt = 0;
  let dirty = false;
  const clear = () => {
    if (dirty) stream.write("\r\x1b[K");
    dirty = false;
  };
  return {
    listener(progress) {
      const now = performance.now();
      if (progress.phase !== phase) {
        phase = progress.phase;
        started = now;
        shownAt = now - interval + QUIET_MS;
      }
      if (now - shownAt < interval) return;
      shownAt = now;
      const line = describeProgress(progress, (now - started) / 1000);
      if (stream.isTTY) {
        stream.write(`\r\x1b[K${line.slice(0, stream.columns - 1)}`);
        dirty = true;
      } else {
        stream.write(`${line}\n`);
      }
    },
    end: clear,
  };
}

/** `Building histograms: 41 %, 12,345 of 30,000 pairs, 5,120 pairs/s, 3 s left` */
export function describeProgress({ phase, done, total, unit }: Progress, seconds: number): string {
  const rate = done / Math.max(seconds, 1e-3);
  const percent = Math.floor((100 * done) / Math.max(total, 1));
  const left = rate > 0 ? `, ${formatDuration((total - done) / rate)} left` : "";
  return (
    `${phase}: ${percent} %, ${formatCount(done)} of ${formatCount(total)} ${unit}, ` +
    `${formatCount(Math.round(rate))} ${unit}/s${left}`
  );
}
