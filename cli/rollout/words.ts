import type { Share } from '../../protocol/gate.ts';
import type { Cause, RolloutHead, RolloutState } from '../../protocol/rollout.ts';
import type { RolloutStatusReply, Wait, Waiting } from '../../protocol/rollout-status.ts';
import { EXIT, type Exit } from '../line/failure.ts';
import { shortChange } from '../show/change-state.ts';
import { codeText, countText, someText, spanText } from '../show/format.ts';
import type { Tone } from '../show/terminal.ts';

export const STATE_TONES: Readonly<Record<RolloutState, Tone>> = {
  RUNNING: 'strong',
  PAUSED: 'warn',
  ROLLING_BACK: 'bad',
  DONE: 'good',
  ROLLED_BACK: 'bad',
};

/** What a command that looked at a rollout ends with. */
export function exitOf(state: RolloutState): Exit {
  if (state === 'DONE') return EXIT.done;
  return state === 'ROLLED_BACK' ? EXIT.refused : EXIT.unfinished;
}

/** Writes how far it is: `RUNNING, wave 2 of 4: SOAK`. */
export function standingText({ state, step, wave, waves }: RolloutHead): string {
  if (step === undefined) return state;
  const where = step === 'PROMOTE' ? 'all waves' : `wave ${wave} of ${waves}`;
  return `${state}, ${where}: ${step}`;
}

/** Writes what it is, who began it and why. */
export function aboutText(head: RolloutHead, at: number): string {
  const { redirects, hosts, actor, sources = [], reason, made, ended, of, now } = head;
  const what = `${countText(redirects, 'redirect')} on ${countText(hosts, 'host')}`;
  const undoes = of === undefined ? '' : `, undoes ${shortChange(of)}`;
  const by = actor === undefined ? '' : ` by ${actor}`;
  const from = sources.length === 0 ? '' : ` from ${someText(sources)}`;
  const why = reason === undefined ? '' : `: ${reason}`;
  const took = ended === undefined ? '' : `, took ${spanText(ended - made)},`;
  return `${what}${undoes}${now ? ', in one wave and without soak' : ''}; begun ${spanText(at - made)} ago${took}${by}${from}${why}`;
}

/** Writes a share with what it is of: `0.44% (212 of 48,210)`; a count alone is no share. */
export function shareText(share: Share | null | undefined): string {
  if (share === null || share === undefined) return '-';
  const { count, of } = share;
  if (of === undefined) return numberText(count);
  return of === 0 ? '0 of 0' : `${percentText(count / of)} (${numberText(count)} of ${numberText(of)})`;
}

/** Never 0 of what is there, nor all of what is not. */
function percentText(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 0.01) return '<0.01%';
  const text = percent.toFixed(percent < 10 && !Number.isInteger(percent) ? 2 : percent < 99.9 ? 0 : 1);
  return `${share < 1 && Number(text) === 100 ? '99.9' : text.replace(/\.0+$/, '')}%`;
}

/** The same where there is less room: `0.44% of 48,210`. */
export function shortShareText(share: Share | null): string {
  if (share?.of === undefined || share.of === 0) return shareText(share);
  return `${percentText(share.count / share.of)} of ${numberText(share.of)}`;
}

function numberText(count: number): string {
  return count.toLocaleString('en-US');
}

/** Writes why it stands still, or goes or went back. What a gate says has its numbers in it. */
export function causeText({ code, gate, host, name, wave, control, actor, reason, detail }: Cause): string {
  if (code === 'ASKED') return `${actor ?? 'somebody'} asked for it${reason === undefined ? '' : `: ${reason}`}`;
  const what = gate === undefined ? codeText(code) : [code, gate].join(' ');
  const where = [host && `on ${host}`, name && `of ${name}`].filter(Boolean).join(' ');
  const seen = detail ?? (wave === undefined ? undefined : shareText(wave));
  const beside = control?.of ? `other hosts ${shareText(control)}` : undefined;
  const by = [reason, actor && `by ${actor}`].filter(Boolean).join(', ');
  const head = [what, where].filter(Boolean).join(' ');
  return `${head}${seen === undefined ? '' : `: ${seen}`}${[beside, by].map((text) => (text ? `; ${text}` : '')).join('')}`;
}

const WAITING: Readonly<Record<Wait, string>> = {
  hosts: 'for hosts that can take it',
  verified: 'for hosts to verify it',
  soak: 'until it has soaked',
  confirmed: 'for hosts to be confirmed as still reachable',
  gates: 'for gates to pass',
  telemetry: 'for hosts to be heard again, and then goes on',
  traffic: 'for packets to meet it',
  external: 'for a verdict from outside: shunt rollout verdict',
  resume: 'for somebody to resume or abort it',
  withdrawn: 'for hosts to confirm that it is gone',
  repair: 'for redirects that are missing from the database: see shunt hosts',
  tail: 'for late hosts',
};

/** Writes for what it waits. */
export function waitingText({ for: what, hosts }: Waiting): string {
  const of = hosts === undefined ? '' : ` (${countText(hosts, 'host')})`;
  return `waits ${Object.hasOwn(WAITING, what) ? WAITING[what as Wait] : `for ${what}`}${of}`;
}

/** Writes how long it waits yet at most, or how long it has. */
export function leftText({ since, until }: Waiting, at: number): string {
  return until === undefined ? `for ${spanText(at - since)} now` : `${spanText(until - at)} left`;
}

/** Writes how it ended, or how it stands. Who was told and did not say that it stands does not count as one that has it. */
export function summaryText(status: RolloutStatusReply): string {
  const { rollout, waveList, outstanding = [], outstandingTotal = 0, at } = status;
  const { id, state, made, ended = at, hosts, cause } = rollout;
  const name = `rollout ${shortChange(id)}`;
  const after = `after ${spanText(ended - made)}`;
  const has = `${waveList.reduce((sum, { verified }) => sum + verified, 0)} of ${countText(hosts, 'host')} have it`;
  if (state === 'DONE') return `${name}: DONE ${after}; ${has}${lateText(status)}`;
  const why = cause === undefined ? '' : `: ${causeText(cause)}`;
  const some = `${countText(outstandingTotal, 'host')}: ${someText(outstanding, outstandingTotal)}`;
  const still = outstandingTotal === 0 ? '' : `; not confirmed yet that it is gone by ${some}`;
  if (state === 'ROLLED_BACK') return `${name}: ROLLED_BACK ${after}${why}${still}`;
  return `${name}: ${standingText(rollout)}, ${has}${why}`;
}

/** Who has not got it yet, and gets it without a wave. */
function lateText(status: RolloutStatusReply): string {
  const { silent = [], silentTotal = 0, deferred = [], deferredTotal = 0, excluded = [], excludedTotal = 0 } = status;
  const away = deferredTotal === 0 ? '' : `; given it once they can take it: ${someText(deferred, deferredTotal)}`;
  const late = silentTotal === 0 ? '' : `; silent by now: ${someText(silent, silentTotal)}`;
  return `${away}${late}${excludedTotal === 0 ? '' : `; left out of the waves: ${someText(excluded, excludedTotal)}`}`;
}

/** What somebody may do now. */
export function adviceText({ id, state }: RolloutHead): string | undefined {
  const short = shortChange(id);
  if (state === 'PAUSED') return `shunt rollout resume ${short} goes on, shunt rollout abort ${short} takes it back`;
  if (state === 'RUNNING') return `shunt rollout abort ${short} takes it back`;
  return state === 'DONE' ? `shunt rollout rollback ${short} undoes it` : undefined;
}
