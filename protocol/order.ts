/** Orders names as people count: `edge-2` before `edge-10`; what is alike by that, by its characters. */
export function compareNames(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  if (at === a.length && at === b.length) return 0;
  while (at > 0 && isDigit(a[at - 1])) at--;
  const [left, right] = [numberAt(a, at), numberAt(b, at)];
  if (left === '' || right === '') return a < b ? -1 : 1;
  return left.length - right.length || (left < right ? -1 : left > right ? 1 : a < b ? -1 : 1);
}

/** The digits from a place on, without zeros before them. */
function numberAt(name: string, start: number): string {
  let end = start;
  while (isDigit(name[end])) end++;
  let first = start;
  while (first < end - 1 && name[first] === '0') first++;
  return name.slice(first, end);
}

function isDigit(character: string | undefined): boolean {
  return character !== undefined && character >= '0' && character <= '9';
}
