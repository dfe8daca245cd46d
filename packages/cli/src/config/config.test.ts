import { describe, expect, it } from 'vitest';
import { parseDevice, parseObject } from './devices.ts';
import { parseDrive } from './drives.ts';
import { parseChardev, parseLine } from './lines.ts';

describe('parseLine', () => {
  const line = (spec: object): object => ({ on: 'line', line: spec });
  it.each([
    ['stdio', line({ kind: 'stdio', signals: true })],
    ['mon:stdio', { on: 'mon', line: { kind: 'stdio', signals: false } }],
    ['mon:pty', { on: 'mon', line: { kind: 'pty' } }],
    ['null', line({ kind: 'null' })],
    ['none', { on: 'nothing' }],
    ['pty', line({ kind: 'pty' })],
    ['file:/tmp/a:b', line({ kind: 'file', path: '/tmp/a:b', append: false })],
    ['pipe:/tmp/p', line({ kind: 'pipe', path: '/tmp/p' })],
    ['chardev:c0', { on: 'chardev', id: 'c0' }],
    [
      'tcp:localhost:4444',
      line({
        kind: 'socket',
        address: { kind: 'tcp', host: 'localhost', port: 4444 },
        options: { server: false, wait: false, telnet: false, nodelay: true, reconnect: 0 },
      }),
    ],
    [
      'telnet::4444,server,wait=off',
      line({
        kind: 'socket',
        address: { kind: 'tcp', port: 4444 },
        options: { server: true, wait: false, telnet: true, nodelay: true, reconnect: 0 },
      }),
    ],
    [
      'websocket:127.0.0.1:1,server=on,to=9,ipv4=on',
      line({
        kind: 'socket',
        address: { kind: 'tcp', host: '127.0.0.1', port: 1, to: 9, family: 4 },
        options: expect.objectContaining({ websocket: true, telnet: false }),
      }),
    ],
    [
      'tcp:[::1]:1,server=on',
      line({
        kind: 'socket',
        address: { kind: 'tcp', host: '::1', port: 1 },
        options: expect.objectContaining({ wait: true }),
      }),
    ],
    [
      'unix:/tmp/s,reconnect=3,abstract=on',
      line({
        kind: 'socket',
        address: { kind: 'unix', path: '/tmp/s', abstract: true },
        options: expect.objectContaining({ server: false, reconnect: 3 }),
      }),
    ],
  ])('reads %s', (text, spec) => {
    expect(parseLine(text)).toEqual(spec);
  });

  it.each([
    ['vc', "'vc' needs a window, and there is no graphical display"],
    ['vc:80Cx24C', 'needs a window'],
    ['telepathy', "'telepathy' is not a valid char driver"],
    ['websocket::1', 'Websocket client is not implemented'],
    ['telnet::1,server=on,websocket=on', "'telnet' and 'websocket' exclude each other"],
    ['tcp::1,ipv4=off,ipv6=off', 'Cannot disable IPv4 and IPv6 at same time'],
    ['unix:/x,tight=off', 'tight=off is not supported'],
    ['chardev:', 'chardev: needs a name'],
    ['file:', 'file: needs a name'],
    ['tcp:4444', "'tcp:4444' should be tcp:[HOST]:PORT"],
    ['tcp::99999', "'99999' is no port number"],
    ['tcp::1,wait=on', "'wait' is for servers"],
    ['tcp::1,server,reconnect=1', "'reconnect' is for clients"],
    ['tcp::1,frob=1', "invalid parameter 'frob'"],
  ])('refuses %s', (text, message) => {
    expect(() => parseLine(text)).toThrow(message);
  });
});

