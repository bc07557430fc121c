/** `12,345` */
export const formatCount = (count: number): string => count.toLocaleString("en-US");

/** `0.4 s`, `12 s`, `4 min 10 s`, `2 h 5 min` */
export function formatDuration(seconds: number): string {
  if (seconds < 9.95) return `${Math.max(0, seconds).toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** `1.2 GB`, in powers of 1000. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}

/** `1 pair`, `2 pairs` */
export const plural = (count: number, noun: string): string =>
  `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;

/** `0.758`; `-` for NaN. */
export const decimals = (value: number, places = 3): string =>
  Number.isNaN(value) ? "-" : value.toFixed(places);

/** Rows as lines with aligned columns: the first `words` to the left, the others, which are numbers, to the right. */
export function alignColumns(rows: readonly (readonly string[])[], words: number): string[] {
  const widths = rows[0].map((_, c) => Math.max(...rows.map((row) => row[c].length)));
  return rows.map((row) =>
    row.map((cell, c) => (c < words ? cell.padEnd(widths[c]) : cell.padStart(widths[c]))).join("  "),
  );
}
