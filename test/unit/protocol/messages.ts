import { readFileSync } from 'node:fs';
import * as api from '../../../protocol/api.ts';
import * as ask from '../../../protocol/ask.ts';
import * as changeState from '../../../protocol/change-state.ts';
import * as counts from '../../../protocol/counts.ts';
import * as deletes from '../../../protocol/delete.ts';
import { encodeEvent, encodeEvents, parseEvent, parseEventsReply } from '../../../protocol/event.ts';
import * as explain from '../../../protocol/explain.ts';
import * as forget from '../../../protocol/forget.ts';
import * as history from '../../../protocol/history.ts';
import * as listings from '../../../protocol/listings.ts';
import * as names from '../../../protocol/names.ts';
import * as page from '../../../protocol/page.ts';
import * as plan from '../../../protocol/plan.ts';
import * as planPage from '../../../protocol/plan-page.ts';
import * as rearm from '../../../protocol/rearm.ts';
import * as recover from '../../../protocol/recover.ts';
import * as release from '../../../protocol/release.ts';
import * as resync from '../../../protocol/resync.ts';
import * as rollout from '../../../protocol/rollout-acts.ts';
import * as rolloutList from '../../../protocol/rollout-list.ts';
import * as rolloutStart from '../../../protocol/rollout-start.ts';
import * as rolloutStatus from '../../../protocol/rollout-status.ts';
import { encodeStats, parseStatsReply } from '../../../protocol/stats.ts';
import { encodeStatus, parseStatus } from '../../../protocol/status.ts';
import * as top from '../../../protocol/top.ts';
import { encodeUpdate, parseUpdate } from '../../../protocol/update.ts';
import { encodeWorking, parseWorking } from '../../../protocol/working.ts';

/** One kind of message with the name of its fixture. */
export interface Message {
  readonly fixture: string;
  readonly parser: string;
  readonly parse: (input: unknown) => unknown;
  readonly encode: (value: unknown) => Uint8Array;
  /** Whether an unknown field is refused. */
  readonly strict: boolean;
}

function message<T>(
  fixture: string,
  parse: (input: unknown) => unknown,
  encode: (value: T) => Uint8Array,
  strict: 'strict' | 'tolerant',
): Message {
  return {
    fixture,
    parser: parse.name,
    parse: (input) => parse(input),
    encode: encode as Message['encode'],
    strict: strict === 'strict',
  };
}

