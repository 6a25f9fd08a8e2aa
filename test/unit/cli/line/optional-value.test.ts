import test from 'ava';
import { apply } from '../../../../cli/commands/apply.ts';
import { remove } from '../../../../cli/commands/delete.ts';
import { readArguments } from '../../../../cli/line/command-line.ts';
import { shunt } from '../session.ts';

test('an option that may be written without a value takes the one behind =, and no word that follows', (t) => {
  const given = (...words: readonly string[]) => readArguments('apply', apply, words).given.get('wait');
  t.is(given('-f', 'x'), undefined);
  t.deepEqual(given('--wait', '-f', 'x'), ['verified']);
  t.deepEqual(given('-f', 'x', '--wait=stored'), ['stored']);
  t.deepEqual(given('--wait=stored', '--wait'), ['verified']);
  const { operands, given: all } = readArguments('delete', remove, ['--wait', 'web', 'applied']);
  t.deepEqual([operands, all.get('wait')], [['web', 'applied'], ['verified']]);
});

test('a level that follows --wait is not taken for the name of a redirect', async (t) => {
  for (const words of [
    ['delete', 'web', '--wait', 'applied'],
    ['apply', '-f', 'x', '--wait', 'applied'],
  ]) {
    const { exit, stderr } = await shunt(words);
    t.is(exit, 2);
    t.regex(stderr, /unexpected argument "applied" after --wait; did you mean --wait=applied\?/);
  }
  t.regex(
    (await shunt(['apply', '-f', 'x', '--wait=done'])).stderr,
    /--wait: expected one of stored, applied, verified/,
  );
});
