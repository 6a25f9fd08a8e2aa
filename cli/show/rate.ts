const UNITS = ['', 'k', 'M', 'G', 'T', 'P', 'E'];

/** Writes a rate in three digits or so: `0`, `0.07`, `3.5`, `120`, `1.2k`, `20k`, `3.4M`; what is more than nothing is no 0. */
export function rateText(perSecond: number): string {
  if (perSecond === 0) return '0';
  if (perSecond < 0.095) return perSecond < 0.005 ? '<0.01' : perSecond.toFixed(2);
  let value = perSecond;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 9.95 ? value.toFixed(1).replace('.0', '') : value.toFixed(0)}${UNITS[unit]}`;
}

/** Of a sum of which not all is known. */
export function atLeast(text: string, isPart: boolean): string {
  return isPart ? `≥${text}` : text;
}

const BLOCKS = [...'▁▂▃▄▅▆▇█'];

/** Draws rates as high as they are of the highest; nothing is known where there is a space, and nothing came where there is a dot. */
export function sparkline(series: readonly (number | null)[]): string {
  const most = Math.max(...series.map((rate) => rate ?? 0));
  return series.map((rate) => (rate === null ? ' ' : rate === 0 ? '·' : blockOf(rate / most))).join('');
}

function blockOf(share: number): string {
  return BLOCKS[Math.min(BLOCKS.length - 1, Math.floor(share * BLOCKS.length))] ?? '';
}
