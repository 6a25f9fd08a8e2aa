/** What one run of ava said, counted. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly string[];
}

export const NOTHING: Tally = { passed: 0, failed: 0, skipped: [] };

export function addTally(a: Tally, b: Tally): Tally {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: [...a.skipped, ...b.skipped] };
}

/** How a line begins that a test logged. */
const LOGGED = '#   ';

/**
 * Counts the TAP lines that ava prints, handed over one by one, and passes on what a person must see: failures with
 * their diagnostics, what tests printed, and of those that `tell` what they logged. A test marked as to do counts as skipped.
 */
export class TapReader {
  #passed = 0;
  #failed = 0;
  readonly #skipped: string[] = [];
  #loud = false;
  readonly #print: (line: string) => void;
  readonly #tell: boolean;

  constructor(print: (line: string) => void, tell: boolean) {
    this.#print = print;
    this.#tell = tell;
  }

  line(text: string): void {
    const point = /^(not )?ok \d+ - (.*?)( # (?:SKIP|TODO).*)?$/.exec(text);
    if (point) this.#point(point[1] !== undefined, point[2] ?? '', point[3] !== undefined);
    else if (/^(TAP version|1\.\.\d+$|# (tests|pass|skip|fail) \d+$|$)/.test(text)) this.#loud = false;
    else if (this.#loud || !text.startsWith('#') || (this.#tell && text.startsWith(LOGGED))) this.#print(text);
  }

  #point(bad: boolean, title: string, skipped: boolean): void {
    this.#loud = bad && !skipped;
    if (skipped) this.#skipped.push(title);
    else if (bad) this.#failed++;
    else this.#passed++;
    if (this.#loud) this.#print(`not ok - ${title}`);
  }

  /** Answers the count. ava that ended badly without a failed test (a crash, no test found) is one failure. */
  end(exitCode: number | null): Tally {
    const unexplained = exitCode !== 0 && this.#failed === 0;
    if (unexplained) this.#print(`not ok - ava ended with ${exitCode ?? 'a signal'}`);
    return { passed: this.#passed, failed: this.#failed + (unexplained ? 1 : 0), skipped: this.#skipped };
  }
}
