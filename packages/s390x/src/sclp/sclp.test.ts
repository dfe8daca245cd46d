// SERVICE CALL; control blocks and responses as observed of qemu-system-s390x 7.2 with the same machine.
import { MiB, PipeChar, plugDevice, restoreTree, saveTree } from '@boardwalk/core';
import { afterEach, describe, expect, it } from 'vitest';
import { type TestMainframe, testMainframe } from '../boards/test-machine.ts';
import { PGM_ADDRESSING, PGM_SPECIFICATION, programInterruption } from '../cpu/services.ts';
import { AbsoluteStorage } from '../css/storage.ts';
import { fromEbcdic, toEbcdic } from './ebcdic.ts';
import { LineConsole } from './line-console.ts';
import { storageIncrement } from './sclp.ts';
import { Vt220Console } from './vt220-console.ts';

const SCCB = 0x1_0000;
const READ_SCP_INFO = 0x0002_0001;
const READ_CPU_INFO = 0x0001_0001;
const WRITE_EVENT_DATA = 0x0076_0005;
const READ_EVENT_DATA = 0x0077_0005;
const WRITE_EVENT_MASK = 0x0078_0005;

class Program {
  readonly storage: AbsoluteStorage;
  readonly test: TestMainframe;

  constructor(test: TestMainframe) {
    this.test = test;
    this.storage = new AbsoluteStorage(test.machine.addressSpace);
  }

  /** Calls with a block of `length` bytes that begins with `words` behind its header; gives the response code. */
  call(command: number, length: number, words: readonly number[] = [], control = 0): number {
    this.storage.write(SCCB, new Uint8Array(4096));
    this.storage.setHalfword(SCCB, length);
    this.storage.setHalfword(SCCB + 4, control);
    for (const [i, word] of words.entries()) this.storage.setWord(SCCB + 8 + 4 * i, word);
    expect(this.test.mainframe.serviceCall(this.test.cpu, command, SCCB)).toBe(0);
    return this.word(4) & 0xffff;
  }

  word(at: number): number {
    return this.storage.word(SCCB + at) ?? -1;
  }

  bytes(at: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.storage.read(SCCB + at, bytes);
    return bytes;
  }

  /** Sends one event buffer. */
  event(type: number, data: Uint8Array): number {
    this.storage.write(SCCB, new Uint8Array(4096));
    this.storage.setHalfword(SCCB, 14 + data.length);
    this.storage.setHalfword(SCCB + 8, 6 + data.length);
    this.storage.setByte(SCCB + 10, type);
    this.storage.write(SCCB + 14, data);
    expect(this.test.mainframe.serviceCall(this.test.cpu, WRITE_EVENT_DATA, SCCB)).toBe(0);
    return this.word(4) & 0xffff;
  }

  takes(mask: number): void {
    expect(this.call(WRITE_EVENT_MASK, 28, [4, mask, 0])).toBe(0x20);
    this.test.pending.service.splice(0);
  }
}

const machines: TestMainframe[] = [];
afterEach(async () => {
  for (const { machine } of machines.splice(0)) await machine.dispose();
});

async function program(...args: Parameters<typeof testMainframe>): Promise<Program> {
  const test = await testMainframe(...args);
  machines.push(test);
  return new Program(test);
}

/** With a console on a line. */
async function withConsole(make: (line: PipeChar) => Vt220Console | LineConsole) {
  const p = await program();
  const line = new PipeChar();
  const device = make(line);
  p.test.mainframe.sclp.bus.plug(device);
  p.test.machine.add(device, 'console');
  return { p, line };
}