describe('parseChardev', () => {
  it.each([
    ['null,id=n', { id: 'n', mux: false, line: { kind: 'null' } }],
    ['stdio,id=s,mux=on', { id: 's', mux: true, line: { kind: 'stdio', signals: false } }],
    ['stdio,id=s,signal=off', { id: 's', mux: false, line: { kind: 'stdio', signals: false } }],
    [
      'null,id=n,logfile=/tmp/l,logappend=off',
      { id: 'n', mux: false, line: { kind: 'null' }, log: { path: '/tmp/l', append: false } },
    ],
    [
      'socket,id=q,fd=3',
      {
        id: 'q',
        mux: false,
        line: { kind: 'socket', address: { kind: 'fd', fd: 3 }, options: expect.objectContaining({ server: false }) },
      },
    ],
    ['file,id=f,path=/tmp/o,append=on', { id: 'f', mux: false, line: { kind: 'file', path: '/tmp/o', append: true } }],
    ['ringbuf,id=r,size=4K', { id: 'r', mux: false, line: { kind: 'ringbuf', size: 4096 } }],
    [
      'socket,id=q,path=/tmp/s',
      {
        id: 'q',
        mux: false,
        line: {
          kind: 'socket',
          address: { kind: 'unix', path: '/tmp/s' },
          options: expect.objectContaining({ server: false }),
        },
      },
    ],
    [
      'socket,id=q,port=1,server=on',
      {
        id: 'q',
        mux: false,
        line: { kind: 'socket', address: { kind: 'tcp', port: 1 }, options: expect.objectContaining({ wait: true }) },
      },
    ],
  ])('reads %s', (text, spec) => {
    expect(parseChardev(text)).toEqual(spec);
  });

  it.each([
    ['null', 'chardev: no id specified'],
    ['socket,id=a,path=/x,fd=3', "None or one of 'path', 'fd' or 'host' option required."],
    ['spice,id=a', "'spice' is not a valid char driver"],
    ['file,id=a', "parameter 'path' is missing"],
    ['null,id=a/b', "letters, digits and . _ - after a letter, not 'a/b'"],
    ['socket,id=a', "parameter 'port' is missing"],
    ['null,id=a,path=x', "invalid parameter 'path'"],
  ])('refuses %s', (text, message) => {
    expect(() => parseChardev(text)).toThrow(message);
  });
});

describe('parseDrive', () => {
  it.each([
    ['file=a.img', { file: 'a.img', if: 'virtio', readonly: false, snapshot: false }],
    ['file=a,if=none,id=d,format=raw,readonly=on', { file: 'a', if: 'none', id: 'd', readonly: true, snapshot: false }],
    ['if=pflash,unit=1,file=f,snapshot=on', { file: 'f', if: 'pflash', index: 1, readonly: false, snapshot: true }],
    ['file=a,media=cdrom', { file: 'a', if: 'virtio', media: 'cdrom', readonly: true, snapshot: false }],
  ])('reads %s', (text, spec) => {
    expect(parseDrive(text)).toEqual(spec);
  });

  it('leaves a drive without if= to the device that names it', () => {
    expect(parseDrive('file=a,id=d', new Set(['d'])).if).toBe('none');
    expect(parseDrive('file=a,id=d', new Set(['e'])).if).toBe('virtio');
    expect(parseDrive('file=a,id=d,if=virtio', new Set(['d'])).if).toBe('virtio');
  });

  it.each([
    ['if=virtio', "parameter 'file' is missing"],
    ['file=a,format=qcow2', 'format=qcow2 is not supported; raw is'],
    ['file=a,if=scsi', 'if=scsi is not supported'],
    ['file=a,cache=none', "invalid parameter 'cache'"],
    ['file=a,unit=-1', "parameter 'unit' expects a number"],
  ])('refuses %s', (text, message) => {
    expect(() => parseDrive(text)).toThrow(message);
  });
});

describe('parseDevice and parseObject', () => {
  it('read text and JSON', () => {
    expect(parseDevice('virtio-blk-device,drive=d,id=disk,bus=b0')).toEqual({
      driver: 'virtio-blk-device',
      id: 'disk',
      bus: 'b0',
      properties: { drive: 'd' },
    });
    expect(parseDevice('{"driver":"virtio-blk-device","drive":"d","num-queues":2}')).toEqual({
      driver: 'virtio-blk-device',
      properties: { drive: 'd', 'num-queues': 2 },
    });
    expect(parseObject('memory-backend-ram,id=m,size=64M')).toEqual({
      type: 'memory-backend-ram',
      id: 'm',
      properties: { size: '64M' },
      json: false,
    });
  });

  it.each([
    ['', "parameter 'driver' is missing"],
    ['x,id=9', "'9' is no id"],
    ['{"driver":', 'JSON parse error'],
    ['{"driver":5}', "parameter 'driver' is missing"],
    ['{"driver":"x","bus":5}', "Invalid parameter type for 'bus'"],
  ])('refuse %s', (text, message) => {
    expect(() => parseDevice(text)).toThrow(message);
    expect(() => parseObject('memory-backend-ram,size=1M')).toThrow("parameter 'id' is missing");
  });
});
