import { UserError } from '@boardwalk/core';
import { describe, expect, it } from 'vitest';
import { isaExtensions, isaString, mmuType, parseCpu } from './models.ts';

describe('CPU models', () => {
  it('names its extensions in the order of the ISA string', () => {
    expect(isaString(parseCpu('rv64'))).toBe('rv64imafdc_zicntr_zicsr_zifencei_zba_zbb_zbs_sstc_svadu');
    expect(isaExtensions(parseCpu('sifive-u54'))).toEqual(
      ['i', 'm', 'a', 'f', 'd', 'c', 'zicntr', 'zicsr', 'zifencei', 'svade'], //
    );
  });

  it('turns extensions on and off by property', () => {
    const cpu = parseCpu('rv64,zbb=off,svadu=off,svade=on,-c');
    expect(isaString(cpu)).toBe('rv64imafd_zicntr_zicsr_zifencei_zba_zbs_sstc_svade');
  });

  it('takes away what needs an extension that is turned off', () => {
    expect(mmuType(parseCpu('rv64'))).toBe('riscv,sv57');
    expect(mmuType(parseCpu('rv64,sv48=off'))).toBe('riscv,sv39');
    expect(mmuType(parseCpu('rv64,s=off'))).toBeUndefined();
    expect(parseCpu('rv64,f=off').extensions.has('d')).toBe(false);
  });

  it.each([
    ['rv65', "unknown CPU model 'rv65'; known: rv64, max, sifive-u54"],
    ['rv64,turbo=on', "CPU rv64 has no property 'turbo'"],
    ['rv64,zbb=maybe', 'CPU rv64: zbb=maybe: on or off is expected'],
    ['rv64,f=off,d=on', 'CPU rv64: d needs f'],
  ])('refuses %s', (option, message) => {
    expect(() => parseCpu(option)).toThrow(UserError);
    expect(() => parseCpu(option)).toThrow(message);
  });
});
