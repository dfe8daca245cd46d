import { Device, devicesOf, Machine, MiB, plugDevice, TypeRegistry, typeOfClass, unplugDevice } from '@boardwalk/core';
import { afterEach, describe, expect, it } from 'vitest';
import { architecture } from '../architecture.ts';
import { CpuComplex } from '../cpu/complex.ts';
import { Sclp } from '../sclp/sclp.ts';
import { s390CcwVirtio } from './s390-ccw-virtio.ts';

const machines: Machine[] = [];
afterEach(async () => {
  for (const machine of machines.splice(0)) await machine.dispose();
});

function find<T>(machine: Machine, type: new (...args: never[]) => T): T {
  const found = devicesOf(machine).find((device) => device instanceof type);
  if (found === undefined) throw new Error(`no ${type.name}`);
  return found as T;
}

async function mainframe(devices: Parameters<typeof plugDevice>[1][] = []) {
  const types = new TypeRegistry();
  types.register(typeOfClass(Device, { abstract: true }));
  architecture.registerTypes?.(types);
  // A PSW that waits for what can come: nothing is executed.
  const kernel = new Uint8Array(8);
  new DataView(kernel.buffer).setBigUint64(0, 0x030a_0000_8000_0000n);
  const machine = await Machine.create(s390CcwVirtio, {
    ramSize: MiB(16),
    smp: { cpus: 1, maxcpus: 4 },
    types,
    kernel,
    devices,
  });
  machines.push(machine);
  const plug = (id: number, driver = 'qemu-s390x-cpu') =>
    plugDevice(machine, { driver, id: `c${id}`, properties: { 'core-id': id } });
  return { machine, plug, complex: find(machine, CpuComplex), sclp: find(machine, Sclp) };
}

describe('a CPU that is plugged in', () => {
  it('is there, stopped, under its address, and the program is told', async () => {
    const { machine, plug, complex, sclp } = await mainframe();
    expect(sclp.cpuChange.requested).toBe(false);
    plug(2);
    expect(machine.cpus.map(({ index }) => index)).toEqual([0, 2]);
    expect([complex.cpuAt(2)?.cpuState, complex.cpuAt(1)]).toEqual(['stopped', undefined]);
    expect(sclp.cpuChange.requested).toBe(true);
    plug(1);
    expect(complex.cpuAt(1)?.index).toBe(1);
    machine.reset();
    expect([complex.cpuAt(2)?.cpuState, sclp.cpuChange.requested]).toEqual(['stopped', false]);
  });

  it('can be there from the start, and then is no news', async () => {
    const { complex, sclp } = await mainframe([{ driver: 'qemu-s390x-cpu', properties: { 'core-id': 3 } }]);
    expect(complex.cpuAt(3)?.cpuState).toBe('stopped');
    expect(sclp.cpuChange.requested).toBe(false);
  });

  it('needs a free address and the model of the others, and stays', async () => {
    const { machine, plug } = await mainframe();
    expect(() => plug(0)).toThrow('Unable to add CPU with core-id: 0, it already exists');
    expect(() => plug(4)).toThrow('Unable to add CPU with core-id: 4, maximum core-id: 3');
    expect(() => plug(1, 'z14-s390x-cpu')).toThrow("Invalid CPU type, expected cpu type: 'qemu-s390x-cpu'");
    expect(machine.cpus).toHaveLength(1);
    plug(1);
    expect(() => unplugDevice(machine, 'c1')).toThrow('CPU hot unplug not supported on this machine');
    expect(machine.cpus).toHaveLength(2);
  });
});
