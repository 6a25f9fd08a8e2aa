/** What time it is for this process and for the kernel: nanoseconds of the monotonic clock, and jiffies64. */
import { printResult } from '../../support/netns.ts';
import { LoadedProgram } from '../loaded-program.ts';

using program = new LoadedProgram();
printResult({ monotonic: process.hrtime.bigint(), jiffies: program.now() });
