import { describe, expect, it } from 'vitest';
import { CommandLine } from '../options/command-line.ts';
import { readInstructionCounting, readRtc, readSeed } from './time.ts';

const icount = (...texts: string[]) =>
  readInstructionCounting(new CommandLine(texts.flatMap((text) => ['-icount', text])), 'tcg');

describe('-icount', () => {
  it('is 2^shift ns an instruction, and sleeps unless told otherwise', () => {
    expect(icount()).toBeUndefined();
    expect(icount('shift=3')).toEqual({ nsPerInstruction: 8, sleep: true });
    expect(icount('0,sleep=off,align=off')).toEqual({ nsPerInstruction: 1, sleep: false });
    expect(icount('shift=0x2', 'sleep=off')).toEqual({ nsPerInstruction: 4, sleep: false });
  });

  it.each([
    ['shift=11', '-icount: icount: Invalid shift value'],
    ['shift=-1', '-icount: icount: Invalid shift value'],
    ['1.5', '-icount: icount: Invalid shift value'],
    ['sleep=off', '-icount: Please specify shift option when using sleep'],
    ['align=off', '-icount: Please specify shift option when using align'],
    ['1,align=on,sleep=off', '-icount: align=on and sleep=off are incompatible'],
    ['1,align=on', '-icount: align=on is not supported: '],
    ['auto', '-icount: shift=auto is not supported: '],
    ['1,rr=record,rrfile=x', '-icount: rr= is not supported: '],
    ['1,rrfile=x', '-icount: rrfile= is not supported: '],
    ['1,frob=1', "-icount: invalid parameter 'frob'"],
    ['1,sleep=maybe', "-icount: Parameter 'sleep' expects 'on' or 'off'"],
  ])('%s is refused', (text, message) => {
    expect(() => icount(text)).toThrow(message);
  });

  it('needs instructions to count', () => {
    const line = new CommandLine(['-icount', '1']);
    expect(() => readInstructionCounting(line, 'qtest')).toThrow('-icount: only with -accel tcg');
  });
});

describe('-seed', () => {
  it('is a number of 64 bits', () => {
    expect(readSeed(undefined)).toBeUndefined();
    expect(readSeed('7')).toBe(7n);
    expect(readSeed('0xffffffffffffffff')).toBe(2n ** 64n - 1n);
  });

  it.each(['x', '', '-1', '18446744073709551616', '1.5'])("'%s' is none", (text) => {
    expect(() => readSeed(text)).toThrow(`-seed: Invalid seed number: ${text}`);
  });
});

describe('-rtc', () => {
  const now = new Date('2026-11-24T10:00:00Z');

  it("shows the host's time, or goes on from a base with the host's or virtual time", () => {
    const base = Date.UTC(2020, 0, 1);
    expect(readRtc([], now)).toEqual({});
    expect(readRtc(['clock=host'], now)).toEqual({});
    expect(readRtc(['base=2020-01-01'], now)).toEqual({ rtcBaseMs: base, rtcClock: 'host' });
    expect(readRtc(['2020-01-01T00:00:01,clock=vm'], now)).toEqual({ rtcBaseMs: base + 1000, rtcClock: 'virtual' });
    expect(readRtc(['base=2020-01-01', 'clock=vm'], now)).toEqual({ rtcBaseMs: base, rtcClock: 'virtual' });
  });

  it('fixes the base at the start where virtual time has none', () => {
    expect(readRtc(['clock=rt'], now)).toEqual({ rtcBaseMs: now.getTime(), rtcClock: 'steady' });
    expect(readRtc(['clock=vm'], now)).toEqual({ rtcBaseMs: now.getTime(), rtcClock: 'virtual' });
  });

  it('has no other clock', () => {
    expect(() => readRtc(['clock=frob'], now)).toThrow('-rtc: clock=frob is not supported; host, rt, vm are');
  });
});
