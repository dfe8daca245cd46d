// Command lines from end to end, in this process: real files, the real riscv64 package.

import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  linkSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { has64BitMemory } from '@boardwalk/core';
import { connectWhenListening } from '@boardwalk/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { guestProgram } from '../test/guest.ts';
import { processProgram } from './program.ts';
import { run } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-cli-'));
/** Where translated code is kept. */
const codeFolder = mkdtempSync(join(tmpdir(), 'boardwalk-cli-code-'));
/** Waits until a check passes, on a busy host too. */
const soon = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 20_000, interval: 10 });
const path = (name: string): string => join(folder, name);
const snapshotOfFolder = (): string[] =>
  readdirSync(folder).map(
    (name) =>
      `${name} ${createHash('sha256')
        .update(readFileSync(path(name)))
        .digest('hex')}`,
  );

beforeAll(() => {
  writeFileSync(path('guest'), guestProgram());
  writeFileSync(path('keys'), 'abq');
  writeFileSync(path('disk'), new Uint8Array(1 << 20).fill(0x5a));
  linkSync(path('disk'), path('disk-too'));
  writeFileSync(path('ends-oddly.mjs'), 'export const onMachine = async () => 7;\n');
  writeFileSync(path('looks-on.mjs'), 'export const onMachine = () => {};\n');
  writeFileSync(path('odd'), new Uint8Array(1000));
  writeFileSync(path('empty'), '');
  writeFileSync(path('group.cfg'), '# none of ours\n[frob "a"]\n');
  writeFileSync(path('qcow2'), Buffer.concat([Buffer.from('QFI\xfb\0\0\0\x03', 'latin1'), Buffer.alloc(504)]));
  const arm64 = Buffer.alloc(4096);
  arm64.write('ARM\x64', 56, 'latin1');
  writeFileSync(path('arm64'), arm64);
  writeFileSync(path('cut.gz'), Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0));
});
afterAll(() => {
  for (const each of [folder, codeFolder]) rmSync(each, { recursive: true, force: true });
});

/** Runs a command line, its words split at spaces; `@name` is a file of the folder. */
async function command(text: string, arch = 'riscv64') {
  const said = { out: '', err: '' };
  const program = {
    ...processProgram(arch),
    codeFolder,
    out: (s: string) => {
      said.out += s;
    },
    err: (s: string) => {
      said.err += s;
    },
  };
  const argv = text.split(' ').map((word) => word.replaceAll('@', `${folder}/`));
  const status = await run(
    arch,
    argv.filter((word) => word !== ''),
    program,
  );
  return { status, ...said };
}

const MEMORY = '-M virt,memory-backend=m -bios none -object memory-backend';
const VIRT = '-M virt -m 32 -display none';

