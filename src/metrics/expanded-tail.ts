/**
 * The share to cut off at either end of a bootstrap distribution for an interval of a level: more than (1 - level) / 2
 * off the middle where items are few, because resamples of n items vary by a factor sqrt((n - 1) / n) too little, and
 * their variance is known no better than Student's t allows. This is the expanded percentile interval: the normal
 * distribution's tail beyond sqrt(n / (n - 1)) t (Hesterberg 2015, doi 10.1080/00031305.2015.1089789, section 5).
 *
 * @returns 0 for fewer than 2 items
 */
export function expandedTail(level: number, items: number): number {
  if (items < 2) return 0;
  const quantile = studentQuantile((1 + level) / 2, items - 1);
  return normalTail(Math.sqrt(items / (items - 1)) * quantile);
}

/** Share of Student's t with some degrees of freedom that is below `value`, which is not negative. */
function studentShare(value: number, freedom: number): number {
  // Abramowitz & Stegun 26.7.3 and 26.7.4: finite sums for whole degrees of freedom.
  const angle = Math.atan(value / Math.sqrt(freedom));
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const isOdd = freedom % 2 === 1;
  let term = isOdd ? cosine : 1;
  let sum = freedom === 1 ? 0 : term;
  for (let k = isOdd ? 2 : 1; k < freedom - 2; k += 2) {
    term *= (k / (k + 1)) * cosine ** 2;
    sum += term;
  }
  const within = isOdd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
  return (1 + within) / 2;
}

function studentQuantile(share: number, freedom: number): number {
  let low = 0;
  let high = 1;
  while (studentShare(high, freedom) < share) high *= 2;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (studentShare(middle, freedom) < share) low = middle;
    else high = middle;
  }
  return high;
}

/** Share of the normal distribution above `value`, which is not negative, within 8e-8 (Abramowitz & Stegun 26.2.17). */
function normalTail(value: number): number {
  const t = 1 / (1 + 0.2316419 * value);
  const polynomial =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-value * value) / 2) / Math.sqrt(2 * Math.PI)) * polynomial;
}
