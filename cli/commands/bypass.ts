import { command } from '../line/command.ts';
import { EXIT, usage } from '../line/failure.ts';
import { paint } from '../show/terminal.ts';

const WORDS = ['on', 'off', 'status'] as const;

export const bypass = command({
  synopsis: 'on|off|status',
  about: `Makes the program of this host pass every packet as if nothing were redirected, or ends that. It works at once, with
agent, bus and controller dead, and touches no redirect: off is as it was before. It stays on until it is put off,
also across a restart of the agent; detaching ends it. Needs root, or the agent's user.`,
  examples: ['shunt bypass on', 'shunt bypass off', 'shunt bypass status'],
  options: ['pin-root', 'output'],
  operands: { placeholder: 'on|off|status', min: 1, max: 1, values: WORDS },
  async run({ options, operands: [given], terminal }) {
    const word = WORDS.find((one) => one === given);
    if (word === undefined) throw usage(`expected on, off or status, not "${given}"`);
    const [{ Bypass }, { loadNative }] = await Promise.all([
      import('../../agent/attach/bypass.ts'),
      import('../../native/index.ts'),
    ]);
    using control = new Bypass(loadNative(), options['pin-root']);
    const changed = word !== 'status' && control.set(word === 'on');
    const { on } = control;
    if (options.output === 'json') terminal.print(JSON.stringify({ bypass: on, changed }));
    else terminal.print(paint(terminal, on ? 'bad' : 'good', sentence(on, word !== 'status' && !changed)));
    return EXIT.done;
  },
});

function sentence(on: boolean, already: boolean): string {
  const state = `bypass is ${already ? 'already ' : ''}${on ? 'on' : 'off'}`;
  return `${state}: ${on ? 'every packet passes, nothing is redirected' : 'redirects are in force'}`;
}
