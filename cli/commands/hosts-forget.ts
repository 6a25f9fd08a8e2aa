import { encodeForgetRequest, type ForgetReply, parseForgetReply } from '../../protocol/forget.ts';
import { didYouMean } from '../../protocol/near.ts';
import { Bus } from '../client.ts';
import { command } from '../line/command.ts';
import { EXIT } from '../line/failure.ts';
import { requireHost } from '../line/name.ts';
import { BUS_OPTIONS } from '../line/options.ts';

export const hostsForget = command({
  synopsis: 'HOST...',
  about: `Has the controller forget hosts that are gone for good: what they said, their labels and their logs. One that was heard
within a minute is not forgotten, but with --force. If it comes back it is a new host, and begins from the whole set.`,
  examples: ['shunt hosts forget edge-9'],
  options: ['force', ...BUS_OPTIONS],
  operands: { placeholder: 'HOST', min: 1, max: Number.POSITIVE_INFINITY, asks: 'hosts' },
  async run({ options, operands, terminal }) {
    const hosts = [...new Set(operands)].map(requireHost);
    await using bus = await Bus.open(options);
    const replies: ForgetReply[] = [];
    for (const host of hosts) {
      const request = encodeForgetRequest({ v: 1, host, ...(options.force && { force: true }) });
      replies.push(await bus.api('forget', request, parseForgetReply));
    }
    const items = replies.map(({ v: _, ...reply }) => reply);
    terminal.print(options.output === 'json' ? JSON.stringify({ items }) : replies.map(forgotten).join('\n'));
    return EXIT.done;
  },
});

function forgotten({ host, known, near }: ForgetReply): string {
  if (known) return `${host}: forgotten`;
  return `${host}: not known${near === undefined ? '' : `; ${didYouMean(near)}`}`;
}
