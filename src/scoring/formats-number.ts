/** Powers of ten that float64 holds exactly. */
const POWERS = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

/**
 * The shortest decimal text from which a float32 can be read back exactly: at most 9 digits. Rankings are written
 * this way, because with fewer digits scores near 1 would look equal, and a file sorted again would be in another
 * order.
 *
 * @param value a float32, widened
 */
export function formatFloat32(value: number): string {
  if (Number.isInteger(value) || !Number.isFinite(value)) return String(value);
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  for (let digits = 6; digits < 9; digits++) {
    const rounded = roundTo(value, digits, exponent);
    if (Math.fround(rounded) === value) return String(rounded);
  }
  return String(Number(value.toPrecision(9)));
}

/** The float64 nearest to a decimal of so many digits; its shortest text is that decimal. */
function roundTo(value: number, digits: number, exponent: number): number {
  const decimals = digits - 1 - exponent;
  if (decimals < 0 || decimals >= POWERS.length) return Number(value.toPrecision(digits));
  return Math.round(value * POWERS[decimals]) / POWERS[decimals];
}
