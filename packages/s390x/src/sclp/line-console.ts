/**
 * The line-mode console of the service processor (`sclplmconsole`): messages of whole lines in EBCDIC from the program, operator
 * commands to it. Linux: sclp_line0. Structures (message data block, GDS vectors) after Linux drivers/s390/char/sclp_rw.h and
 * sclp_tty.c.
 */
import { type CharBackend, CharFrontend, Device, type DeviceState, type PropertySpec } from '@boardwalk/core';
import { asCharBackend, chardevProperty } from '@boardwalk/devices';
import { fromEbcdic, toEbcdic } from './ebcdic.ts';
import { SCLP_EVENT_BUS, type SclpEventDevice } from './event-bus.ts';
import type { EventFacility } from './event-facility.ts';
import { EVENT, EVENT_HEADER, type EventHandler, maskOf } from './event-types.ts';

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
  const buffer = new Uint8Array(EVENT_HEADER + unit.length);
  new DataView(buffer.buffer).setUint16(0, buffer.length);
  buffer[2] = EVENT.operatorCommand;
  buffer.set(unit, EVENT_HEADER);
  return buffer;
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
export class LineConsole extends Device implements EventHandler, SclpEventDevice {
  static override readonly typeName: string = 'sclplmconsole';
  static override readonly properties: readonly PropertySpec[] = [
    chardevProperty(),
    { name: 'echo', type: 'bool', description: 'show what is typed', default: true },
  ];

  /** The bus that it fits. */
  readonly busType = SCLP_EVENT_BUS;
  readonly sends = maskOf(EVENT.operatorCommand) + maskOf(EVENT.priorityMessage);
  readonly receives = maskOf(EVENT.message) + maskOf(EVENT.priorityMessage);
  #facility: EventFacility | undefined;
  #line: CharFrontend | undefined;
  #typed: number[] = [];
  #lines: Uint8Array[] = [];

  /** @param chardev the other end of the line, for code that has it; users give `chardev=` */
  constructor(chardev?: CharBackend) {
    super();
    if (chardev !== undefined) this.setProperty('chardev', chardev);
  }

  /** @internal */
  plugInto(facility: EventFacility): void {
    this.#facility = facility;
    facility.connect(this);
  }

  override realize(): void {
    super.realize();
    this.#line = new CharFrontend(asCharBackend(this, this.getProperty('chardev')), {
      canReceive: () => (this.#lines.length < MAX_LINES ? 1 : 0),
      receive: (byte) => this.#received(byte),
    });
  }

  override resetHold(): void {
    super.resetHold();
    this.#typed = [];
    this.#lines = [];
    this.#line?.poll();
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
    this.#line?.poll();
    return buffer;
  }

  accept(_type: number, data: Uint8Array): boolean {
    const lines = messageLines(data);
    if (lines === undefined) return false;
    for (const line of lines) {
      this.#line?.write(line);
      this.#line?.writeByte(LF);
    }
    return true;
  }

  override save(): DeviceState {
    const state = super.save();
    const lines = this.#lines.flatMap((line) => [...line, LF]);
    const input = Uint8Array.from([...lines, ...this.#typed]);
    return { ...state, fields: { ...state.fields, input } };
  }

  override restore(state: DeviceState): void {
    const { input, ...fields } = state.fields;
    super.restore({ ...state, fields });
    this.#typed = [];
    this.#lines = [];
    for (const byte of input instanceof Uint8Array ? input : []) this.#edit(byte);
  }

  #received(byte: number): void {
    if (this.getProperty('echo') === true) this.#echo(byte);
    if (this.#edit(byte)) this.#facility?.eventPending();
  }

  #echo(byte: number): void {
    if (byte === CR) this.#line?.writeByte(LF);
    else if (byte === BACKSPACE || byte === DELETE) {
      if (this.#typed.length > 0) this.#line?.write(Uint8Array.of(BACKSPACE, 0x20, BACKSPACE));
    } else this.#line?.writeByte(byte);
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
