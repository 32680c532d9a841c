/**
 * Cuts a dump into its statements as the client does that loads it, by quotes, comments and DELIMITER: what stands in a string, a comment or the body of
 * a routine is never taken for a statement, whatever it looks like. Works on bytes: bodies may be in any character set that has ASCII in it.
 */

/** A statement with its delimiter, or a comment that stands between statements. */
export interface Piece {
  readonly kind: 'Statement' | 'Comment';
  /** Offsets in bytes: of its first, and behind its last. */
  readonly start: number;
  readonly end: number;
  /** Its beginning. */
  readonly head: string;
}

export interface Splitter {
  /** Takes the next bytes, and gives the pieces that end in them. */
  push(chunk: Buffer): Piece[];
  /** Gives the pieces of the rest. One that has no end is none. */
  end(): Piece[];
}

const headSize = 1024;
/** As far as one place has to look ahead; a line with DELIMITER is shorter. */
const lookahead = 64;

const code = (character: string): number => character.charCodeAt(0);
const [newline, backslash, slash, star, dash, hash] = ['\n', '\\', '/', '*', '-', '#'].map(code) as [
  number,
  number,
  number,
  number,
  number,
  number,
];
const backtick = code('`');
const quotes = ["'", '"', '`'].map(code);
const spaces = new Set([' ', '\t', '\n', '\r', '\f', '\v'].map(code));
const blockEnd = Buffer.from('*/');
const delimiterLine = /^delimiter[ \t]+(\S+)[^\n]*(?:\n|$)/i;
const modeSet = /^(?:\/\*!\d+ )?SET sql_mode\s*=\s*('[^']*'|\S+)/i;

/** Where the place is: between or in statements, in a comment, or in quotes (their byte). */
type Within = 'Plain' | 'Line' | 'Block' | number;

export const createSplitter = (): Splitter => {
  let data: Buffer = Buffer.alloc(0);
  /** Offset of the first byte of `data`. */
  let base = 0;
  let delimiter: Buffer = Buffer.from(';');
  let special = specialBytes(delimiter);
  let escapes = true;
  let within: Within = 'Plain';
  let kind: Piece['kind'] | undefined;
  let start = 0;
  let head: Buffer = Buffer.alloc(0);

  const keepHead = (to: number): void => {
    const from = Math.max(0, start + head.length - base);
    if (head.length >= headSize || to <= from) return;
    head = Buffer.concat([head, data.subarray(from, Math.min(to, from + headSize - head.length))]);
  };
  const begin = (what: Piece['kind'], at: number): void => {
    kind = what;
    start = base + at;
    head = Buffer.alloc(0);
  };
  const finish = (to: number): Piece => {
    keepHead(to);
    const piece = { kind: kind ?? 'Statement', start, end: base + to, head: head.toString('utf8') };
    const mode = modeSet.exec(piece.head)?.[1];
    if (mode !== undefined) escapes = !/NO_BACKSLASH_ESCAPES/i.test(mode);
    kind = undefined;
    return piece;
  };
  const followedBy = (at: number, bytes: Buffer): boolean =>
    at + bytes.length <= data.length && data.compare(bytes, 0, bytes.length, at, at + bytes.length) === 0;

  /** Goes through what there is as far as is sure. */
  const scan = (last: boolean): Piece[] => {
    const pieces: Piece[] = [];
    const limit = last ? data.length : data.length - lookahead;
    let at = 0;
    while (at < limit) {
      if (within === 'Line') {
        const end = data.indexOf(newline, at);
        if (end < 0) {
          at = data.length;
          break;
        }
        within = 'Plain';
        at = end + 1;
        if (kind === 'Comment') pieces.push(finish(at));
        continue;
      }
      if (within === 'Block') {
        const end = data.indexOf(blockEnd, at);
        if (end < 0) {
          at = Math.max(at, data.length - 1);
          break;
        }
        within = 'Plain';
        at = end + 2;
        continue;
      }
      if (typeof within === 'number') {
        const escaping = escapes && within !== backtick;
        while (at < limit && data[at] !== within) at += escaping && data[at] === backslash ? 2 : 1;
        if (at < limit) {
          within = 'Plain';
          at += 1;
        }
        continue;
      }
      const byte = data[at] ?? 0;
      if (kind === undefined) {
        if (spaces.has(byte)) {
          at += 1;
          continue;
        }
        const line = delimiterLine.exec(data.toString('latin1', at, at + lookahead));
        if (line !== null) {
          delimiter = Buffer.from(line[1] ?? ';', 'latin1');
          special = specialBytes(delimiter);
          at += line[0].length;
          continue;
        }
        const comment = byte === hash || (byte === dash && data[at + 1] === dash);
        begin(comment ? 'Comment' : 'Statement', at);
        if (comment) {
          within = 'Line';
          continue;
        }
      }
      if (special[byte] === 0) {
        at += 1;
        while (at < limit && special[data[at] ?? 0] === 0) at += 1;
        continue;
      }
      if (byte === delimiter[0] && followedBy(at, delimiter)) {
        at += delimiter.length;
        pieces.push(finish(at));
        continue;
      }
      if (quotes.includes(byte)) within = byte;
      else if (byte === hash) within = 'Line';
      else if (byte === dash && data[at + 1] === dash && (at + 2 >= data.length || spaces.has(data[at + 2] ?? 0))) {
        within = 'Line';
      } else if (byte === slash && data[at + 1] === star && !isCode(data, at + 2)) {
        within = 'Block';
        at += 1;
      }
      at += 1;
    }
    keepHead(Math.min(at, data.length));
    data = data.subarray(at);
    base += at;
    return pieces;
  };
  return {
    push(chunk) {
      data = data.length === 0 ? chunk : Buffer.concat([data, chunk]);
      return scan(false);
    },
    end: () => scan(true),
  };
};

/** Whether a comment holds what is run: a version after `/*!` or `/*M!`. */
const isCode = (data: Buffer, at: number): boolean =>
  data[at] === code('!') || (data[at] === code('M') && data[at + 1] === code('!'));

const specialBytes = (delimiter: Buffer): Uint8Array => {
  const table = new Uint8Array(256);
  for (const byte of [...quotes, slash, dash, hash, delimiter[0] ?? 0]) table[byte] = 1;
  return table;
};
