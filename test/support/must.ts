/** The value of a native call that has to succeed in this test; an errno is thrown with the call's name. */
export function must<T extends object>(what: string, value: T | number): T {
  if (typeof value === 'number') throw new Error(`${what}: errno ${-value}`);
  return value;
}
