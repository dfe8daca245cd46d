import { describe, expect, it } from 'vitest';
import { Container, TypeRegistry, UserError } from '../object/index.ts';
import { type HostMapping, type HostMemory, type MapRequest, RamSpace, registerMemoryBackends } from './index.ts';

const MIB = 2 ** 20;

/** A host that only says what it was asked for. `failing` names the step that the kernel refuses. */
class TellingHost implements HostMemory {
  readonly told: string[] = [];
  readonly requests: MapRequest[] = [];
  failing = '';

  addressOf(): number {
    return 0x7000_0000_3000;
  }

  map(request: MapRequest): HostMapping {
    const step = (text: string): void => {
      this.told.push(text);
      if (text.startsWith(this.failing || '-')) throw new UserError(`${text}: Cannot allocate memory`);
    };
    this.requests.push(request);
    step('map');
    return {
      size: Math.ceil(request.size / (2 * MIB)) * 2 * MIB,
      pageSize: 2 * MIB,
      align: 2 * MIB,
      fd: undefined,
      advise: (advice) => step(`advise ${advice}`),
      bind: (policy, nodes) => step(`bind ${policy} ${nodes}`),
      policy: () => ({ policy: 'default', nodes: [] }),
      populate: (threads) => step(`populate ${threads}`),
      attach: (_space, offset) => step(`attach ${((0x7000_0000_3000 + offset) / MIB) % 2}`),
      release: () => step('release'),
      abandon: () => step('abandon'),
    };
  }
}

function setUp(host?: HostMemory | { readonly unavailable: string }) {
  const space = RamSpace.create({ bytes: 16 * MIB });
  const types = new TypeRegistry();
  registerMemoryBackends(types, space, host);
  const objects = new Container();
  const add = (kind: string, props: Record<string, unknown>, json = false) =>
    types.create(`memory-backend-${kind}`, { size: MIB, ...props }, { parent: objects, id: 'm', json });
  return { space, objects, add };
}

describe('with a host', () => {
  it('memory is mapped, advised, bound, populated and only then attached', () => {
    const host = new TellingHost();
    const { space, add } = setUp(host);
    const backend = add('ram', {
      prealloc: 'on',
      'prealloc-threads': '3',
      'host-nodes': '0-1,3',
      policy: 'bind',
      dump: 'off',
    });
    const made = ['map', 'advise huge-pages', 'advise mergeable', 'advise no-dump', 'bind bind 0,1,3', 'populate 3'];
    expect(host.told).toEqual([...made, 'attach 0']);
    expect(space.blocks[0]).toMatchObject({ size: MIB, span: 2 * MIB });
    backend.setProperty('merge', 'off');
    backend.setProperty('dump', 'on');
    backend.dispose();
    expect(host.told.slice(7)).toEqual(['advise unmergeable', 'advise dump', 'release']);
    expect(space.blocks).toEqual([]);
  });

  it.each(['map', 'advise mergeable', 'bind', 'populate', 'attach'])('nothing stays when %s fails', (failing) => {
    const host = new TellingHost();
    host.failing = failing;
    const { space, objects, add } = setUp(host);
    const props = { prealloc: true, 'host-nodes': [0], policy: 'bind' };
    expect(() => add('ram', props, true)).toThrow(/Cannot allocate/);
    expect(host.told.includes('abandon')).toBe(failing !== 'map');
    expect(host.told).not.toContain('release');
    expect([space.blocks, [...objects.children]]).toEqual([[], []]);
  });

  it.each<[string, Record<string, unknown>, object]>([
    ['ram', { share: 'on' }, { kind: 'anonymous', share: true }],
    ['memfd', {}, { kind: 'memfd', share: true, hugetlb: false, hugetlbSize: 0, seal: true }],
    ['memfd', { hugetlb: 'on', hugetlbsize: '2M', seal: 'off' }, { hugetlb: true, hugetlbSize: 2 * MIB, seal: false }],
    ['shm', {}, { kind: 'shm' }],
    [
      'file',
      { 'mem-path': '/f', align: '4K', offset: '8K', readonly: 'on' },
      { kind: 'file', path: '/f', share: false, align: 4096, offset: 8192, readonly: true, rom: true, pmem: false },
    ],
    ['file', { 'mem-path': '/f', readonly: 'on', rom: 'off' }, { readonly: true, rom: false }],
  ])('%s with %o is mapped so', (kind, props, source) => {
    const host = new TellingHost();
    const { add } = setUp(host);
    const backend = add(kind, props);
    expect(host.requests[0]?.source).toMatchObject(source);
    expect((backend.children.get('m[0]') as { kind?: string } | undefined)?.kind).toBe(
      'rom' in source && source.rom ? 'rom' : 'ram',
    );
  });

  it('discards the data of a shared file when asked to', () => {
    const host = new TellingHost();
    setUp(host).add('file', { 'mem-path': '/f', share: 'on', 'discard-data': 'on' }).dispose();
    expect(host.told.slice(-2)).toEqual(['advise remove', 'release']);
  });

  it('pages can be made later', () => {
    const host = new TellingHost();
    const backend = setUp(host).add('ram', {});
    backend.setProperty('prealloc', 'on');
    expect(host.told.at(-1)).toBe('populate 1');
  });
});

