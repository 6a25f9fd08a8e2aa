import { encodeApplyRequest, isApiError } from '../../../protocol/api.ts';
import { encodeDeleteRequest } from '../../../protocol/delete.ts';
import { encodeForgetRequest } from '../../../protocol/forget.ts';
import { encodeRecoverRequest } from '../../../protocol/recover.ts';
import type { RolloutHead } from '../../../protocol/rollout.ts';
import {
  encodeRolloutAbortRequest,
  encodeRolloutExcludeRequest,
  encodeRolloutPauseRequest,
  encodeRolloutResumeRequest,
  encodeRolloutRollbackRequest,
  encodeRolloutVerdictRequest,
} from '../../../protocol/rollout-acts.ts';
import { encodeRolloutListRequest, parseRolloutListReply } from '../../../protocol/rollout-list.ts';
import { encodeRolloutStartRequest, type RolloutTerms } from '../../../protocol/rollout-start.ts';
import {
  encodeRolloutStatusRequest,
  parseRolloutStatusReply,
  type RolloutStatusReply,
} from '../../../protocol/rollout-status.ts';
import type { World } from '../world.ts';
import type { Wish } from './schedule.ts';
import { hopOf } from './value.ts';

const REASON = 'simulated';
/** The size gate lets by whatever a schedule asks for: it is about people. */
const TERMS = { allowShrink: true, allowGrowth: true, reason: REASON } as const;

/** Asks controllers for what a schedule says, as commands do; what comes of it shows. */
export class Operator {
  /** What was answered to what, by verb and code. */
  readonly answers = new Map<string, number>();
  readonly #world: World;
  #uploads = 0;
  #versions = 0;
  #started: Uint8Array = new Uint8Array();

  constructor(world: World) {
    this.#world = world;
  }

  apply(wishes: readonly Wish[], withinMs?: number): void {
    const confirm = withinMs === undefined ? {} : { confirm: { withinMs } };
    this.#order('apply', encodeApplyRequest({ ...this.#upload(wishes), ...TERMS, ...confirm }));
  }

  delete(names: readonly string[]): void {
    this.#order('delete', encodeDeleteRequest({ v: 1, names, ...TERMS }));
  }

  start(wishes: readonly Wish[], deletes: readonly string[], terms: RolloutTerms): void {
    const goes = deletes.length > 0 ? { delete: deletes } : {};
    this.#started = encodeRolloutStartRequest({ ...this.#upload(wishes), ...goes, ...TERMS, ...terms });
    this.again();
  }

  /** Asks once more for the rollout that was asked for last: it is begun once. */
  again(): void {
    this.#order('rollout-start', this.#started);
  }

  pause(id: string): void {
    this.#order('rollout-pause', encodeRolloutPauseRequest({ v: 1, id, reason: REASON }));
  }

  resume({ id, version }: Pick<RolloutHead, 'id' | 'version'>, skipGate: boolean): void {
    const skip = skipGate ? { skipGate: true as const } : {};
    this.#order('rollout-resume', encodeRolloutResumeRequest({ v: 1, id, version, ...skip, reason: REASON }));
  }

  abort(id: string): void {
    this.#order('rollout-abort', encodeRolloutAbortRequest({ v: 1, id, reason: REASON }));
  }

  undo(id: string, force: boolean): void {
    const forced = force ? { force: true as const } : {};
    this.#order('rollout-rollback', encodeRolloutRollbackRequest({ v: 1, id, ...forced, reason: REASON }));
  }

  exclude(id: string, host: string): void {
    this.#order('rollout-exclude', encodeRolloutExcludeRequest({ v: 1, id, hosts: [host], reason: REASON }));
  }

  verdict(id: string, verdict: 'pass' | 'fail'): void {
    this.#order('rollout-verdict', encodeRolloutVerdictRequest({ v: 1, id, verdict, reason: REASON }));
  }

  recover(): void {
    this.#order('recover', encodeRecoverRequest({ v: 1 }));
  }

  forget(host: string): void {
    this.#order('forget', encodeForgetRequest({ v: 1, host, force: true }));
  }

  /** Those that have not ended; nothing where nobody answers. */
  async active(): Promise<readonly RolloutHead[]> {
    try {
      const reply = parseRolloutListReply(
        await this.#world.api('rollout-list', encodeRolloutListRequest({ v: 1, active: true })),
      );
      return isApiError(reply) ? [] : reply.items;
    } catch {
      return [];
    }
  }

  /** Nothing where nobody answers. */
  async status(id: string): Promise<RolloutStatusReply | undefined> {
    try {
      const reply = parseRolloutStatusReply(
        await this.#world.api('rollout-status', encodeRolloutStatusRequest({ v: 1, id })),
      );
      return isApiError(reply) ? undefined : reply;
    } catch {
      return undefined;
    }
  }

  #upload(wishes: readonly Wish[]) {
    this.#uploads += 1;
    const specs = wishes.map(({ name, hosts, at, priority, enabled, kind }) => {
      this.#versions += 1;
      const match = { dst: `203.0.113.${at}`, proto: 'udp', dport: 443 };
      return { name, hosts, enabled, match, to: { nexthop: hopOf(this.#versions, kind) }, priority };
    });
    return { v: 1, upload: `u${this.#uploads}`, part: 0, parts: 1, specs } as const;
  }

  #order(verb: string, request: Uint8Array): void {
    this.#world.api(verb, request).then(
      (bytes) => {
        const { error } = JSON.parse(Buffer.from(bytes).toString()) as { readonly error?: { readonly code: string } };
        this.#note(`${verb} ${error?.code ?? 'done'}`);
      },
      () => this.#note(`${verb} unanswered`),
    );
  }

  #note(what: string): void {
    this.answers.set(what, (this.answers.get(what) ?? 0) + 1);
  }
}
