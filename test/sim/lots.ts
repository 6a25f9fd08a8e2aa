/** A whole number from 0 to below a bound. */
export type Below = (bound: number) => number;

export function one<T>(below: Below, of: readonly T[]): T {
  return of[below(of.length)] as T;
}

/** One of these, each as often as its weight says. */
export function oneByWeight<T>(below: Below, lots: readonly (readonly [weight: number, lot: T])[]): T {
  let at = below(lots.reduce((sum, [weight]) => sum + weight, 0));
  for (const [weight, lot] of lots) {
    if (at < weight) return lot;
    at -= weight;
  }
  throw new TypeError('there are no lots');
}
