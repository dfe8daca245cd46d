import type { NetBackend } from '@boardwalk/core';
import { describe, expect, it } from 'vitest';
import { VERSION_1, virtioMachine } from '../../test/virtio-driver.ts';
import { VirtioNet } from './virtio-net.ts';

const MERGED = 1n << 15n;
const CONTROL = (1n << 17n) | (1n << 18n) | (1n << 23n);
const LINK_STATUS = 1n << 16n;
const HEADER = 12;
const CONFIG = 0x100;
const OWN = [0x52, 0x54, 0, 0x12, 0x34, 0x56];

class Cable implements NetBackend {
  readonly sent: Uint8Array[] = [];
  receive: (frame: Uint8Array) => void = () => {};
  send(frame: Uint8Array): void {
    this.sent.push(frame.slice());
  }
  onFrame(callback: (frame: Uint8Array) => void): void {
    this.receive = callback;
  }
  close(): void {}
}

async function card(features = VERSION_1) {
  const device = new VirtioNet();
  const cable = new Cable();
  device.setProperty('netdev', cable);
  const driver = await virtioMachine(device);
  driver.negotiate(features);
  const [receive, transmit, control] = [driver.queue(0), driver.queue(1), driver.queue(2)];
  driver.start();
  const command = (...bytes: number[]): number | undefined => {
    const [at = 0] = control.add([Uint8Array.from(bytes), 1]);
    control.notify();
    control.takeUsed();
    return control.bytes(at, 1)[0];
  };
  return { device, cable, driver, receive, transmit, command };
}

const frame = (to: readonly number[], length = 60, fill = 7): Uint8Array => {
  const bytes = new Uint8Array(length).fill(fill);
  bytes.set(to);
  return bytes;
};

describe('a virtio network card', () => {
  it('tells its address and its link', async () => {
    const { driver } = await card();
    expect([0, 4].map((at) => driver.read(CONFIG + at) >>> 0)).toEqual([0x1200_5452, 0x0001_5634]);
  });

  it('tells that its cable has been pulled, and stays', async () => {
    const cable = new Cable();
    const backends = new Map([['n', cable]]);
    const device = new VirtioNet();
    device.setProperty('netdev', 'n');
    const driver = await virtioMachine(device, { machine: { netdevs: backends } });
    driver.negotiate(VERSION_1 | LINK_STATUS);
    const transmit = driver.queue(1);
    driver.start();
    backends.delete('n');
    driver.test.machine.netdevs.lose(cable);
    expect(driver.takeInterrupts()).toBe(2);
    expect(driver.read(CONFIG + 4) >>> 16).toBe(0);
    transmit.add([new Uint8Array(HEADER), frame(OWN, 100)]);
    transmit.notify();
    expect(transmit.takeUsed()).toHaveLength(1);
    expect(cable.sent).toEqual([]);
  });

  it('sends what comes behind the header, and nothing that is no frame', async () => {
    const { cable, driver, transmit } = await card();
    transmit.add([new Uint8Array(HEADER), frame(OWN, 100)]);
    transmit.add([new Uint8Array(HEADER + 5)]);
    transmit.notify();
    expect(cable.sent.map(({ length }) => length)).toEqual([100]);
    expect(transmit.takeUsed()).toHaveLength(2);
    expect(driver.test.errors.at(-1)).toMatch(/a frame of 5 bytes/);
  });

  it('gives frames to the driver, those that came before there was room too', async () => {
    const { cable, driver, receive } = await card();
    cable.receive(frame(OWN, 64, 1));
    const [first = 0, second = 0] = [receive.add([200]), receive.add([200])].flat();
    receive.notify();
    cable.receive(frame(OWN, 80, 2));
    expect(receive.takeUsed()).toEqual([
      [0, HEADER + 64],
      [1, HEADER + 80],
    ]);
    expect([...receive.bytes(first, HEADER)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
    expect(receive.bytes(second + HEADER + 6, 1)[0]).toBe(2);
    expect(driver.takeInterrupts()).toBe(1);
  });

  it('keeps frames that wait in its state, takes those of the past again, and sends none again', async () => {
    const { device, cable, driver, receive, transmit } = await card();
    const { history } = driver.test.machine;
    history.begin(() => {});
    cable.receive(frame(OWN, 64, 1));
    const state = device.save();
    const then = history.place;
    cable.receive(frame(OWN, 80, 2));
    device.restore(state);
    history.goTo(then);
    history.replaying = true;
    const happening = history.at(then.index);
    if (happening?.kind === 'act') happening.act();
    transmit.add([new Uint8Array(HEADER), frame(OWN, 100)]);
    transmit.notify();
    history.replaying = false;
    for (let n = 0; n < 3; n++) receive.add([200]);
    receive.notify();
    expect(receive.takeUsed()).toEqual([
      [0, HEADER + 64],
      [1, HEADER + 80],
    ]);
    expect(transmit.takeUsed()).toHaveLength(1);
    expect(cable.sent).toEqual([]);
  });

  it('spreads a frame over buffers where that is agreed', async () => {
    const { cable, receive } = await card(VERSION_1 | MERGED);
    const [first = 0] = receive.add([100]);
    cable.receive(frame(OWN, 150, 9));
    // Half of a frame is none: the buffer is taken when there are enough.
    expect(receive.takeUsed()).toEqual([]);
    receive.add([100]);
    receive.notify();
    expect(receive.takeUsed()).toEqual([
      [0, 100],
      [1, HEADER + 150 - 100],
    ]);
    expect(receive.bytes(first + 10, 1)[0]).toBe(2);
  });

  it('takes only what is for it once the driver has said what is', async () => {
    const { cable, receive, command } = await card(VERSION_1 | CONTROL);
    const arrives = (to: readonly number[]): boolean => {
      receive.add([100]);
      receive.notify();
      cable.receive(frame(to));
      return receive.takeUsed().length > 0;
    };
    const other = [2, 0, 0, 0, 0, 1];
    expect(arrives(other)).toBe(true);
    expect(command(0, 0, 0)).toBe(0);
    expect([arrives(OWN), arrives([255, 255, 255, 255, 255, 255]), arrives(other)]).toEqual([true, true, false]);
    expect(command(1, 0, 1, 0, 0, 0, ...other, 0, 0, 0, 0)).toBe(0);
    expect([arrives(other), arrives([3, 0, 0, 0, 0, 1])]).toEqual([true, false]);
    expect(command(1, 1, 2, 0, 0, 0, 0, 9)).toBe(0);
    expect([arrives([2, 0, 0, 0, 0, 9]), arrives(OWN)]).toEqual([true, false]);
    expect([command(1, 0, 9, 0, 0, 0), command(7, 0, 0), command(0)]).toEqual([1, 1, 1]);
  });

  it('refuses addresses that are none', () => {
    expect(() => new VirtioNet().setProperty('mac', '52:54:00')).toThrow("Invalid MAC address '52:54:00'");
  });
});
