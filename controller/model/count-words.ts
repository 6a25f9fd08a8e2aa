const SHOWN = 3;

/** Writes a number and its noun: `1 host`, `2 hosts`. */
export function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Writes the first of some names, and how many more there are: `edge-1, edge-2, edge-3 and 4 more`. */
export function someText(names: readonly string[], shown = SHOWN): string {
  const more = names.length > shown ? ` and ${names.length - shown} more` : '';
  return `${names.slice(0, shown).join(', ')}${more}`;
}
