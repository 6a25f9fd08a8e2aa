import test from 'ava';
import { Comings, type Kind, patternOf } from '../../../../agent/attach/comings.ts';

function start() {
  const lines: string[] = [];
  const say = (facts: object, message: string): void => void lines.push(`${message} ${JSON.stringify(facts)}`);
  const comings = new Comings({ info: say, warn: say });
  const tell = (nowMs: number, name: string, kind: Kind = 'came'): void =>
    comings.tell(nowMs, { kind, level: 'info', facts: { interface: name }, message: kind });
  return { lines, comings, tell };
}

test('comings: a few are told one by one, whenever', (t) => {
  const { lines, comings, tell } = start();
  for (let minute = 0; minute < 10; minute += 1)
    for (let i = 0; i < 60; i += 1) tell(minute * 60_000 + i * 1_000, `v${i}`);
  t.is(lines.length, 600);
  t.is(comings.dueMs, undefined);
});

test('comings: of ten that come and go each second there is a line a minute, until a minute was calm', (t) => {
  const { lines, comings, tell } = start();
  for (let second = 0; second < 600; second += 1)
    for (let i = 0; i < 10; i += 1) {
      tell(second * 1_000, `veth${i}`, 'went');
      tell(second * 1_000, `veth${i}`);
    }
  t.is(comings.dueMs, 600_000);
  comings.sum(600_000);
  const sums = lines.filter((line) => line.startsWith('interfaces come and go'));
  t.is(sums.length, 10);
  t.is(lines.length, 60 + 10);
  t.is(
    sums[1],
    'interfaces come and go {"interfaces":10,"names":"veth*","came":600,"went":600,"other":0,"seconds":60}',
  );
  tell(601_000, 'veth3');
  t.is(lines.length, 70, 'the minute after is not known to be calm');
  comings.sum(661_000);
  t.is(
    lines.at(-1),
    'interfaces come and go {"interfaces":1,"names":"veth3","came":1,"went":0,"other":0,"seconds":60}',
  );
  tell(662_000, 'veth3');
  t.is(lines.at(-1), 'came {"interface":"veth3"}');
});

test('comings: names have a pattern in common', (t) => {
  t.is(patternOf(['veth0', 'veth17', 'veth']), 'veth*');
  t.is(patternOf(['eth0', 'wlan0']), '*');
  t.is(patternOf(['eth0']), 'eth0');
});
