import type { Spread } from './compare.ts';
import { GOALS, type Goal, meets, type Results } from './report.ts';

const WIDTH = 800;
const LEFT = 330;
const RIGHT = 60;
const TOP = 56;
const STEP = 26;

interface Bar {
  readonly label: string;
  readonly goal: Goal;
  readonly ratio: Spread;
}

/** Ratios beside what they shall reach, as an SVG: a bar each, a whisker for the middle half, a line at the bound. */
export function plot({ rows, machine, rounds }: Results): string {
  const bars = GOALS.flatMap((goal): Bar[] => {
    const ratio = rows.find(
      ({ name, entries, ratios }) => name === goal.row && entries === goal.entries && goal.floor in ratios,
    )?.ratios[goal.floor];
    const label = `${goal.row}, ${goal.entries.toLocaleString('en')} v ${goal.floor}`;
    return ratio === undefined ? [] : [{ label, goal, ratio }];
  });
  const most = Math.max(...bars.map(({ ratio, goal }) => Math.max(ratio.q3, goal.hard))) * 1.05;
  const x = (ratio: number): number => LEFT + (ratio / most) * (WIDTH - LEFT - RIGHT);
  const height = TOP + bars.length * STEP + 16;
  const lines = bars.flatMap((bar, i) => drawn(bar, TOP + i * STEP, x));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">`,
    '<title>Packets: ratios to floors of the same run</title>',
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="16" y="22" font-size="15" font-weight="bold">Packets: ratios to floors of the same run</text>`,
    `<text x="16" y="41" fill="#555">${xml(machine.cpu)}, Linux ${xml(machine.kernel)}; medians of ${rounds} rounds; the black line is the bound</text>`,
    ...lines,
    '</svg>\n',
  ].join('\n');
}

function drawn({ label, goal, ratio }: Bar, y: number, x: (ratio: number) => number): readonly string[] {
  const colour = meets(goal, ratio) ? '#2a9d8f' : '#c8553d';
  const middle = y + STEP / 2 - 3;
  return [
    `<text x="${LEFT - 8}" y="${middle + 4}" text-anchor="end">${xml(label)}</text>`,
    `<rect x="${LEFT}" y="${y}" width="${(x(ratio.median) - LEFT).toFixed(1)}" height="${STEP - 8}" fill="${colour}"/>`,
    `<line x1="${x(ratio.q1).toFixed(1)}" x2="${x(ratio.q3).toFixed(1)}" y1="${middle}" y2="${middle}" stroke="#222"/>`,
    `<line x1="${x(goal.hard).toFixed(1)}" x2="${x(goal.hard).toFixed(1)}" y1="${y - 3}" y2="${y + STEP - 5}" stroke="#000" stroke-width="2"/>`,
    `<text x="${(Math.max(x(ratio.q3), x(goal.hard)) + 6).toFixed(1)}" y="${middle + 4}">${ratio.median.toFixed(2)}</text>`,
  ];
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
