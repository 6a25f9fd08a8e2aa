import { writeSync } from 'node:fs';

const STDERR = 2;

/**
 * Ends the process once what it writes cannot be written. A reader that went away (`shunt get | head -1`) ends it quietly:
 * nobody is left to tell. All else (a disk that is full, a terminal that is gone) is said in a sentence, with the status 1.
 */
export function endOnWriteErrors({ stdout, stderr, exit }: NodeJS.Process, program: string): void {
  for (const [name, stream] of Object.entries({ 'standard output': stdout, 'standard error': stderr })) {
    stream.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'EPIPE') exit();
      if (stream !== stderr) say(`${program}: write to ${name}: ${code}; what was printed is not whole\n`);
      exit(1);
    });
  }
}

function say(text: string): void {
  try {
    writeSync(STDERR, text);
  } catch {
    // There is nowhere left to say it; the status tells.
  }
}
