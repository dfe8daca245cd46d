// A client passes an open file over a monitor's socket (SCM_RIGHTS), and the machine is saved to it. The client is Python's: Node's sockets
// cannot pass files.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { guestProgram } from './guest.ts';
import { startProgram } from './start-program.ts';

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-descriptors-'));
const path = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

function missing(): string | undefined {
  if (process.platform !== 'linux') return 'descriptors are passed on Linux';
  if (spawnSync('python3', ['--version']).status !== 0) return 'python3 is not here (Debian: python3)';
  try {
    createRequire(new URL('../../host-node/package.json', import.meta.url))('koffi');
  } catch {
    return 'koffi is not here';
  }
  return undefined;
}

const CLIENT = `
import json, socket, sys, time
path, out, held = sys.argv[1:]
def connected():
    while True:
        line = socket.socket(socket.AF_UNIX)
        try:
            line.connect(path)
            return line
        except (FileNotFoundError, ConnectionRefusedError):
            line.close()
            time.sleep(0.02)
line = connected()
stream = line.makefile()
print(stream.readline(), end='')
def command(name, arguments={}, files=[]):
    text = json.dumps({'execute': name, 'arguments': arguments}).encode()
    if files: socket.send_fds(line, [text], [file.fileno() for file in files])
    else: line.sendall(text)
    while True:
        answer = json.loads(stream.readline())
        if 'event' not in answer: return answer
print(command('qmp_capabilities'))
print(command('getfd', {'fdname': 'nothing'}))
with open(out, 'wb') as file, open(held, 'w') as other:
    print(command('getfd', {'fdname': '1st'}, [other]))
    print(command('getfd', {'fdname': 'other'}, [other]))
    print(command('getfd', {'fdname': 'saved'}, [file]))
print(command('closefd', {'fdname': 'other'}))
print(command('closefd', {'fdname': 'other'}))
print(command('migrate', {'uri': 'fd:other'}))
print(command('migrate', {'uri': 'fd:saved'}))
while command('query-migrate')['return']['status'] != 'completed': time.sleep(0.05)
print(command('add-fd'))
with open('memory', 'wb') as file:
    added = command('add-fd', {'opaque': 'mine'}, [file])['return']
print(added['fdset-id'], command('query-fdsets')['return'] == [{'fdset-id': 0, 'fds': [{'fd': added['fd'], 'opaque': 'mine'}]}])
print(command('pmemsave', {'val': 0x80000000, 'size': 16, 'filename': '/dev/fdset/0'}))
print(command('remove-fd', {'fdset-id': 0, 'fd': 0}))
print(command('remove-fd', {'fdset-id': 0}))
print(command('remove-fd', {'fdset-id': 0}))
print(command('pmemsave', {'val': 0x80000000, 'size': 16, 'filename': '/dev/fdset/0'}))
print(command('quit'))
`;

const reason = missing();
if (reason !== undefined) console.log(`not run with passed descriptors: ${reason}`);

it.skipIf(reason !== undefined)(
  'a client passes an open file, and the machine is saved to it',
  async () => {
    writeFileSync(path('guest'), guestProgram());
    writeFileSync(path('client.py'), CLIENT);
    const line = ['-qmp', `unix:${path('q')},server=on,wait=off`];
    const running = startProgram(['-M', 'virt', '-m', '32', '-bios', path('guest'), '-display', 'none', ...line]);
    const client = spawn('python3', ['client.py', 'q', 'saved', 'held'], { cwd: folder });
    let said = '';
    client.stdout.on('data', (data) => {
      said += data;
    });
    client.stderr.on('data', (data) => {
      said += data;
    });
    await new Promise((resolve) => client.on('close', resolve));
    const [greeting, ...answers] = said.trim().split('\n');
    expect(greeting).toContain('{"QMP"');
    const done = "{'return': {}}";
    const failed = (desc: string): unknown => expect.stringContaining(desc);
    expect(answers).toEqual([
      done,
      failed('No file descriptor supplied via SCM_RIGHTS'),
      failed("Parameter 'fdname' expects a name not starting with a digit"),
      done,
      done,
      done,
      failed("File descriptor named 'other' not found"),
      failed("File descriptor named 'other' has not been found"),
      done,
      failed('No file descriptor supplied via SCM_RIGHTS'),
      '0 True',
      done,
      failed("File descriptor named 'fdset-id:0, fd:0' not found"),
      done,
      failed("File descriptor named 'fdset-id:0' not found"),
      failed('there is no fd set 0'),
      done,
    ]);
    expect(readFileSync(path('memory'))).toEqual(Buffer.from(guestProgram().slice(0, 16)));
    expect((await running.ended).status).toBe(0);
    expect(readFileSync(path('saved')).subarray(0, 6).toString('latin1')).toBe('BWSNAP');
  },
  60_000,
);
