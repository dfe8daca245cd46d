import { PipeChar } from '@boardwalk/core';
import { describe, expect, it } from 'vitest';
import { type DriverQueue, INDIRECT_DESC, VERSION_1, virtioMachine } from '../../test/virtio-driver.ts';
import { VirtioSerial } from './virtio-serial.ts';
import { VirtConsole, VirtioSerialPort } from './virtio-serial-port.ts';

const MULTIPORT = 2n;
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (s: string): Uint8Array => new TextEncoder().encode(s);

/** A pipe that tells whether it is held back. */
class FlowPipe extends PipeChar {
  accepting = true;
  canReceive(accepting: boolean): void {
    this.accepting = accepting;
  }
}

async function serial(ports: VirtioSerialPort[], features: bigint) {
  const device = new VirtioSerial();
  const driver = await virtioMachine(device);
  for (const port of ports) {
    device.bus.plug(port);
    driver.test.machine.add(port);
  }
  expect(driver.negotiate(VERSION_1 | features)).toBe(true);
  return { device, driver };
}

function port(make: () => VirtioSerialPort, properties: Record<string, unknown> = {}) {
  const line = new FlowPipe();
  const device = make();
  device.setProperty('chardev', line);
  for (const [name, value] of Object.entries(properties)) device.setProperty(name, value);
  return { device, line };
}

/** Messages that the device has sent on the control queue. */
function messages(queue: DriverQueue, places: number[]): [number, number, number, string][] {
  return queue.takeUsed().map(([, length], i) => {
    const message = queue.bytes(places[i] ?? 0, length);
    const view = new DataView(message.buffer);
    return [view.getUint32(0, true), view.getUint16(4, true), view.getUint16(6, true), text(message.subarray(8))];
  });
}

function control(id: number, event: number, value: number): Uint8Array {
  const message = new Uint8Array(8);
  const view = new DataView(message.buffer);
  view.setUint32(0, id, true);
  view.setUint16(4, event, true);
  view.setUint16(6, value, true);
  return message;
}

describe('virtio console with one port', () => {
  it('carries output and input', async () => {
    const { device, line } = port(() => new VirtConsole());
    const { driver } = await serial([device], 0n);
    const [receive, transmit] = [driver.queue(0), driver.queue(1)];
    driver.start();
    transmit.add([bytes('hello '), bytes('world')]);
    transmit.notify();
    expect(line.sent).toBe('hello world');
    expect(transmit.takeUsed()).toEqual([[0, 0]]);
    const [place = 0] = receive.add([64]);
    receive.notify();
    line.send('typed');
    expect(receive.takeUsed()).toEqual([[0, 5]]);
    expect(text(receive.bytes(place, 5))).toBe('typed');
    expect(driver.irq.level).toBe(true);
  });

  it('holds input back until the guest has a buffer, and loses none', async () => {
    const { device, line } = port(() => new VirtConsole());
    line.send('before anybody listened ');
    const { driver } = await serial([device], 0n);
    const receive = driver.queue(0);
    driver.start();
    line.send('and after');
    expect(line.accepting).toBe(false);
    const places = [receive.add([20])[0] ?? 0, receive.add([20])[0] ?? 0];
    receive.notify();
    const used = receive.takeUsed();
    expect(used.map(([, length], i) => text(receive.bytes(places[i] ?? 0, length))).join('|')).toBe(
      'before anybody liste|ned ',
    );
    const [last = 0] = receive.add([20]);
    receive.notify();
    expect(text(receive.bytes(last, 9))).toBe('and after');
    expect(line.accepting).toBe(true);
  });

  it('takes no request that would fill the host', async () => {
    const { device, line } = port(() => new VirtConsole());
    const { driver } = await serial([device], INDIRECT_DESC);
    const transmit = driver.queue(1);
    driver.start();
    // All of the machine's RAM, 17 times over.
    const table = 0x8004_0000;
    for (let i = 0; i < 17; i++) transmit.descriptor(table, i, 0x8000_0000, 0x10_0000, i < 16 ? 1 : 0, i + 1);
    transmit.descriptor(transmit.desc, 0, table, 17 * 16, 4, 0);
    transmit.publish(0);
    transmit.notify();
    expect(driver.status & 0x40).toBe(0x40);
    expect(line.sent).toBe('');
  });

  it('writes in an emergency without any queue', async () => {
    const { device, line } = port(() => new VirtConsole());
    const { driver } = await serial([device], 0n);
    driver.write(0x100 + 8, 0x21);
    expect(line.sent).toBe('!');
  });
});

describe('virtio console with many ports', () => {
  it('introduces its ports, and moves data once they are open', async () => {
    const terminal = port(() => new VirtConsole());
    const agent = port(() => new VirtioSerialPort(), { name: 'org.example.agent' });
    const { driver } = await serial([terminal.device, agent.device], MULTIPORT);
    expect(driver.read(0x104)).toBe(31);
    const [controlIn, controlOut, agentIn, agentOut] = [2, 3, 4, 5].map((index) => driver.queue(index));
    if (!controlIn || !controlOut || !agentIn || !agentOut) throw new Error('queues');
    driver.start();
    const places = Array.from({ length: 7 }, () => controlIn.add([64])[0] ?? 0);
    controlIn.notify();
    const say = (message: Uint8Array): void => {
      controlOut.add([message]);
      controlOut.notify();
    };
    say(control(0, 0, 1));
    expect(messages(controlIn, places)).toEqual([
      [0, 1, 1, ''],
      [1, 1, 1, ''],
    ]);
    say(control(0, 3, 1));
    say(control(1, 3, 1));
    expect(messages(controlIn, places.slice(2))).toEqual([
      [0, 4, 1, ''],
      [0, 6, 1, ''],
      [1, 7, 1, 'org.example.agent\0'],
      [1, 6, 1, ''],
    ]);
    const [place = 0] = agentIn.add([16]);
    agentIn.notify();
    agent.line.send('ping');
    expect(agentIn.takeUsed()).toEqual([]);
    say(control(1, 6, 1));
    expect(text(agentIn.bytes(place, 4))).toBe('ping');
    agentOut.add([bytes('pong')]);
    agentOut.notify();
    expect(agent.line.sent).toBe('pong');
  });

  it('numbers ports and refuses numbers that cannot be', async () => {
    const ports = [new VirtioSerialPort(), new VirtConsole(), new VirtioSerialPort()];
    await serial(ports, MULTIPORT);
    expect(ports.map((p) => p.number)).toEqual([1, 0, 2]);
    for (const [nr, message] of [
      [0, /reserved/],
      [40, /Out-of-range/],
      [5, /already exists/],
    ] as const) {
      const bad = [new VirtioSerialPort(), new VirtioSerialPort()];
      for (const p of bad) p.setProperty('nr', nr);
      await expect(serial(bad, MULTIPORT)).rejects.toThrow(message);
    }
  });
});
