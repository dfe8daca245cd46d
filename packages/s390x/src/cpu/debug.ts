/**
 * A CPU as debuggers see it: gdb's features for s390 ("S/390 and System z Features" of its manual) in the order in which QEMU's stub
 * has them, so that numbers are the same as far as both go: PSW and general registers from 0, access registers from 18, floating
 * point from 34, vectors from 51; then the control registers.
 */
import type { CoreFileFormat, DebugFeature, DebugRegister } from '@boardwalk/core';
import { type DebugRegisterPlace, defineHelper, type FrontendDebug, type Slot } from '@boardwalk/translator';
import { MMU_REAL, modeDataMmu, modeFetchMmu } from './mode.ts';
import type { CpuConfig } from './models.ts';
import { currentMask, loadPsw, updateMode, updateSpaces } from './psw.ts';
import { ar, common, cr, fpc, r, v, vh } from './state.ts';

const R0 = 2;
/** Numbers that no debugger has: pairs of access registers, as core files hold them. */
const ACCESS_PAIRS = 0x1000;
const COUNT = 16;

const VECTOR_TYPES = [
  '<vector id="v4f" type="ieee_single" count="4"/><vector id="v2d" type="ieee_double" count="2"/>',
  '<vector id="v16i8" type="int8" count="16"/><vector id="v8i16" type="int16" count="8"/>',
  '<vector id="v4i32" type="int32" count="4"/><vector id="v2i64" type="int64" count="2"/>',
  '<union id="vec128"><field name="v4_float" type="v4f"/><field name="v2_double" type="v2d"/>',
  '<field name="v16_int8" type="v16i8"/><field name="v8_int16" type="v8i16"/><field name="v4_int32" type="v4i32"/>',
  '<field name="v2_int64" type="v2i64"/><field name="uint128" type="uint128"/></union>',
].join('');

/** A register and where it is. */
interface Entry {
  readonly register: DebugRegister;
  readonly place: DebugRegisterPlace;
}

const file = (slots: readonly Slot[], name: string, bits: number, type: string, group?: string): Entry[] =>
  slots.map((slot, n) => ({
    register: { name: `${name}${n}`, bits, type, ...(group === undefined ? {} : { group }) },
    place: { slot },
  }));

const PSW: readonly Entry[] = [
  {
    register: { name: 'pswm', bits: 64, type: 'uint64', group: 'psw' },
    place: {
      read: currentMask,
      write: defineHelper(
        'debug_write_pswm',
        ['i64'],
        undefined,
        (b, mask) => void b.call(loadPsw, mask, b.get(common.pc)),
      ),
    },
  },
  { register: { name: 'pswa', bits: 64, type: 'uint64', group: 'psw' }, place: { slot: common.pc } },
];

const FPC: Entry = {
  register: { name: 'fpc', bits: 32, type: 'uint32', group: 'float' },
  place: {
    read: defineHelper('debug_read_fpc', [], 'i64', (b) => b.extend32U(b.get(fpc))),
    write: defineHelper('debug_write_fpc', ['i64'], undefined, (b, value) => {
      b.set(fpc, b.wrap(value));
      b.call(updateMode);
    }),
  },
};

/** Control registers decide how everything is translated. */
const CONTROL: readonly Entry[] = cr.map((slot, n) => ({
  register: { name: `cr${n}`, bits: 64, type: 'uint64', group: 'control' },
  place: {
    read: defineHelper(`debug_read_cr${n}`, [], 'i64', (b) => b.get(slot)),
    write: defineHelper(`debug_write_cr${n}`, ['i64'], undefined, (b, value) => {
      b.set(slot, value);
      b.tlbFlush();
      b.call(updateSpaces);
    }),
  },
}));

/** The right half of a vector register whose left half is a floating-point register. */
function rightHalf(slot: Slot, n: number): Entry {
  const place = {
    read: defineHelper(`debug_read_v${n}l`, [], 'i64', (b) => b.pure('low64', b.get(slot))),
    write: defineHelper(`debug_write_v${n}l`, ['i64'], undefined, (b, value) =>
      b.set(slot, b.pure('withLow64', b.get(slot), value)),
    ),
  };
  return { register: { name: `v${n}l`, bits: 64, type: 'uint64' }, place };
}

function vectors(): Entry[] {
  const whole = v.slice(COUNT).map((slot, n) => ({
    register: { name: `v${COUNT + n}`, bits: 128, type: 'vec128' },
    place: { slot },
  }));
  return [...v.slice(0, COUNT).map(rightHalf), ...whole];
}

/** Linux's `s390_regs`: PSW, general registers, access registers of 32 bits, and general register 2 as it was. */
const CORE_FILE: CoreFileFormat = {
  machine: 22,
  bits: 64,
  registers: [
    ...Array.from({ length: R0 + COUNT }, (_, n) => n),
    ...Array.from({ length: COUNT / 2 }, (_, n) => ACCESS_PAIRS + n),
    R0 + 2,
  ],
};

function accessPair(n: number): DebugRegisterPlace {
  const [first, second] = [ar[n * 2], ar[n * 2 + 1]];
  if (first === undefined || second === undefined) throw new Error(`no access registers ${n * 2}`);
  return {
    read: defineHelper(`debug_read_ar${n * 2}`, [], 'i64', (b) =>
      b.or(b.shl(b.extend32U(b.get(first)), b.i64(32)), b.extend32U(b.get(second))),
    ),
  };
}

/** Where the data of a program may be seen: its own space, that of its instructions, real storage where DAT is off. */
function dataMmus(mode: number): readonly number[] {
  const [data, fetch] = [modeDataMmu(mode), modeFetchMmu(mode)];
  return data === fetch || fetch === MMU_REAL ? [data] : [data, fetch];
}

/** What debuggers are told about a CPU of a configuration. */
export function s390Debug(config: CpuConfig): FrontendDebug {
  const vector = config.facilities.has('vx');
  const groups: readonly (readonly [name: string, entries: readonly Entry[], types?: string])[] = [
    ['core', [...PSW, ...file(r, 'r', 64, 'uint64', 'general')]],
    ['acr', file(ar, 'acr', 32, 'uint32', 'access')],
    ['fpr', [FPC, ...file(vh.slice(0, COUNT), 'f', 64, 'ieee_double', 'float')]],
    ...(vector ? [['vx', vectors(), VECTOR_TYPES] as const] : []),
    ['cr', CONTROL],
  ];
  const features = groups.map(
    ([name, entries, types]): DebugFeature => ({
      name: `org.gnu.gdb.s390.${name}`,
      registers: entries.map(({ register }) => register),
      ...(types === undefined ? {} : { types }),
    }),
  );
  const places = new Map<number, DebugRegisterPlace>(
    groups.flatMap(([, entries]) => entries).map(({ place }, n) => [n, place]),
  );
  for (let n = 0; n < COUNT / 2; n++) places.set(ACCESS_PAIRS + n, accessPair(n));
  return {
    description: { architecture: 's390:64-bit', endian: 'big', features, core: CORE_FILE },
    place: (number) => places.get(number),
    dataMmus,
  };
}
