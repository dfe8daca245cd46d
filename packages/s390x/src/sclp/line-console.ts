/**
 * The line-mode console of the service processor (`sclplmconsole`): messages of whole lines in EBCDIC from the program, operator
 * commands to it. Linux: sclp_line0. Structures (message data block, GDS vectors) after Linux drivers/s390/char/sclp_rw.h and
 * sclp_tty.c.
 */
import type { PropertySpec } from '@boardwalk/core';
import { SclpConsole } from './console.ts';
import { fromEbcdic, toEbcdic } from './ebcdic.ts';
import { eventBuffer } from './event-device.ts';
import { EVENT, maskOf } from './event-types.ts';

/** A line is this long at most: a subvector has its length in a byte. */
const MAX_LINE = 248;
/** Lines that wait for the program. */
const MAX_LINES = 16;
const LF = 0x0a;
const CR = 0x0d;
const BACKSPACE = 0x08;
const DELETE = 0x7f;

/** Message data block: its header, then objects of a length and a type. */
const MDB_HEADER = 12;
const MDB_TYPE = 1;
const MDB_TAG = 0xd4c4_c240;
const OBJECT_HEADER = 4;
const MESSAGE_TEXT_OBJECT = 4;
/** A message text object's text comes behind line-type flags, presentation attributes and a reserved byte. */
const TEXT_OFFSET = 8;
const LINE_CONTROL_TEXT = 0x8000;

/** General data stream identifiers of an operator command, each inside the one before. */
const GDS_MDS_MESSAGE_UNIT = 0x1310;
const GDS_CP_MESSAGE_UNIT = 0x1212;
const GDS_TEXT_COMMAND = 0x1320;
const SELF_DEFINING_TEXT = 0x31;
const TEXT_DATA = 0x30;

/** A vector: length, identifier, contents. */
function vector(identifier: number, contents: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + contents.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, bytes.length);
  view.setUint16(2, identifier);
  bytes.set(contents, 4);
  return bytes;
}

/** A subvector has its length and key in a byte each. */
function subvector(key: number, contents: Uint8Array): Uint8Array {
  return Uint8Array.of(2 + contents.length, key, ...contents);
}

/** The event buffer of an operator command. */
export function operatorCommand(line: Uint8Array): Uint8Array {
  const text = subvector(SELF_DEFINING_TEXT, subvector(TEXT_DATA, toEbcdic(line)));
  const unit = vector(GDS_MDS_MESSAGE_UNIT, vector(GDS_CP_MESSAGE_UNIT, vector(GDS_TEXT_COMMAND, text)));
  return eventBuffer(EVENT.operatorCommand, unit);
}

/** The lines of a message event's data; undefined if it is no message data block. */
export function messageLines(data: Uint8Array): Uint8Array[] | undefined {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (data.length < MDB_HEADER) return undefined;
  const end = view.getUint16(0);
  if (end > data.length || view.getUint16(2) !== MDB_TYPE || view.getUint32(4) !== MDB_TAG) return undefined;
  const lines: Uint8Array[] = [];
  for (let at = MDB_HEADER; at + OBJECT_HEADER <= end; ) {
    const length = view.getUint16(at);
    if (length < OBJECT_HEADER || at + length > end) return undefined;
    if (view.getUint16(at + 2) === MESSAGE_TEXT_OBJECT && length >= TEXT_OFFSET) {
      const control = (view.getUint16(at + 4) & LINE_CONTROL_TEXT) !== 0;
      if (!control) lines.push(fromEbcdic(data.subarray(at + TEXT_OFFSET, at + length)));
    }
    at += length;
  }
  return lines;
}

/** A console of lines. */
export class LineConsole extends SclpConsole {
  static override readonly typeName: string = 'sclplmconsole';
  static override readonly properties: readonly PropertySpec[] = [
    { name: 'echo', type: 'bool', description: 'show what is typed', default: true },
  ];

  readonly sends = maskOf(EVENT.operatorCommand) + maskOf(EVENT.priorityMessage);
  readonly receives = maskOf(EVENT.message) + maskOf(EVENT.priorityMessage);
  #typed: number[] = [];
  #lines: Uint8Array[] = [];

  protected room(): number {
    return this.#lines.length < MAX_LINES ? 1 : 0;
  }

  protected received(byte: number): void {
    if (this.getProperty('echo') === true) this.#echo(byte);
    if (this.#edit(byte)) this.eventPending();
  }

  protected get waitingInput(): Uint8Array {
    return Uint8Array.from([...this.#lines.flatMap((line) => [...line, LF]), ...this.#typed]);
  }

  protected set waitingInput(bytes: Uint8Array) {
    this.#typed = [];
    this.#lines = [];
    for (const byte of bytes) this.#edit(byte);
  }

  pending(mask: number): boolean {
    return (mask & maskOf(EVENT.operatorCommand)) !== 0 && this.#lines.length > 0;
  }

  take(_mask: number, room: number): Uint8Array | undefined {
    const [line] = this.#lines;
    if (line === undefined) return undefined;
    const buffer = operatorCommand(line);
    if (buffer.length > room) return undefined;
    this.#lines.shift();
    this.moreRoom();
    return buffer;
  }

  accept(_type: number, data: Uint8Array): boolean {
    const lines = messageLines(data);
    for (const line of lines ?? []) this.show(Uint8Array.of(...line, LF));
    return lines !== undefined;
  }

  #echo(byte: number): void {
    if (byte === CR) this.show(Uint8Array.of(LF));
    else if (byte !== BACKSPACE && byte !== DELETE) this.show(Uint8Array.of(byte));
    else if (this.#typed.length > 0) this.show(Uint8Array.of(BACKSPACE, 0x20, BACKSPACE));
  }

  /** @returns whether the byte ends a line */
  #edit(byte: number): boolean {
    if (byte === LF || byte === CR) {
      this.#lines.push(Uint8Array.from(this.#typed));
      this.#typed = [];
      return true;
    }
    // A subvector's length is a byte: what goes beyond its room is lost.
    if (byte === BACKSPACE || byte === DELETE) this.#typed.pop();
    else if (this.#typed.length < MAX_LINE) this.#typed.push(byte);
    return false;
  }
}
