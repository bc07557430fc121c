import type { Interval } from "../metrics/index.js";

/** `.758`, `-.010`, `1.000`; three decimals, without the 0 before the point. */
export function decimal(value: number): string {
  if (Number.isNaN(value)) return "unknown";
  const text = Math.abs(value).toFixed(3);
  return (Number(text) === 0 || value > 0 ? "" : "-") + text.replace(/^0/, "");
}

/** {@link decimal} with a sign, also a plus. */
export const signed = (value: number): string =>
  value > 0 && Number(value.toFixed(3)) !== 0 ? `+${decimal(value)}` : decimal(value);

/** `[.710, .801]` */
export const range = ({ low, high }: Interval): string => `[${decimal(low)}, ${decimal(high)}]`;

/** `a`, `a and b`, `a, b and c` */
export function listed(parts: readonly string[]): string {
  if (parts.length < 2) return parts.join("");
  return `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

/** `1,234` */
export const count = (value: number): string => value.toLocaleString("en-US");