describe('a guest', () => {
  it('gives the program its exit status, and its output to the serial line', async () => {
    const { status, err } = await command(
      `${VIRT} -bios @guest -chardev file,id=c,path=@log,input-path=@keys -serial chardev:c`,
    );
    expect({ status, err }).toEqual({ status: 7, err: '' });
    expect(readFileSync(path('log'), 'utf8')).toBe('hello\nab');
  });

  it('runs where a -global is for a type that there is not, and says so, with the time where -msg wants it', async () => {
    const line = '-bios @guest -chardev file,id=c,path=@log,input-path=@keys -serial chardev:c';
    const globals = '-global nope.x=1 -global virtio-rng-device.max-bytes=5';
    const { status, err } = await command(`${VIRT} ${line} ${globals}`);
    expect({ status, err }).toEqual({
      status: 7,
      err: 'boardwalk-system-riscv64: warning: global nope.x has invalid class name\n',
    });
    const timed = await command(`${VIRT} ${line} -global nope.x=1 -name vm -msg timestamp=on,guest-name=on`);
    expect(timed.err).toMatch(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z vm boardwalk-system-riscv64: warning: global nope/,
    );
  });

  it('leaves its translated code to the next run of the same guest, unless that is off', async () => {
    rmSync(codeFolder, { recursive: true, force: true });
    const line = '-bios @guest -chardev file,id=c,path=@log,input-path=@keys -serial chardev:c';
    const runs = async (options: string): Promise<void> => {
      expect(await command(`${VIRT} ${line} ${options}`)).toEqual({ status: 7, out: '', err: '' });
      expect(readFileSync(path('log'), 'utf8')).toBe('hello\nab');
    };
    for (const options of ['-accel tcg,kept-code=off', '-M virt,dumpdtb=@tree', '--load @looks-on.mjs']) {
      await command(`${VIRT} ${line} ${options}`);
      expect(existsSync(codeFolder)).toBe(false);
    }
    await runs('');
    // The guest's code, and the program's own for all guests.
    const first = readdirSync(codeFolder);
    expect(first).toHaveLength(2);
    await runs('-pidfile @pid');
    expect(readdirSync(codeFolder)).toEqual(first);
    await runs('-smp 2');
    expect(readdirSync(codeFolder)).toHaveLength(3);
    // Whatever lies there.
    for (const name of first) writeFileSync(join(codeFolder, name), 'not what it was');
    await runs('');
  });

  it('has a profile of what it executed', async () => {
    const line = '-bios @guest -chardev file,id=c,path=@log,input-path=@keys -serial chardev:c -profile @p,every=1';
    const { status, err } = await command(`${VIRT} ${line}`);
    expect(status).toBe(7);
    const [, samples] = /profile: (\d+) samples of 1 instructions each in .*p\n$/.exec(err) ?? [];
    expect(Number(samples)).toBeGreaterThan(50);
    expect(readFileSync(path('p'), 'utf8')).toBe(`[unknown] ${samples}\n`);
  });

  it('is spoken to over a socket, with its number in a file, and logs to another', async () => {
    const running = command(
      `${VIRT} -bios @guest -serial unix:@line,server=on -pidfile @pid -d in_asm -D @asm -name test,process=bw`,
    );
    const socket = await connectWhenListening(path('line'));
    expect(readFileSync(path('pid'), 'utf8')).toBe(`${process.pid}\n`);
    let text = '';
    socket.on('data', (data) => {
      text += data;
    });
    await soon(() => expect(text).toBe('hello\n'));
    socket.write('xyz');
    await soon(() => expect(text).toBe('hello\nxyz'));
    socket.write('q');
    const { status, err } = await running;
    expect(status).toBe(7);
    expect(err).toMatch(/^boardwalk-system-riscv64: waiting for connection on: unix:.*\/line\n$/);
    expect(existsSync(path('pid'))).toBe(false);
    expect(readFileSync(path('asm'), 'utf8')).toContain('lui');
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'is ended by %s with status 0, in the middle of its code',
    async (signal) => {
      const before = process.listenerCount(signal);
      const running = command(`${VIRT} -bios @guest -serial file:@endless`);
      await soon(() => expect(readFileSync(path('endless'), 'utf8')).toBe('hello\n'));
      process.kill(process.pid, signal);
      const err = `boardwalk-system-riscv64: terminating on signal ${constants.signals[signal]}\n`;
      expect(await running).toEqual({ status: 0, out: '', err });
      expect(process.listenerCount(signal)).toBe(before);
      rmSync(path('endless'));
    },
  );

  it.skipIf(process.platform !== 'linux')('has its RAM where the user says', async () => {
    const rest = '-display none -bios @guest -chardev file,id=c,path=@log2,input-path=@keys -serial chardev:c';
    const object = '-object memory-backend-file,id=m,size=32M,mem-path=@ram,share=on,prealloc=on';
    const ended = { status: 7, out: '', err: '' };
    expect(await command(`-M virt,memory-backend=m ${object} ${rest}`)).toEqual(ended);
    const program = guestProgram();
    expect(readFileSync(path('ram')).subarray(0, program.length)).toEqual(Buffer.from(program));
    rmSync(path('ram'));
    const json = '{"qom-type":"memory-backend-memfd","id":"m","size":33554432,"host-nodes":[]}';
    expect(await command(`-M virt,memory-backend=m -object ${json} ${rest}`)).toEqual(ended);
    expect(await command(`-M virt -m 32 -mem-path @ -mem-prealloc ${rest}`)).toEqual(ended);
  });

  it('comes from a module of the user', async () => {
    writeFileSync(
      path('my-board.mjs'),
      `export const mine = { name: 'mine', description: 'my own', arch: 'riscv64', defaultCpu: 'none', maxCpus: 1,
         defaultRamSize: 65536, defaultRamId: 'ram', build(machine) { setTimeout(() => machine.shutdown('guest', 5)); } };`,
    );
    expect((await command('--load @my-board.mjs -M help')).out).toContain('mine                 my own\n');
    expect((await command('--load @my-board.mjs -M mine -display none')).status).toBe(5);
  });
});

it('has more options in a file, and more properties in -set', async () => {
  const config = `
    [chardev "c"]
      backend = "file"
      path = "${path('log3')}"
    [memory]
      size = "32"   `;
  writeFileSync(path('run.cfg'), config);
  const line =
    '-readconfig @run.cfg -M virt -bios @guest -display none -serial chardev:c -set chardev.c.input-path=@keys';
  expect(await command(line)).toEqual({ status: 7, out: '', err: '' });
  expect(readFileSync(path('log3'), 'utf8')).toBe('hello\nab');
});

it.skipIf(process.platform !== 'linux')('takes files that are open already', async () => {
  const fd = openSync(path('guest'), 'r');
  const out = openSync(path('log4'), 'w+');
  const line = `-M virt -m 32 -display none -add-fd fd=${fd},set=3 -add-fd fd=${out},set=4,opaque=x -bios /dev/fdset/3`;
  const lines = '-chardev file,id=c,path=/dev/fdset/4,input-path=@keys -serial chardev:c';
  expect(await command(`${line} ${lines}`)).toEqual({ status: 7, out: '', err: '' });
  expect(readFileSync(path('log4'), 'utf8')).toBe('hello\nab');
  expect((await command(`${line} -drive file=/dev/fdset/3`)).err).toContain('no file of the set is open to read-write');
  closeSync(fd);
  closeSync(out);
});

it('gives values to the properties of all devices of a type', async () => {
  const line = `${VIRT} -bios @guest -chardev file,id=c,path=@log5,input-path=@keys -serial chardev:c`;
  const global = '-global driver=virtio-serial-device,property=max_ports,value=1';
  const port = '-device virtserialport,nr=2';
  expect((await command(`${line} ${global} -device virtio-serial-device ${port}`)).err).toContain(
    '-device virtserialport: ',
  );
  expect(await command(`${line} ${global} -device virtio-serial-device,max_ports=4 ${port}`)).toMatchObject({
    status: 7,
    err: '',
  });
  // Those that the board makes, too.
  const clock = '-global goldfish_rtc.frob=1';
  expect((await command(`${line} ${clock}`)).err).toContain("can't apply global goldfish_rtc.frob=1: Property");
});

it('tells of events', async () => {
  const line = `${VIRT} -bios @guest -chardev file,id=c,path=@log6,input-path=@keys -serial chardev:c`;
  await command(`${line} -trace monitor_*,file=@trace`);
  expect(readFileSync(path('trace'), 'utf8')).toMatch(
    /^\d+@\d+\.\d{6}:monitor_protocol_event_emit event=RESUME data=\{\}\n.*event=SHUTDOWN data=.*guest-shutdown.*\n$/s,
  );
  const { out } = await command('-trace help');
  expect(out).toContain('host_memory_map\n');
});

it('-action says what the guest’s shutdown does', async () => {
  const line = `${VIRT} -bios @guest -chardev file,id=c,path=@log7,input-path=@keys -serial chardev:c`;
  const running = command(`${line} -action shutdown=pause -trace *,file=@paused`);
  await soon(() => expect(readFileSync(path('paused'), 'utf8')).toContain('event=STOP'));
  process.kill(process.pid, 'SIGTERM');
  expect((await running).status).toBe(0);
});

describe('help', () => {
  it.each([
    ['-M help', 'virt                 RISC-V VirtIO board'],
    ['-cpu help', 'rv64  '],
    ['-cpu rv64,help', 'zbb=<bool>'],
    ['-device help', 'name "virtio-blk-device"'],
    ['-device virtio-blk-device,help', 'drive=<'],
    ['-object help', 'memory-backend-ram'],
    ['-chardev help', 'socket'],
    ['-d help', 'guest_errors'],
    ['-accel help', 'tcg'],
    ['-h', 'usage: boardwalk-system-riscv64'],
    ['--version', 'Boardwalk emulator version '],
  ])('%s', async (text, shows) => {
    const { status, out, err } = await command(text);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(out).toContain(shows);
  });
});

describe("a user's mistake is one line, status 1, and nothing is changed", () => {
  const refuses = async (text: string, message: string): Promise<void> => {
    const before = snapshotOfFolder();
    const { status, out, err } = await command(text);
    expect(err).toContain(`boardwalk-system-riscv64: `);
    expect(err).toContain(message.replaceAll('@', `${folder}/`));
    expect(err.match(/\n/g)).toHaveLength(1);
    expect({ status, out }).toEqual({ status: 1, out: '' });
    expect(snapshotOfFolder()).toEqual(before);
  };

  it.skipIf(has64BitMemory()).each([
    ['-M virt -m 8G', '-m: RAM size 8 GiB needs a 64-bit WebAssembly memory'],
    ['-M virt -m 4000M', '-m: RAM size 4000 MiB needs a 64-bit WebAssembly memory'],
    ['-M virt -accel tcg,ram-index=64', '-accel: ram-index=64 needs 64-bit WebAssembly memories'],
    [`${MEMORY}-ram,id=m,size=8G`, '32-bit indexes reach (Node.js 24 has 64-bit ones)'],
  ])('without 64-bit memories (a runtime that has them skips this): %s', refuses);

  it.each([
    ['-M nope', "-machine: unsupported machine type 'nope'"],
    ['-M virt,frob=1 -bios none', "-machine: Property 'virt-machine.frob' not found"],
    ['-M virt,memory-backend=m -bios none', "Memory backend 'm' not found"],
    ['-M virt -m -1', "-m: Parameter 'size' expects a size value"],
    ['-M virt -m lots', "-m: Parameter 'size' expects a size value"],
    ['-M virt -m 8T', '-m: RAM size more than 4 TiB is not supported'],
    [
      '-M virt -m 64G -bios none',
      has64BitMemory()
        ? '-m: RAM size 64 GiB is more than the 16128 MiB that a WebAssembly memory holds'
        : '-m: RAM size 64 GiB needs a 64-bit WebAssembly memory, which this runtime does not have (Node.js 24 does): the limit here is 3840 MiB',
    ],
    ['-M virt -accel tcg,ram-index=48', '-accel: ram-index=48 is not supported; 32, 64 are'],
    ['-M virt -m 1G,slots=2,maxmem=2G', `-m: "-memory 'slots|maxmem'" is not supported by: virt`],
    ['-M virt -m 1G,maxmem=512M', '-m: invalid value of maxmem: maximum memory size (0x20000000) must be at least'],
    [`${MEMORY}-ram,id=m,size=8M -m slots=2`, '-m: slots specified but no max-size'],
    [`${MEMORY}-ram,id=m,size=8M -m maxmem=4M`, '-m: invalid value of maxmem: maximum memory size (0x400000) must be'],
    ['-M virt -m frob=1', "-m: invalid parameter 'frob'"],
    ['-M virt -smp 0', '-smp: Invalid CPU topology'],
    ['-M virt -smp 9', '-smp: Invalid SMP CPUs 9'],
    ['-M virt,smp.cpus=2,smp.sockets=3', '-smp: Invalid CPU topology'],
    ['-M virt -smp frob', '-smp: '],
    ['-M virt -cpu z80', '-cpu: Invalid CPU type: z80'],
    ['-M virt -bios none -cpu rv64,frob=on', "-cpu: CPU rv64 has no property 'frob'"],
    ['-M virt -accel kvm', '-accel: kvm is not usable'],
    ['-M virt -accel frob', "-accel: invalid accelerator 'frob'"],
    ['-M virt -accel tcg,tier1-threshold=0', '-accel: tier1-threshold is 1 to 262143'],
    ['-M virt -accel tcg,tier1=maybe', '-accel: '],
    ['-M virt -accel tcg,kept-code=maybe', '-accel: '],
    ['-M virt -profile symbols=x', "-profile: parameter 'file' is missing"],
    ['-M virt -profile @p,every=0', "-profile: parameter 'every' expects a number from 1 on, not '0'"],
    ['-M virt -bios none -profile @p,symbols=@none', '-profile: @none: no such file or directory'],
    ['-M virt -bios none -profile @p,symbols=@keys', '-profile: symbols=@keys: no ELF file and no list of symbols'],
    ['-M virt -bios none -profile @none/p', "-profile: Could not open '@none/p"],
    ['-M virt -rtc base=never', '-rtc: base=never is neither utc, localtime nor a date'],
    ['-M virt -bios none -kernel @missing', '-kernel: @missing: no such file or directory'],
    ['-M virt -bios none -kernel @empty', '-kernel: @empty: the file is empty'],
    ['-M virt -bios none -kernel @', '-kernel: @: it is a directory'],
    ['-M virt -bios none -kernel @arm64', '-kernel: @arm64: it is a Linux kernel for arm64, not for riscv64'],
    ['-M virt -bios none -kernel @cut.gz', '-kernel: @cut.gz: the gzip file is truncated'],
    ['-M virt -bios @missing', '-bios: @missing: no such file or directory'],
    ['-M virt -bios none -initrd @disk', '-initrd: only with -kernel'],
    ['-M virt -bios none -append x', '-append: only with -kernel'],
    ['-M virt -m 3 -bios @guest -kernel @guest -initrd @disk', '-initrd: @disk: '],
    ['-M virt -bios none -dtb @disk', '-dtb: @disk: not a device tree blob'],
    ['-M virt -bios none -drive file=@missing', '-drive: @missing: no such file or directory'],
    ['-M virt -bios none -drive file=@odd', '-drive: @odd: its size, 1000 bytes, is not a multiple of 512: truncated?'],
    ['-M virt -bios none -drive file=@qcow2', '-drive: @qcow2: it is a qcow2 image; only raw ones are supported'],
    ['-M virt -bios none -drive file=@disk -drive file=@disk', '-drive: @disk: the file is used by another drive'],
    [
      '-M virt -bios none -drive file=@disk -drive file=@disk-too',
      '-drive: @disk-too: the file is used by another drive',
    ],
    ['-M virt -bios none -drive if=pflash,file=@guest,unit=4', 'machine type does not support if=pflash'],
    ['-M virt -bios none -device frob', "-device frob: 'frob' is not a valid device model name"],
    ['-M virt -bios none -device virtio-blk-device', '-device virtio-blk-device: drive property not set'],
    ['-M virt -bios none -device virtio-blk-device,drive=d', "can't find value 'd'"],
    ['-M virt -bios none -device virtio-rng-device,frob=1', "Property 'virtio-rng-device.frob' not found"],
    ['-M virt -bios none -object frob,id=a', '-object: invalid object type: frob'],
    ['-M virt -bios none -object memory-backend-ram,id=a', "-object: Parameter 'size' is missing"],
    [
      '-M virt,memory-backend=m -mem-path @ram -bios none',
      "'-mem-path' can't be used together with '-machine memory-backend'",
    ],
    ['-M virt,memory-backend=m -mem-prealloc -bios none', "'-mem-prealloc' can't be used together with '-machine"],
    [
      '-M virt -bios none -mem-path @no/such/place',
      "can't open backing store @no/such/place for guest RAM: No such file",
    ],
    ['-M virt -bios none -mem-path @disk', "backing store size 0x100000 does not match 'size' option 0x8000000"],
    ['-M virt -bios none -mem-path @new -device frob', '-device frob: '],
    [
      `${MEMORY}-file,id=m,mem-path=@new,size=0`,
      "-object: property 'size' of memory-backend-file doesn't take value '0'",
    ],
    [`${MEMORY}-file,id=m,mem-path=@new,size=8M -m 16`, 'Size specified by -m option must match size of explicitly'],
    [`${MEMORY}-file,id=m,mem-path=@new,size=8M -serial null -serial null -serial stdio`, 'has no serial port 2'],
    [`${MEMORY}-file,id=m,size=8M`, "-object: Parameter 'mem-path' is missing"],
    [`${MEMORY}-memfd,id=m,size=8M,host-nodes=0,host-nodes=1`, '-object: host-nodes must be empty for policy default'],
    [`${MEMORY}-memfd,id=m,size=8M,policy=bind`, '-object: host-nodes must be set for policy bind'],
    [`${MEMORY}-memfd,id=m,size=8M,host-nodes=0,host-nodes=129,policy=bind`, '-object: Invalid host-nodes value: 129'],
    [`${MEMORY}-ram,id=m,size=8M,prealloc=on,reserve=off`, "'prealloc=on' and 'reserve=off' are incompatible"],
    ['-M virt,memory-backend=m -bios none -object rng-egd,id=m', '-object: invalid object type: rng-egd'],
    [
      '-M virt,memory-backend=m -bios none -object rng-builtin,id=m',
      'memory-backend=m: rng-builtin is no memory backend',
    ],
    [
      '-M virt -bios none -object memory-backend-shm,id=riscv_virt_board.ram,size=8M',
      'is reserved for the default RAM backend',
    ],
    ['-M virt -bios none -serial vc', "-serial: 'vc' needs a window"],
    ['-M virt -bios none -serial chardev:c', '-serial: chardev "c" not found'],
    ['-M virt -bios none -serial null -serial stdio', "-serial: machine 'virt' has no serial port 1"],
    ['-M virt -bios none -chardev null,id=c -chardev null,id=c', "-chardev: duplicate id 'c'"],
    ['-M virt -bios none -serial file:@new -device frob', '-device frob: '],
    ['-M virt -bios none -serial file:@no/such/place', '-serial: @no/such/place: no such file or directory'],
    ['-M virt -bios none -d frob', "-d: unknown log category 'frob'"],
    ['-M virt -bios none -D @no/such/place', '-d: @no/such/place: no such file or directory'],
    ['-M virt -bios none -pidfile @', '-pidfile: @: it is a directory'],
    [
      '-M virt -bios none -display gtk',
      "-display: 'gtk' is not supported: there is no graphical display; only none is",
    ],
    ['-M virt -bios none -monitor frob', "-monitor: 'frob' is not a valid char driver"],
    ['-M virt -bios none -qmp tcp:4444', "-qmp: 'tcp:4444' should be tcp:[HOST]:PORT"],
    ['-M virt -bios none -qmp unix:@missing', '-qmp: unix:@missing: no such file or directory'],
    ['-M virt -bios none -mon c', '-mon: chardev "c" not found'],
    ['-M virt -bios none -chardev null,id=c -mon c,mode=x', '-mon: mode=x is not supported'],
    ['-M virt -bios none -chardev null,id=c -mon c,pretty=on', "-mon: 'pretty' is not compatible with HMP monitors"],
    ['-M virt -bios none -chardev null,id=c -mon c -mon c', "-mon: Device 'c' is in use"],
    ['-M virt -bios none -monitor stdio -qmp stdio', '-qmp: cannot use stdio by multiple character devices'],
    ['-M virt -bios none -echr 300', "-echr: '300' is no character code: 1 to 255 are"],
    ['-M virt -bios none -uuid 123', "-uuid: '123' is no UUID"],
    ['-readconfig @missing', '-readconfig: @missing: no such file or directory'],
    ['-readconfig @disk', '-readconfig: @disk:1: '],
    ['-readconfig @group.cfg', "-readconfig: @group.cfg:2: There is no option group 'frob'"],
    ['-M virt -set device.a.b=c', '-set: there is no device "a" defined'],
    ['-M virt -set frob.a.b=c', "-set: There is no option group 'frob'"],
    ['-M virt -set device.a', "-set: 'device.a' should be GROUP.ID.PROP=VALUE"],
    ['-M virt -bios none -display none -chardev socket,id=c,fd=4000', '-chardev: fd:4000: bad file descriptor'],
    ['-M none -numa node', '-numa node: NUMA is not supported by this machine-type'],
    ['-M virt -bios none -global frob', "-global: parameter 'driver' is missing"],
    [
      '-M virt -bios none -global virtio-rng-device.frob=1 -device virtio-rng-device',
      "can't apply global virtio-rng-device.frob=1: Property 'virtio-rng-device.frob' not found",
    ],
    [
      '-M virt -bios none -global virtio-serial-device.max_ports=x -device virtio-serial-device',
      "-device virtio-serial-device: Parameter 'max_ports' expects",
    ],
    ['-M virt -bios none -add-fd fd=1,set=1', '-add-fd: fd cannot be a standard I/O stream'],
    ['-M virt -bios none -add-fd set=1', '-add-fd: fd option is required'],
    ['-M virt -bios none -add-fd fd=4321,set=1', '-add-fd: fd 4321 is not valid'],
    ['-M virt -bios /dev/fdset/7', '-bios: /dev/fdset/7: there is no fd set 7'],
    ['-M virt -bios none -boot order=cc', "-boot: Boot device 'c' was given twice"],
    ['-M virt -bios none -boot z', "-boot: Invalid boot device 'z'"],
    ['-M virt -bios none -boot menu=x', '-boot: '],
    ['-M virt -bios none -boot frob=1', "-boot: invalid parameter 'frob'"],
    ['-M virt -bios none -boot reboot-timeout=70000', '-boot: reboot-timeout is invalid, it should be a value between'],
    ['-M virt -bios none -overcommit mem-lock=on', '-overcommit: mem-lock=on is not supported'],
    ['-M virt,usb=on -bios none', "-machine: machine 'virt' has no USB"],
    ['-M virt -bios none -blockdev driver=qcow2,node-name=a', "-blockdev: Parameter 'driver' does not accept"],
    ['-M virt -bios none -object secret,id=s', "-object: Must provide 'file' or 'data'"],
    ['-M virt -bios none -object secret,id=s,data=a,file=b', "-object: 'file' and 'data' are mutually exclusive"],
    ['-M virt -bios none -object secret,id=s,data=?,format=base64', '-object: Base64 data contains invalid characters'],
    ['-M virt -bios none -audiodev pa,id=a', "-audiodev: 'pa,id=a' is not supported: there is no sound"],
    ['-M virt -bios none -incoming frob:x', '-incoming: unknown migration protocol: frob:x'],
    ['-M virt -bios none -action reboot=x', '-action: reboot=x is not supported; reset, shutdown are'],
    ['-M virt -bios none -action watchdog=frob', '-action: watchdog=frob is not supported'],
    ['-M virt -bios none -watchdog-action frob', '-watchdog-action: action=frob is not supported'],
    ['-M virt -bios none -boot once=d', '-boot: no function defined to set boot device list for this architecture'],
    ['-M virt -bios none -boot order=cc', "-boot: Boot device 'c' was given twice"],
    ['-M virt -bios none -compat frob=x', "-compat: invalid parameter 'frob'"],
    ['-M virt -bios none -semihosting-config chardev=x', '-semihosting-config: chardev "x" not found'],
    ['-M virt -bios none -action frob=x', "-action: invalid parameter 'frob'"],
    ['-M virt -bios none -trace nope', "-trace: trace event 'nope' does not exist"],
    ['-M virt -bios none -trace events=@missing', '-trace: @missing: no such file or directory'],
    ['-M virt -bios none -trace host*,file=@no/such/place', '-trace: @no/such/place: no such file or directory'],
    ['-M virt -bios none -nographic -daemonize', '-nographic cannot be used with -daemonize'],
    ['-M virt -bios none -daemonize -monitor stdio', 'cannot use stdio with -daemonize'],
    ['-M virt -bios none -rtc driftfix=slew', '-rtc: driftfix=slew is not supported'],
    ['-M virt -bios none -netdev user,id=n', "-netdev: type 'user' is not supported; socket, stream are"],
    ['-M virt -bios none -netdev frob,id=n', "-netdev: Invalid parameter 'frob'"],
    ['-M virt -bios none -netdev socket,id=n', '-netdev: exactly one of listen= and connect= is required'],
    ['-M virt -bios none -netdev socket,id=n,listen=:x', "-netdev: 'x' is no port: 0 to 65535 are"],
    [
      '-M virt -bios none -device virtio-net-device,netdev=n',
      "Property 'virtio-net-device.netdev' can't find value 'n'",
    ],
    ['--load @missing.js', '-load: @missing.js: no such file'],
    ['--load @disk -M virt', '-load: @disk: '],
    [
      '-M virt -bios none --load @ends-oddly.mjs',
      '-load: @ends-oddly.mjs: what onMachine returns for the end is no function',
    ],
  ])('%s', refuses);

  it('says which package has an architecture that is not installed', async () => {
    const { status, err } = await command('-M clipper', 'alpha');
    expect(err).toBe(
      "boardwalk-system-alpha: -machine: the architecture alpha is not installed, so it has no machine 'clipper': npm install @boardwalk/alpha\n",
    );
    expect(status).toBe(1);
    expect((await command('-M help', 'alpha')).out).toMatch(/^Supported machines are:\nnone +empty machine\n$/);
    expect((await command('-M help', 'z80')).err).toContain("there is no architecture 'z80'");
  });
});
