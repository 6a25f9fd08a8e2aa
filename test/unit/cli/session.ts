import { run } from '../../../cli/run.ts';
import type { Terminal } from '../../../cli/show/terminal.ts';

export interface Session {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A terminal that keeps what is written to it; without a width it is a pipe. */
export class KeptTerminal implements Terminal {
  stdout = '';
  stderr = '';
  readonly shown: string[] = [];
  readonly width: number | undefined;
  readonly noteWidth: number | undefined;
  readonly colour: boolean;

  readonly asked: string[] = [];
  readonly confirm?: (question: string) => Promise<boolean>;

  /** `answer`: what is said to each question; without one, nobody sits here. */
  constructor(width?: number, colour = false, answer?: boolean) {
    this.width = width;
    this.noteWidth = width;
    this.colour = colour;
    if (answer !== undefined)
      this.confirm = async (question) => {
        this.asked.push(question);
        return answer;
      };
  }

  print(text: string): void {
    this.stdout += `${text}\n`;
  }

  note(text: string): void {
    this.stderr += `${text}\n`;
  }

  progress(text: string): void {
    this.shown.push(text);
  }
}

interface Given {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Uint8Array;
  readonly terminal?: KeptTerminal;
}

/** What is the machine's own is left out; and there is time, for on a busy one even a refusal takes long. */
const OWN = { SHUNT_CONFIG: '/dev/null', SHUNT_TIMEOUT: '1m' };

/** Runs `shunt WORDS…` in this process, with no settings file and an environment of its own. */
export async function shunt(
  words: readonly string[],
  { env = {}, stdin = '', terminal = new KeptTerminal() }: Given = {},
): Promise<Session> {
  const input = (async function* () {
    yield typeof stdin === 'string' ? new TextEncoder().encode(stdin) : stdin;
  })();
  const exit = await run(words, { env: { ...OWN, ...env }, stdin: input, terminal });
  return { exit, stdout: terminal.stdout, stderr: terminal.stderr };
}
