/**
 * CPUs that users add: `-device qemu-s390x-cpu,core-id=1`, at the start or while the machine runs. A CPU that comes later is stopped;
 * the service processor tells the program, which starts it by SIGP.
 */
import { Device, devicesOf, type PropertySpec, resetTree, type TypeRegistry, UserError } from '@boardwalk/core';
import { CpuComplex } from '../cpu/complex.ts';
import { CPU_MODELS } from '../cpu/models.ts';
import { S390Cpu } from '../cpu/s390-cpu.ts';

const CORE_ID: PropertySpec = { name: 'core-id', type: 'uint32', description: 'address of the CPU', default: 0 };

/** How a model's CPUs are called as a device. */
export function cpuTypeName(model: string): string {
  return `${model}-s390x-cpu`;
}

/** Brings a CPU into the machine that it becomes part of. */
export class PluggableCpu extends Device {
  static override readonly typeName: string = 's390x-cpu-device';
  readonly #model: string;

  constructor(model: string) {
    super(cpuTypeName(model));
    this.#model = model;
    this.addProperty(CORE_ID);
  }

  override get hotpluggable(): boolean {
    return true;
  }

  /** @throws UserError for an address that is taken or beyond `maxcpus`, and for another model than the machine's */
  override realize(): void {
    super.realize();
    const complex = devicesOf(this.machine).find((device) => device instanceof CpuComplex);
    if (complex === undefined) throw new UserError(`Device '${this.type}' needs a mainframe`);
    const { model } = complex.config;
    if (model !== this.#model) throw new UserError(`Invalid CPU type, expected cpu type: '${cpuTypeName(model)}'`);
    const id = Number(this.getProperty('core-id'));
    const last = this.machine.smp.maxcpus - 1;
    if (id > last) throw new UserError(`Unable to add CPU with core-id: ${id}, maximum core-id: ${last}`);
    if (complex.cpuAt(id) !== undefined)
      throw new UserError(`Unable to add CPU with core-id: ${id}, it already exists`);
    const cpu = this.add(new S390Cpu(id, complex), 'cpu');
    if (this.hotplugged) resetTree(cpu);
  }

  /** No program can be asked to do without a CPU. */
  override unplug(): void {
    throw new UserError('CPU hot unplug not supported on this machine');
  }
}

/** Registers them, one for each model. `device` must be registered. */
export function registerCpuTypes(registry: TypeRegistry): void {
  registry.register({
    name: PluggableCpu.typeName,
    parent: Device.typeName,
    abstract: true,
    description: 'base of CPUs that can be plugged in',
  });
  for (const { model, description } of CPU_MODELS) {
    registry.register({
      name: cpuTypeName(model),
      parent: PluggableCpu.typeName,
      description: `CPU: ${description}`,
      properties: [CORE_ID],
      create: () => new PluggableCpu(model),
    });
  }
}