describe('SERVICE CALL', () => {
  it('refuses addresses that no block can have', async () => {
    const p = await program();
    const at = (address: number) => p.test.mainframe.serviceCall(p.test.cpu, READ_SCP_INFO, address);
    expect(at(SCCB + 4)).toBe(programInterruption(PGM_SPECIFICATION));
    expect(at(0x1000)).toBe(programInterruption(PGM_SPECIFICATION));
    expect(at(MiB(64))).toBe(programInterruption(PGM_ADDRESSING));
    p.storage.setHalfword(SCCB, 7);
    expect(at(SCCB)).toBe(programInterruption(PGM_SPECIFICATION));
    p.test.cpu.prefix = SCCB;
    expect(at(SCCB)).toBe(programInterruption(PGM_SPECIFICATION));
  });

  it('answers commands that there are not, and blocks that are too short or cross a page', async () => {
    const p = await program();
    expect(p.call(0x0099_0001, 64)).toBe(0x01f0);
    expect(p.call(READ_SCP_INFO, 64)).toBe(0x0300);
    expect(p.call(READ_CPU_INFO, 16)).toBe(0x0300);
    p.storage.setHalfword(SCCB + 4064, 64);
    p.test.mainframe.serviceCall(p.test.cpu, READ_SCP_INFO, SCCB + 4064);
    expect(p.word(4064 + 4) & 0xffff).toBe(0x0100);
    expect(p.test.pending.service).toEqual([SCCB, SCCB, SCCB, SCCB + 4064]);
  });

  it('tells storage and CPUs', async () => {
    const p = await program({}, {}, 2);
    expect(p.call(READ_SCP_INFO, 4096)).toBe(0x10);
    expect([p.word(8), p.word(16), p.word(24), p.word(28)]).toEqual([
      0x0010_0100, 0x0002_0080, 0x4040_4040, 0x4040_4040,
    ]);
    expect([p.word(48), p.word(84), p.word(96)]).toEqual([0x0800_0000, 0x0002_0000, 0x0000_002f]);
    expect([p.word(120) >>> 16, p.word(128), p.word(144)]).toEqual([1, 0, 0x0100_0000]);
    expect(p.call(READ_CPU_INFO, 4096)).toBe(0x10);
    expect([p.word(8), p.word(12), p.word(24), p.word(40)]).toEqual([0x0002_0018, 0x0000_0038, 0, 0x0100_0000]);
  });

  it('divides storage into no more than 1020 increments', () => {
    expect([128, 1020, 1021, 2048, 4096, 1024 * 1024].map((mib) => storageIncrement(MiB(mib)) / MiB(1))).toEqual([
      1, 1, 2, 4, 8, 2048,
    ]);
  });
});

describe('events', () => {
  it('are exchanged by masks of any length', async () => {
    const p = await program();
    expect(p.call(WRITE_EVENT_MASK, 28, [4, 0xffff_ffff, 0xffff_ffff])).toBe(0x20);
    expect([p.word(20), p.word(24)]).toEqual([0, 0x1000_0008]);
    expect(p.call(WRITE_EVENT_MASK, 44, [8, 0, 0, 0, 0])).toBe(0x20);
    expect([p.word(36), p.word(40)]).toEqual([0x1000_0008, 0]);
    expect(p.call(WRITE_EVENT_MASK, 28, [0])).toBe(0x74f0);
    expect(p.call(WRITE_EVENT_MASK, 16, [4])).toBe(0x0300);
  });

  it('that are not there or not understood have their responses', async () => {
    const p = await program();
    expect(p.call(READ_EVENT_DATA, 4096, [], 0x80)).toBe(0x60f0);
    p.storage.setByte(SCCB + 2, 2);
    expect(p.event(2, new Uint8Array(4))).toBe(0x40f0);
    expect(p.call(WRITE_EVENT_DATA, 14)).toBe(0x73f0);
    expect(p.call(WRITE_EVENT_DATA, 18, [0x0014_1a00])).toBe(0x73f0);
    expect(p.call(WRITE_EVENT_DATA, 8)).toBe(0x20);
  });

  it('ask the program to end when the power button is pressed', async () => {
    const p = await program();
    p.takes(0x08);
    p.test.machine.powerdown();
    expect(p.test.pending.service).toEqual([1]);
    expect(p.call(READ_EVENT_DATA, 4096, [], 0x80)).toBe(0x20);
    expect([p.word(0) >>> 16, p.word(8)]).toEqual([17, 0x0009_1d00]);
    expect(p.call(READ_EVENT_DATA, 4096, [], 0x80)).toBe(0x60f0);
  });

  it('wait for a program that takes them', async () => {
    const p = await program();
    p.test.machine.powerdown();
    expect(p.test.pending.service).toEqual([]);
    p.call(WRITE_EVENT_MASK, 28, [4, 0x08, 0]);
    expect(p.test.pending.service).toEqual([1, SCCB | 1]);
  });
});

