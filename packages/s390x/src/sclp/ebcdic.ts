/**
 * EBCDIC as mainframe consoles and system information have it: code page 037 (the invariant characters are the same in 500 and
 * 1047). After "Character Data Representation Architecture", code page 00037, with the line feed of 0x15 and 0x25 alike.
 */

/** Latin-1 characters from 0x40 on, by rows of 16; a dot for a place without a printable ASCII character. */
const ROWS = [
  ' ...........<(+|', // 4
  '&.........!$*);.', // 5
  '-/.........,%_>?', // 6
  '.........`:#@\'="', // 7
  '.abcdefghi......', // 8
  '.jklmnopqr......', // 9
  '.~stuvwxyz......', // a
  '^.........[]....', // b
  '{ABCDEFGHI......', // c
  '}JKLMNOPQR......', // d
  '\\.STUVWXYZ......', // e
  '0123456789......', // f
];
const FIRST = 0x40;
/** The dot itself. */
const PERIOD = 0x4b;
const NEW_LINE = 0x15;
const LINE_FEED = 0x25;
const TAB = 0x05;

const TO_ASCII = new Uint8Array(256).fill(0x2e);
const TO_EBCDIC = new Uint8Array(256).fill(0x6f);

for (const [row, text] of ROWS.entries()) {
  for (const [column, character] of [...text].entries()) {
    const code = FIRST + 16 * row + column;
    if (character === '.') continue;
    TO_ASCII[code] = character.charCodeAt(0);
    TO_EBCDIC[character.charCodeAt(0)] = code;
  }
}
for (const [ascii, ebcdic] of [
  [0x2e, PERIOD],
  [0x0a, NEW_LINE],
  [0x0a, LINE_FEED],
  [0x09, TAB],
  [0x00, 0x00],
  [0x0d, 0x0d],
  [0x0c, 0x0c],
  [0x07, 0x2f],
  [0x08, 0x16],
  [0x1b, 0x27],
] as const) {
  TO_ASCII[ebcdic] = ascii;
  TO_EBCDIC[ascii] = ebcdic;
}

/** EBCDIC bytes of an ASCII text; what has no place there becomes a question mark. */
export function toEbcdic(text: string | Uint8Array): Uint8Array {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  return bytes.map((byte) => TO_EBCDIC[byte] ?? 0x6f);
}

/** ASCII bytes of EBCDIC ones; what has no place there becomes a period. */
export function fromEbcdic(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => TO_ASCII[byte] ?? 0x2e);
}

/** A name of fixed length: EBCDIC, filled with blanks. */
export function ebcdicName(text: string, length: number): Uint8Array {
  return toEbcdic(text.slice(0, length).padEnd(length));
}
