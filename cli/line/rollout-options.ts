import { filledText } from '../../protocol/filled.ts';
import { readGates } from '../../protocol/gate.ts';
import { readLabelKey } from '../../protocol/host.ts';
import { hinted, oneOf, type Reader } from '../../protocol/read.ts';
import { readSome, readWave } from '../../protocol/rollout.ts';
import { MAX_SOAK_MS, ON_FAIL } from '../../protocol/rollout-start.ts';
import { durationWithin } from '../../protocol/times.ts';
import { flag, many, type Option, optional } from './option.ts';

const readSoak = durationWithin(0, MAX_SOAK_MS, '0s to 30d');
const readWaves: Reader<readonly string[]> = (value, path) =>
  filledText(String)(value, path)
    .split(',')
    .map((wave) => readWave(wave.trim(), path));

/** A shell that was given no quotes has kept what stands behind the first `<` or `>`. */
function readGateOptions(given: readonly string[]): readonly string[] {
  if (given.length === 0) return [];
  return hinted(readGates, () => (given.every((gate) => /[<>]/.test(gate) || gate === 'external') ? '' : QUOTES))(
    given,
    '',
  );
}
const QUOTES = "; write it in quotes, for a shell takes < and > for itself: --gate 'losses<=0.1%'";

/** How a rollout goes, and what is done with one. */
export const ROLLOUT_ONLY = {
  waves: {
    ...optional({ placeholder: 'LIST', help: 'how far each goes', fallback: '1,10%,50%,100%' }, readWaves),
    argumentOnly: true,
  },
  soak: {
    ...optional({ placeholder: 'TIME', help: 'how long gates are to pass in a wave', fallback: '5m' }, readSoak),
    argumentOnly: true,
  },
  gate: {
    ...many({ placeholder: 'GATE', help: "such as 'losses<=0.1%'; in quotes, for the shell" }),
    argumentOnly: true,
    read: readGateOptions,
  },
  spread: {
    ...optional({ placeholder: 'LABEL', help: 'spread each wave over its values, such as rack' }, readLabelKey),
    argumentOnly: true,
  },
  'max-unreachable': {
    ...optional({ placeholder: 'N', help: 'silent hosts, as 3 or 5%', fallback: '2%, wave 1: 0' }, readSome),
    argumentOnly: true,
  },
  'on-fail': {
    ...optional({ placeholder: 'DO', help: 'rollback or pause', fallback: 'rollback' }, oneOf(...ON_FAIL)),
    values: ON_FAIL,
    argumentOnly: true,
  },
  now: flag('one wave, and no soak; needs --reason'),
  again: flag('also what was rolled back just now'),
  'accept-collateral': flag('also where what is not named is touched'),
  'no-traffic-ok': flag('without packets that meet it'),
  'skip-gate': flag('though a gate does not pass; needs --reason'),
} satisfies Record<string, Option<unknown>>;