// The texts are QEMU's.
it.each<[string, Record<string, unknown>, string]>([
  ['ram', { policy: 'zz' }, "Parameter 'policy' does not accept value 'zz'"],
  ['ram', { policy: 'bind' }, 'host-nodes must be set for policy bind'],
  [
    'ram',
    { 'host-nodes': '0' },
    'host-nodes must be empty for policy default, or you should explicitly specify a policy other than default',
  ],
  ['ram', { 'host-nodes': '200', policy: 'bind' }, 'Invalid host-nodes value: 200'],
  ['ram', { 'host-nodes': 'a', policy: 'bind' }, "Parameter 'host-nodes' expects a uint64 value or range"],
  ['ram', { 'prealloc-threads': '0' }, "property 'prealloc-threads' of memory-backend-ram doesn't take value '0'"],
  ['ram', { prealloc: 'on', reserve: 'off' }, "'prealloc=on' and 'reserve=off' are incompatible"],
  ['ram', { reserve: 'off', prealloc: 'on' }, "'prealloc=on' and 'reserve=off' are incompatible"],
  ['ram', { share: 'maybe' }, "Parameter 'share' expects 'on' or 'off'"],
  ['file', {}, "Parameter 'mem-path' is missing"],
  ['file', { 'mem-path': '/f', rom: 'on' }, "property 'rom' = 'on' is not supported with 'readonly' = 'off'"],
  [
    'file',
    { 'mem-path': '/f', rom: 'off', readonly: 'on', share: 'on' },
    "property 'rom' = 'off' is incompatible with 'readonly' = 'on' and 'share' = 'on'",
  ],
  ['memfd', { hugetlb: 'on', hugetlbsize: '3M' }, 'Hugepage size must be a power of 2'],
  ['memfd', { hugetlbsize: '0' }, "Property 'memory-backend-memfd.hugetlbsize' doesn't take value '0'"],
  ['shm', { share: 'off' }, "can't create shm backend with `share=off`"],
  ['ram', { size: 17 * MIB }, "cannot set up guest memory 'm': Cannot allocate memory"],
])('memory-backend-%s with %o says: %s', (kind, props, message) => {
  const host = new TellingHost();
  const { objects, add } = setUp(host);
  expect(() => add(kind, props)).toThrow(new UserError(message));
  expect(host.told).toEqual([]);
  expect(objects.children.size).toBe(0);
});

it('properties that the memory was made with stay', () => {
  const backend = setUp(new TellingHost()).add('memfd', {});
  for (const [name, value] of Object.entries({ share: 'off', policy: 'bind', seal: 'off', reserve: 'off' })) {
    expect(() => backend.setProperty(name, value)).toThrow(`cannot change property ${name} of memory-backend-memfd`);
  }
});

describe('without a host', () => {
  const none = { unavailable: 'there is no Linux here' };

  it('plain memory can be had', () => {
    const { space, add } = setUp(none);
    add('ram', { merge: 'on', dump: 'on', prealloc: 'off', share: 'off', policy: 'default' });
    expect(space.blocks).toHaveLength(1);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['ram', { share: 'on' }, "property 'share' of memory-backend-ram doesn't take value 'on'"],
    ['ram', { prealloc: 'on' }, "property 'prealloc' of memory-backend-ram doesn't take value 'on'"],
    ['ram', { merge: 'off' }, "property 'merge' of memory-backend-ram doesn't take value 'off'"],
    ['ram', { dump: 'off' }, "property 'dump' of memory-backend-ram doesn't take value 'off'"],
    ['ram', { reserve: 'off' }, "property 'reserve' of memory-backend-ram doesn't take value 'off'"],
    ['ram', { policy: 'bind', 'host-nodes': '0' }, "property 'policy' of memory-backend-ram doesn't take value 'bind'"],
    ['file', { 'mem-path': '/f' }, 'memory-backend-file cannot be had'],
    ['memfd', {}, 'memory-backend-memfd cannot be had'],
    ['shm', {}, 'memory-backend-shm cannot be had'],
  ])('%s with %o is refused with the reason', (kind, props, message) => {
    const { space, objects, add } = setUp(none);
    expect(() => add(kind, props)).toThrow(new UserError(`${message}: there is no Linux here`));
    expect([space.blocks, [...objects.children]]).toEqual([[], []]);
  });

  it('a property that needs it cannot be turned on later either', () => {
    const backend = setUp(none).add('ram', {});
    expect(() => backend.setProperty('prealloc', 'on')).toThrow('there is no Linux here');
    expect(() => backend.setProperty('merge', 'off')).toThrow('there is no Linux here');
    expect(() => backend.setProperty('dump', 'off')).toThrow('there is no Linux here');
  });
});
