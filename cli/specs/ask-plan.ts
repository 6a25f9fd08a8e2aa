import { bytesOf } from '../../protocol/json.ts';
import {
  encodePlanRequest,
  type Planned,
  type PlanReply,
  type PlanRequest,
  parsePlanReply,
} from '../../protocol/plan.ts';
import { encodePlanPageRequest, parsePlanPage } from '../../protocol/plan-page.ts';
import type { Bus } from '../client.ts';
import type { Terminal } from '../show/terminal.ts';
import type { Prepared } from './prepare.ts';
import { upload } from './upload.ts';

/** Asks the controller what an apply of redirects, and a delete in the same go, would do. */
export async function askPlan(
  specs: readonly Prepared[],
  more: Pick<PlanRequest, 'delete' | 'set'>,
  bus: Pick<Bus, 'api' | 'maxPayloadBytes'>,
  terminal: Pick<Terminal, 'progress'>,
): Promise<Planned> {
  const first = await upload(specs, bus, terminal, {
    verb: 'plan',
    encode: (part) => encodePlanRequest({ ...part, ...(part.part === part.parts - 1 && more) }),
    parse: parsePlanReply,
    lastBytes: bytesOf(more),
  });
  return completePlan(first, bus, terminal);
}

/** Reads the pages of what the first answer had no room for, and puts all together. */
async function completePlan(
  { v, upload, pages = 0, ...first }: PlanReply,
  bus: Pick<Bus, 'api'>,
  terminal: Pick<Terminal, 'progress'>,
): Promise<Planned> {
  const { notSent = [] } = first;
  const whole: Record<string, unknown> = { ...first, ...(notSent.length > 0 && { notSent: [...notSent] }) };
  for (let page = 0; page < pages; page += 1) {
    terminal.progress(`reading page ${page + 1} of ${pages}`);
    const asked = encodePlanPageRequest({ v, upload, page, pages });
    const { v: _, upload: __, page: ___, ...lists } = await bus.api('plan-page', asked, parsePlanPage);
    for (const [name, lines] of Object.entries(lists)) whole[name] = [...((whole[name] as unknown[]) ?? []), ...lines];
  }
  terminal.progress('');
  return whole as unknown as Planned;
}
