/** A pattern cut into what each piece may stand for. */
type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'one' }
  | { readonly kind: 'some' }
  | { readonly kind: 'folders' }
  | { readonly kind: 'rest' };

/** More alternatives than this in one pattern and its braces are read as letters. */
const MOST_ALTERNATIVES = 64;

/**
 * Whether a name of a branch, tag or path fits a pattern as project files have them: `*` any letters but `/`, `**` folders too,
 * `?` one letter, `{a,b}` either. Takes time in proportion to both lengths: no pattern makes it slow.
 */
export function matches(pattern: string, name: string): boolean {
  return alternatives(pattern).some((each) => fits(cut(each), name));
}

function alternatives(pattern: string): string[] {
  let open = [pattern];
  for (;;) {
    const next = open.flatMap((each) => {
      const found = /^([^{}]*)\{([^{}]*)\}(.*)$/s.exec(each);
      const [, before, inside, after] = found ?? [];
      return inside?.includes(',') ? inside.split(',').map((choice) => `${before}${choice}${after}`) : [each];
    });
    if (next.length > MOST_ALTERNATIVES) return [pattern];
    if (next.length === open.length && next.every((each, index) => each === open[index])) return next;
    open = next;
  }
}

function cut(pattern: string): Piece[] {
  const pieces: Piece[] = [];
  for (const token of pattern.match(/\*\*\/|\/\*\*$|\*+|\?|[^*?/]+|\//g) ?? []) {
    if (token === '**/') pieces.push({ kind: 'folders' });
    else if (token === '/**') pieces.push({ kind: 'rest' });
    else if (token.startsWith('**')) pieces.push({ kind: 'folders' }, { kind: 'some' });
    else if (token === '*') pieces.push({ kind: 'some' });
    else if (token === '?') pieces.push({ kind: 'one' });
    else pieces.push({ kind: 'text', text: token });
  }
  return pieces;
}

/** Keeps the set of places in `name` that the pieces so far can end at. */
function fits(pieces: readonly Piece[], name: string): boolean {
  let ends = new Set([0]);
  for (const piece of pieces) {
    const next = new Set<number>();
    if (piece.kind === 'text') {
      for (const at of ends) if (name.startsWith(piece.text, at)) next.add(at + piece.text.length);
    } else if (piece.kind === 'one') {
      for (const at of ends) if (at < name.length && name[at] !== '/') next.add(at + 1);
    } else {
      const first = Math.min(...ends);
      for (let at = first, open = false; at <= name.length; at += 1) {
        if (ends.has(at)) open = true;
        if (piece.kind === 'some') {
          if (open) next.add(at);
          if (name[at] === '/') open = false;
        } else if (piece.kind === 'folders') {
          if (ends.has(at) || (open && name[at - 1] === '/')) next.add(at);
        } else if (ends.has(at) && (at === name.length || name[at] === '/')) next.add(name.length);
      }
    }
    if (next.size === 0) return false;
    ends = next;
  }
  return ends.has(name.length);
}
