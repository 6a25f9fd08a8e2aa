import type { ExecutionContext } from 'ava';
import { CONVERGE_MS, type Operator, serviceRedirect, startProduct } from './operator.ts';
import type { Running } from './process.ts';
import type { Testbed } from './testbed.ts';
import { type Asked, Asker, Echo } from './traffic.ts';

const NAME = 'to-c';

/** The whole product, and A that asks C by way of B all the while: of what is done then, no question is to notice a thing. */
export class Redirected {
  readonly operator: Operator;
  readonly agent: Running;
  readonly asker: Asker;
  readonly #before: Asked;

  private constructor(operator: Operator, agent: Running, asker: Asker, before: Asked) {
    this.operator = operator;
    this.agent = agent;
    this.asker = asker;
    this.#before = before;
  }

  /** `rate`: datagrams a second; `more`: of the redirect. */
  static async start(bed: Testbed, rate: number, attach: readonly string[], more: object = {}): Promise<Redirected> {
    const { operator, agent } = await startProduct(bed, ...attach);
    await Promise.all([Echo.start(bed, 'b'), Echo.start(bed, 'c')]);
    const asker = await Asker.start(bed);
    await asker.steady(rate);
    const { rev } = await operator.apply({ ...serviceRedirect(NAME, 'v4'), ...more });
    await operator.applied(rev);
    await asker.answeredBy('c', CONVERGE_MS);
    return new Redirected(operator, agent, asker, await asker.report());
  }

  /** What B answered before it was redirected. */
  get answeredByB(): number {
    return this.#before.answers.b ?? 0;
  }

  /** Stops A; each question was answered, once and by C, and each is in the redirect's count. Answers how many were sent. */
  async end(t: ExecutionContext): Promise<number> {
    const { lost, repeats, answers, sent } = await this.asker.stop();
    t.deepEqual([lost, repeats, (answers.b ?? 0) - this.answeredByB], [0, 0, 0], 'each was answered, once, and by C');
    const entry = (await this.operator.dump()).find(({ name }) => name === NAME);
    t.is(Number(entry?.packets), answers.c ?? 0, 'and each was counted');
    return sent;
  }
}