describe('the VT220 console', () => {
  it('shows what the program sends, and sends what is typed', async () => {
    const { p, line } = await withConsole((chardev) => new Vt220Console(chardev));
    expect(p.event(0x1a, new TextEncoder().encode('Hello\n'))).toBe(0x20);
    expect(p.bytes(11, 1)[0]).toBe(0x80);
    expect(line.sent).toBe('Hello\n');
    line.send('no');
    expect(p.test.pending.service).toEqual([SCCB]);
    p.takes(0x40);
    line.send('w');
    expect(p.test.pending.service).toEqual([1]);
    expect(p.call(READ_EVENT_DATA, 4096, [], 0x80)).toBe(0x20);
    expect([...p.bytes(8, 10)]).toEqual([0, 10, 0x1a, 0, 0, 0, 0, ...new TextEncoder().encode('now')]);
  });

  it('gives as much as there is room for', async () => {
    const { p, line } = await withConsole((chardev) => new Vt220Console(chardev));
    p.takes(0x40);
    line.send('0123456789');
    expect(p.call(READ_EVENT_DATA, 18)).toBe(0x20);
    expect(new TextDecoder().decode(p.bytes(15, 3))).toBe('012');
    expect(p.call(READ_EVENT_DATA, 14)).toBe(0x75f0);
    expect(p.call(READ_EVENT_DATA, 4096, [], 0x80)).toBe(0x20);
    expect(new TextDecoder().decode(p.bytes(15, 7))).toBe('3456789');
  });

  it('keeps what was typed through a snapshot', async () => {
    const { p, line } = await withConsole((chardev) => new Vt220Console(chardev));
    line.send('abc');
    const { p: other } = await withConsole((chardev) => new Vt220Console(chardev));
    restoreTree(other.test.machine, structuredClone(saveTree(p.test.machine)));
    other.takes(0x40);
    other.call(READ_EVENT_DATA, 4096, [], 0x80);
    expect(new TextDecoder().decode(other.bytes(15, 3))).toBe('abc');
  });
});

describe('the line-mode console', () => {
  /** A message data block with one text. */
  function message(text: string, flags = 0x1000): Uint8Array {
    const line = toEbcdic(text);
    const bytes = new Uint8Array(12 + 8 + line.length);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, bytes.length);
    view.setUint16(2, 1);
    view.setUint32(4, 0xd4c4_c240);
    view.setUint16(12, 8 + line.length);
    view.setUint16(14, 4);
    view.setUint16(16, flags);
    bytes.set(line, 20);
    return bytes;
  }

  it('shows messages, in EBCDIC, line by line', async () => {
    const { p, line } = await withConsole((chardev) => new LineConsole(chardev));
    expect(p.event(2, message('Uncompressing Linux...'))).toBe(0x20);
    expect(p.event(2, message('not shown', 0x8000))).toBe(0x20);
    expect(line.sent).toBe('Uncompressing Linux...\n');
    expect(p.event(2, Uint8Array.of(1, 2, 3))).toBe(0x40f0);
  });

  it('sends lines as operator commands', async () => {
    const { p, line } = await withConsole((chardev) => new LineConsole(chardev));
    p.takes(0x8000_0000);
    line.send('ls -x\b');
    expect(p.test.pending.service).toEqual([]);
    line.send('l\r');
    expect(p.test.pending.service).toEqual([1]);
    expect(p.call(READ_EVENT_DATA, 4096, [], 0x80)).toBe(0x20);
    const length = p.word(8) >>> 16;
    const buffer = p.bytes(8, length);
    expect(buffer[2]).toBe(1);
    expect(new TextDecoder().decode(fromEbcdic(buffer.subarray(length - 5)))).toBe('ls -l');
    expect([...buffer.subarray(6, length - 5)]).toEqual([
      0, 21, 0x13, 0x10, 0, 17, 0x12, 0x12, 0, 13, 0x13, 0x20, 9, 0x31, 7, 0x30,
    ]);
    expect(line.sent).toBe('ls -x\b \bl\n');
  });
});

it('EBCDIC has every printable ASCII character', () => {
  const all = Uint8Array.from({ length: 95 }, (_, i) => 32 + i);
  expect([...fromEbcdic(toEbcdic(all))]).toEqual([...all]);
  expect([...toEbcdic('KVM/Linux 09az{}')]).toEqual([
    0xd2, 0xe5, 0xd4, 0x61, 0xd3, 0x89, 0x95, 0xa4, 0xa7, 0x40, 0xf0, 0xf9, 0x81, 0xa9, 0xc0, 0xd0,
  ]);
});

it('a user plugs consoles in', async () => {
  const p = await program();
  expect(() => plugDevice(p.test.machine, { driver: 'sclpconsole' })).toThrow('does not support hotplugging');
});
