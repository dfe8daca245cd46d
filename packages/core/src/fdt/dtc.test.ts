// Our blobs against the device tree compiler (Debian's device-tree-compiler), where it is installed.

import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { FdtBuilder, parseFdt, readFdt } from './index.ts';

const installed = spawnSync('dtc', ['--version']).status === 0;

function dtc(from: 'dts' | 'dtb', to: 'dts' | 'dtb', input: string | Uint8Array): Uint8Array {
  const run = spawnSync('dtc', ['-q', '-I', from, '-O', to], { input });
  if (run.status !== 0) throw new Error(run.stderr.toString());
  return new Uint8Array(run.stdout);
}

const source = `/dts-v1/;
/memreserve/ 0x80000000 0x40000;
/ {
  #address-cells = <2>; #size-cells = <2>;
  compatible = "vendor,board", "generic-board";
  chosen { stdout-path = "/soc/serial@10000000"; };
  soc {
    intc: plic@c000000 { interrupt-controller; #interrupt-cells = <1>; reg = <0 0xc000000 0 0x600000>; };
    serial@10000000 { interrupt-parent = <&intc>; interrupts = <10>; clock = [01 02 03]; };
  };
};`;

describe.skipIf(!installed)('dtc', () => {
  it('writes blobs that we read and write again byte for byte', () => {
    const blob = dtc('dts', 'dtb', source);
    const root = parseFdt(blob);
    expect(root.strings('compatible')).toEqual(['vendor,board', 'generic-board']);
    const intc = root.find('/soc/plic');
    expect(root.find('/soc/serial')?.cells('interrupt-parent')).toEqual([intc?.phandle()]);
    expect(dtc('dtb', 'dts', readFdt(blob).build())).toEqual(dtc('dtb', 'dts', blob));
  });

  it('reads what we write', () => {
    const fdt = new FdtBuilder().reserve(0x8000_0000n, 0x4_0000n);
    fdt.root.prop('#address-cells', [2]).prop('#size-cells', [2]).prop('compatible', ['vendor,board', 'generic-board']);
    fdt.node('/chosen').prop('stdout-path', '/soc/serial@10000000');
    const intc = fdt.node('/soc/plic@c000000').prop('interrupt-controller', true).prop('#interrupt-cells', [1]);
    intc.prop('reg', [0xc000000n, 0x600000n]).phandle();
    const serial = fdt.node('/soc/serial@10000000').prop('interrupt-parent', [intc.phandle()]);
    serial.prop('interrupts', [10]).prop('clock', Uint8Array.of(1, 2, 3));
    expect(dtc('dtb', 'dts', fdt.build())).toEqual(dtc('dtb', 'dts', dtc('dts', 'dtb', source)));
  });
});