export const MESSAGES: readonly Message[] = [
  message('update', parseUpdate, encodeUpdate, 'tolerant'),
  message('update-hint', parseUpdate, encodeUpdate, 'tolerant'),
  message('sync-request', page.parseSyncRequest, page.encodeSyncRequest, 'strict'),
  message('page', page.parsePageReply, page.encodePage, 'tolerant'),
  message('page-heartbeat', page.parsePageReply, page.encodePage, 'tolerant'),
  message('sync-error', page.parsePageReply, page.encodeSyncError, 'tolerant'),
  message('status', parseStatus, encodeStatus, 'tolerant'),
  message('status', ask.parseStatusReply, encodeStatus, 'tolerant'),
  message('event', parseEvent, encodeEvent, 'tolerant'),
  message('ask-request', ask.parseAskRequest, ask.encodeAskRequest, 'strict'),
  message('ask-error', ask.parseDumpReply, ask.encodeAskError, 'tolerant'),
  message('dump', ask.parseDumpReply, ask.encodeDump, 'tolerant'),
  message('explain-request', explain.parseExplainRequest, explain.encodeExplainRequest, 'strict'),
  message('explain-reply', explain.parseExplainReply, explain.encodeExplanation, 'tolerant'),
  message('rearm-request', rearm.parseRearmRequest, rearm.encodeRearmRequest, 'strict'),
  message('rearm-reply', rearm.parseRearmReply, rearm.encodeRearmReply, 'tolerant'),
  message('recover-request', recover.parseRecoverRequest, recover.encodeRecoverRequest, 'strict'),
  message('recover-reply', recover.parseRecoverReply, recover.encodeRecoverReply, 'tolerant'),
  message('release-reply', release.parseReleaseReply, release.encodeReleaseReply, 'tolerant'),
  message('resync-reply', resync.parseResyncReply, resync.encodeResyncReply, 'tolerant'),
  message('events-reply', parseEventsReply, encodeEvents, 'tolerant'),
  message('stats', parseStatsReply, encodeStats, 'tolerant'),
  message('counts-request', counts.parseCountsRequest, counts.encodeCountsRequest, 'strict'),
  message('counts-reply', counts.parseCountsReply, counts.encodeCountsReply, 'tolerant'),
  message('top-request', top.parseTopRequest, top.encodeTopRequest, 'strict'),
  message('top-reply', top.parseTopReply, top.encodeTopReply, 'tolerant'),
  message('api-error', api.parseApplyReply, api.encodeApiError, 'tolerant'),
  message('apply-request', api.parseApplyRequest, api.encodeApplyRequest, 'strict'),
  message('apply-part-reply', api.parseApplyReply, api.encodeApplyReply, 'tolerant'),
  message('apply-reply', api.parseApplyReply, api.encodeApplyReply, 'tolerant'),
  message('plan-request', plan.parsePlanRequest, plan.encodePlanRequest, 'strict'),
  message('plan-part-reply', plan.parsePlanReply, plan.encodePlanReply, 'tolerant'),
  message('plan-reply', plan.parsePlanReply, plan.encodePlanReply, 'tolerant'),
  message('plan-page-request', planPage.parsePlanPageRequest, planPage.encodePlanPageRequest, 'strict'),
  message('plan-page', planPage.parsePlanPage, planPage.encodePlanPage, 'tolerant'),
  message('working', parseWorking, encodeWorking, 'tolerant'),
  message('get-request', listings.parseGetRequest, listings.encodeGetRequest, 'strict'),
  message('get-reply', listings.parseGetReply, listings.encodeGetReply, 'tolerant'),
  message('get-brief-request', listings.parseGetRequest, listings.encodeGetRequest, 'strict'),
  message('get-rest-request', listings.parseGetRequest, listings.encodeGetRequest, 'strict'),
  message('get-rest-reply', listings.parseGetReply, listings.encodeGetReply, 'tolerant'),
  message('delete-request', deletes.parseDeleteRequest, deletes.encodeDeleteRequest, 'strict'),
  message('delete-reply', deletes.parseDeleteReply, deletes.encodeDeleteReply, 'tolerant'),
  message('names-request', names.parseNamesRequest, names.encodeNamesRequest, 'strict'),
  message('names-sets-request', names.parseNamesRequest, names.encodeNamesRequest, 'strict'),
  message('names-reply', names.parseNamesReply, names.encodeNamesReply, 'tolerant'),
  message('forget-request', forget.parseForgetRequest, forget.encodeForgetRequest, 'strict'),
  message('forget-reply', forget.parseForgetReply, forget.encodeForgetReply, 'tolerant'),
  message('change-request', changeState.parseChangeRequest, changeState.encodeChangeRequest, 'strict'),
  message('change-reply', changeState.parseChangeReply, changeState.encodeChangeReply, 'tolerant'),
  message('history-request', history.parseHistoryRequest, history.encodeHistoryRequest, 'strict'),
  message('history-reply', history.parseHistoryReply, history.encodeHistoryReply, 'tolerant'),
  message(
    'rollout-start-request',
    rolloutStart.parseRolloutStartRequest,
    rolloutStart.encodeRolloutStartRequest,
    'strict',
  ),
  message(
    'rollout-start-part-reply',
    rolloutStart.parseRolloutStartReply,
    rolloutStart.encodeRolloutStartReply,
    'tolerant',
  ),
  message('rollout-start-reply', rolloutStart.parseRolloutStartReply, rolloutStart.encodeRolloutStartReply, 'tolerant'),
  message('rollout-list-request', rolloutList.parseRolloutListRequest, rolloutList.encodeRolloutListRequest, 'strict'),
  message('rollout-list-reply', rolloutList.parseRolloutListReply, rolloutList.encodeRolloutListReply, 'tolerant'),
  message(
    'rollout-status-request',
    rolloutStatus.parseRolloutStatusRequest,
    rolloutStatus.encodeRolloutStatusRequest,
    'strict',
  ),
  message(
    'rollout-status-reply',
    rolloutStatus.parseRolloutStatusReply,
    rolloutStatus.encodeRolloutStatusReply,
    'tolerant',
  ),
  message('rollout-pause-request', rollout.parseRolloutPauseRequest, rollout.encodeRolloutPauseRequest, 'strict'),
  message('rollout-resume-request', rollout.parseRolloutResumeRequest, rollout.encodeRolloutResumeRequest, 'strict'),
  message('rollout-abort-request', rollout.parseRolloutAbortRequest, rollout.encodeRolloutAbortRequest, 'strict'),
  message(
    'rollout-rollback-request',
    rollout.parseRolloutRollbackRequest,
    rollout.encodeRolloutRollbackRequest,
    'strict',
  ),
  message('rollout-exclude-request', rollout.parseRolloutExcludeRequest, rollout.encodeRolloutExcludeRequest, 'strict'),
  message('rollout-verdict-request', rollout.parseRolloutVerdictRequest, rollout.encodeRolloutVerdictRequest, 'strict'),
  message('rollout-reply', rollout.parseRolloutReply, rollout.encodeRolloutReply, 'tolerant'),
  message('hosts-request', listings.parseHostsRequest, listings.encodeHostsRequest, 'strict'),
  message('hosts-reply', listings.parseHostsReply, listings.encodeHostsReply, 'tolerant'),
];

const FIXTURES = new URL('../../../protocol/fixtures/', import.meta.url);

export function readFixtureBytes(name: string): Uint8Array {
  return readFileSync(new URL(`${name}.json`, FIXTURES));
}

/** A fresh copy, to be changed at will. */
export function readFixture(name: string): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(readFixtureBytes(name)));
}
