import { type Machine, PipeChar } from '@boardwalk/core';
import { describe, expect, it } from 'vitest';
import { place, probe, testMachine } from '../../test/machine.ts';
import { Ns16550a, type Ns16550aOptions } from './ns16550a.ts';

const BASE = 0x1000_0000;

async function uart(options: Ns16550aOptions = {}) {
  const line = new PipeChar();
  let device = new Ns16550a();
  const test = await testMachine((machine: Machine) => {
    device = place(machine, BASE, new Ns16550a({ chardev: line, ...options }));
  });
  const irq = probe(device, device.irq);
  const shift = options.regshift ?? 0;
  const read = (register: number): number => test.r8(BASE + (register << shift));
  const write = (register: number, value: number): void => test.w8(BASE + (register << shift), value);
  return { ...test, device, line, irq, read, write };
}

describe('NS16550A', () => {
  it('sends what is written to THR, and the transmitter is always empty', async () => {
    const { line, read, write } = await uart();
    for (const character of 'hello') write(0, character.charCodeAt(0));
    expect(line.sent).toBe('hello');
    expect(read(5) & 0x60).toBe(0x60);
  });

  it('keeps the divisor behind DLAB and knows the rate', async () => {
    const { device, line, read, write } = await uart({ clockFrequency: 3_686_400 });
    write(3, 0x83);
    write(0, 2);
    write(1, 1);
    expect([read(0), read(1)]).toEqual([2, 1]);
    expect(device.baud).toBeCloseTo(3_686_400 / 16 / 0x102);
    write(3, 0x03);
    expect(line.sent).toBe('');
    expect(read(1)).toBe(0);
  });

  it('receives in 16450 mode one character at a time and loses nothing of a long paste', async () => {
    const { line, read } = await uart();
    const text = 'a line that is longer than the sixteen bytes of the FIFO';
    line.send(text);
    let got = '';
    while ((read(5) & 1) !== 0) got += String.fromCharCode(read(0));
    expect(got).toBe(text);
  });

  it('interrupts at the trigger level, and by timeout below it', async () => {
    const { clock, line, irq, read, write } = await uart();
    write(3, 0x83);
    write(0, 1); // 115200 baud
    write(3, 0x03);
    write(2, 0x81); // FIFOs on, trigger 8
    write(1, 0x01);
    line.send('1234567');
    expect(irq.level).toBe(false);
    expect(read(2)).toBe(0xc1);
    const character = (10 / 115200) * 1e9;
    clock.advance(3.9 * character);
    expect(irq.level).toBe(false);
    clock.advance(0.2 * character);
    expect(read(2)).toBe(0xcc);
    expect(irq.level).toBe(true);
    read(0);
    expect(irq.level).toBe(false); // a read ends the timeout
    line.send('89');
    expect(read(2)).toBe(0xc4);
  });

  it('reports THRE when it is enabled, until IIR is read, and again after each character', async () => {
    const { irq, read, write } = await uart();
    write(1, 0x02);
    expect(irq.level).toBe(true);
    expect(read(2)).toBe(0x02);
    expect(read(2)).toBe(0x01);
    expect(irq.level).toBe(false);
    write(0, 0x41);
    expect(irq.level).toBe(true);
  });

  it('orders line status before data before THRE before modem status', async () => {
    const { line, read, write } = await uart();
    write(2, 0x01);
    write(4, 0x10); // loopback drops the modem lines
    write(4, 0x00);
    write(1, 0x0f);
    line.send('x');
    line.sendBreak();
    expect(read(2)).toBe(0xc4);
    read(0);
    expect(read(2)).toBe(0xc6); // the break is on top now
    expect(read(5) & 0x90).toBe(0x90);
    expect(read(2)).toBe(0xc4);
    expect(read(0)).toBe(0);
    expect(read(2)).toBe(0xc2);
    expect(read(2)).toBe(0xc0);
    expect(read(6) & 0xf0).toBe(0xb0);
    expect(read(2)).toBe(0xc1);
  });

  it('loops characters and modem lines back, and reports an overrun', async () => {
    const { line, read, write } = await uart();
    write(4, 0x10);
    read(6);
    write(4, 0x1a); // RTS and OUT2
    expect(read(6)).toBe(0x99); // CTS and DCD with their changes
    write(2, 0x01);
    for (let i = 0; i < 17; i++) write(0, i);
    expect(line.sent).toBe('');
    expect(read(5) & 0x03).toBe(0x03);
    expect(read(5) & 0x02).toBe(0);
    expect(Array.from({ length: 16 }, () => read(0))).toEqual(Array.from({ length: 16 }, (_, i) => i));
  });

  it('loses no input that arrives in loopback', async () => {
    const { line, read, write } = await uart();
    write(4, 0x10);
    line.send('later');
    expect(read(5) & 1).toBe(0);
    write(4, 0x00);
    expect(read(0)).toBe('l'.charCodeAt(0));
    expect(read(0)).toBe('a'.charCodeAt(0));
  });

  it('clears the receiver when FCR says so', async () => {
    const { read, write } = await uart();
    write(2, 0x01);
    write(4, 0x10);
    write(0, 0x55);
    write(2, 0x03);
    expect(read(5) & 1).toBe(0);
  });

  it('spreads registers out and takes wide accesses', async () => {
    const { line, r32, w32, r8 } = await uart({ regshift: 2, ioWidth: 4 });
    w32(BASE + 7 * 4, 0x1234_56a5);
    expect(r32(BASE + 7 * 4)).toBe(0xa5);
    expect(r8(BASE + 7 * 4)).toBe(0xa5);
    expect(r8(BASE + 7 * 4 + 1)).toBe(0);
    w32(BASE, 0x4b);
    expect(line.sent).toBe('K');
  });

  it('goes back to its reset values, and restores a snapshot with its timeout', async () => {
    const { clock, device, irq, line, machine, read, write } = await uart();
    write(3, 0x83);
    write(0, 1);
    write(3, 0x03);
    write(2, 0xc1);
    write(1, 0x01);
    line.send('abc');
    const state = structuredClone(device.save());
    machine.reset();
    expect([read(1), read(3), read(5), read(7)]).toEqual([0, 0, 0x60, 0]);
    device.restore(state);
    clock.advance(1e9);
    expect(irq.level).toBe(true);
    expect([read(0), read(0), read(0)]).toEqual([97, 98, 99]);
  });
});
