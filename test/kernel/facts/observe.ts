import { runInNamespace } from '../../support/netns.ts';

/**
 * Answers what a scenario beside the test file saw, by its arguments; several facts may come from one run.
 * @param module file name of the scenario, in this folder
 */
export function observer<Observed>(module: string): (...args: readonly string[]) => Promise<Observed> {
  const runs = new Map<string, Promise<unknown>>();
  return async (...args) => {
    const name = args.join(' ');
    const run = runs.get(name) ?? runInNamespace(new URL(module, import.meta.url), ...args);
    runs.set(name, run);
    return (await run) as Observed;
  };
}
