import { expect, it } from 'vitest';
import { Device } from '../device/index.ts';
import { Machine, noneBoard } from '../machine/index.ts';
import { MemoryRegion } from '../memory/index.ts';
import { Tracer } from './tracer.ts';

it('finds events by patterns', () => {
  expect(Tracer.matching('virtio_*')).toEqual(['virtio_queue_notify', 'virtio_set_status']);
  expect(Tracer.matching('runstate_se?')).toEqual(['runstate_set']);
  expect(Tracer.matching('memory.region')).toEqual([]);
});

it('tells of what a machine does, while it is on', async () => {
  const told: string[] = [];
  const trace = new Tracer((event, details) => told.push(`${event} ${details}`));
  const machine = await Machine.create(noneBoard('riscv64'), { trace, accel: 'qtest' });
  const access = { read: () => 0x12, write: () => {} };
  machine.map(0x1000, MemoryRegion.io('uart', 0x100, access));
  class Chip extends Device {
    static override readonly typeName: string = 'chip';
    readonly pin = this.addInputs(1, () => {}, 'reset')[0];
  }
  const chip = machine.add(new Chip(), 'chip');
  const act = (): void => {
    machine.addressSpace.load(0x1004, 1);
    machine.addressSpace.store(0x1008, 2, 0xffff);
    chip.pin?.set(true);
    chip.pin?.set(false);
    machine.start();
    machine.reset('host');
    machine.pause();
  };
  act();
  expect(told).toEqual([]);
  trace.set(Tracer.matching('*'), true);
  machine.resume();
  act();
  expect(told).toEqual([
    'runstate_set current_state paused new_state running',
    "memory_region_ops_read cpu -1 addr 0x1004 value 0x12 size 1 name 'uart'",
    "memory_region_ops_write cpu -1 addr 0x1008 value 0xffff size 2 name 'uart'",
    "irq_line_set device '/machine/chip' line reset[0] level 1",
    "irq_line_set device '/machine/chip' line reset[0] level 0",
    'machine_reset cause=host',
    'runstate_set current_state running new_state paused',
  ]);
  trace.set(['memory_region_ops_read'], false);
  trace.set(['memory_region_ops_write'], false);
  expect(machine.addressSpace.onPortAccess).toBeUndefined();
  await machine.dispose();
});
