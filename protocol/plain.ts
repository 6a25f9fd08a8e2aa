/**
 * What no text from others may hold where a person reads it: it commands a terminal (C0, DEL, C1), ends a line for some who
 * read it (U+2028, U+2029), or turns it round (the bidirectional controls).
 */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;
/** What a POSIX shell takes for itself and nothing else. */
const BARE_WORD = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** A text on one line, with a space for each character that is not for reading. */
export function plain(text: string): string {
  return text.replace(CONTROL, ' ');
}

/** A text in which such characters are seen, as JSON writes them, but for those that `spared` matches. */
export function visible(text: string, spared?: RegExp): string {
  return text.replace(CONTROL, (one, at: number) => {
    if (spared !== undefined) {
      spared.lastIndex = at;
      if (spared.test(text)) return one;
    }
    return `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** A text as one word of a command that is to be copied into a shell: bare where that is safe, else in quotes. */
export function shellWord(text: string): string {
  if (BARE_WORD.test(text)) return text;
  if (plain(text) === text) return `'${text.replaceAll("'", `'\\''`)}'`;
  const bytes = Array.from(new TextEncoder().encode(text), (byte) => `\\x${byte.toString(16).padStart(2, '0')}`);
  return `$'${bytes.join('')}'`; // as bash, zsh and ksh read it
}
