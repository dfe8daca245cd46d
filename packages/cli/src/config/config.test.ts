import { describe, expect, it } from 'vitest';
import { parseDevice, parseObject } from './devices.ts';
import { parseDrive } from './drives.ts';
import { parseChardev, parseSerial } from './lines.ts';

describe('parseSerial', () => {
  it.each([
    ['stdio', { kind: 'stdio', escapes: false, signals: true }],
    ['mon:stdio', { kind: 'stdio', escapes: true, signals: false }],
    ['null', { kind: 'null' }],
    ['none', { kind: 'null' }],
    ['pty', { kind: 'pty' }],
    ['file:/tmp/a:b', { kind: 'file', path: '/tmp/a:b', append: false }],
    ['pipe:/tmp/p', { kind: 'pipe', path: '/tmp/p' }],
    ['chardev:c0', { kind: 'chardev', id: 'c0' }],
    [
      'tcp:localhost:4444',
      {
        kind: 'socket',
        address: { kind: 'tcp', host: 'localhost', port: 4444 },
        options: { server: false, wait: false, telnet: false, nodelay: true, reconnect: 0 },
      },
    ],
    [
      'telnet::4444,server,wait=off',
      {
        kind: 'socket',
        address: { kind: 'tcp', port: 4444 },
        options: { server: true, wait: false, telnet: true, nodelay: true, reconnect: 0 },
      },
    ],
    [
      'tcp:[::1]:1,server=on',
      {
        kind: 'socket',
        address: { kind: 'tcp', host: '::1', port: 1 },
        options: expect.objectContaining({ wait: true }),
      },
    ],
    [
      'unix:/tmp/s,reconnect=3',
      {
        kind: 'socket',
        address: { kind: 'unix', path: '/tmp/s' },
        options: expect.objectContaining({ server: false, reconnect: 3 }),
      },
    ],
  ])('reads %s', (text, spec) => {
    expect(parseSerial(text)).toEqual(spec);
  });

  it.each([
    ['vc', "'vc' needs a window, and there is no graphical display"],
    ['vc:80Cx24C', 'needs a window'],
    ['mon:null', 'there is no monitor yet'],
    ['telepathy', "'telepathy' is no line"],
    ['file:', 'file: needs a name'],
    ['tcp:4444', "'tcp:4444' should be tcp:[HOST]:PORT"],
    ['tcp::99999', "'99999' is no port number"],
    ['tcp::1,wait=on', "'wait' is for servers"],
    ['tcp::1,server,reconnect=1', "'reconnect' is for clients"],
    ['tcp::1,frob=1', "invalid parameter 'frob'"],
  ])('refuses %s', (text, message) => {
    expect(() => parseSerial(text)).toThrow(message);
  });
});

describe('parseChardev', () => {
  it.each([
    ['null,id=n', { id: 'n', line: { kind: 'null' } }],
    ['stdio,id=s,mux=on,signal=off', { id: 's', line: { kind: 'stdio', escapes: true, signals: false } }],
    ['file,id=f,path=/tmp/o,append=on', { id: 'f', line: { kind: 'file', path: '/tmp/o', append: true } }],
    ['ringbuf,id=r,size=4K', { id: 'r', line: { kind: 'ringbuf', size: 4096 } }],
    [
      'socket,id=q,path=/tmp/s',
      {
        id: 'q',
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
        line: { kind: 'socket', address: { kind: 'tcp', port: 1 }, options: expect.objectContaining({ wait: true }) },
      },
    ],
  ])('reads %s', (text, spec) => {
    expect(parseChardev(text)).toEqual(spec);
  });

  it.each([
    ['null', "parameter 'id' is missing"],
    ['spice,id=a', "'spice' is not a valid char driver"],
    ['file,id=a', "parameter 'path' is missing"],
    ['null,id=a/b', "'a/b' is no id"],
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
