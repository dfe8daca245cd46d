// Bytes as text of 64 letters (RFC 4648, section 4), as monitors and options take them and give them.
import { UserError } from '@boardwalk/core';

/** Bytes that are turned into characters at once: what a function can take as arguments. */
const PIECE = 4096;

export function formatBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += PIECE) text += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  return btoa(text);
}

/** Lines may end within it. @throws UserError for what is no base64, or is not filled up to four letters */
export function parseBase64(text: string): Uint8Array {
  const letters = text.replaceAll('\n', '');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(letters) || letters.length % 4 !== 0) {
    throw new UserError('Base64 data contains invalid characters');
  }
  return Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));
}
