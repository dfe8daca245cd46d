"""Ganeti's own client of QMP (hv_kvm/monitor.py of Debian's package), driven by a script: calls in, results and errors out, as JSON lines.

usage: ganeti.py FOLDER-OF-GANETI SOCKET SCRIPT
"""

import importlib
import importlib.abc
import importlib.machinery
import json
import os
import sys
import time
import types
from unittest.mock import MagicMock

folder, socket, script = sys.argv[1:]
sys.path.insert(0, folder)


class Absent(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands for libraries that ganeti imports and this computer has not: a client of a monitor calls none of them."""

    def find_spec(self, name, path, target=None):
        if name.startswith('ganeti'):
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        module = MagicMock(name=spec.name)
        module.__path__ = []
        return module

    def exec_module(self, module):
        pass


sys.meta_path.append(Absent())
# The two packages around the client, without what their __init__ brings: the rest of a cluster's node.
for name in ['ganeti.hypervisor', 'ganeti.hypervisor.hv_kvm']:
    package = types.ModuleType(name)
    package.__path__ = [os.path.join(folder, *name.split('.'))]
    sys.modules[name] = package
monitor = importlib.import_module('ganeti.hypervisor.hv_kvm.monitor')
# Its five seconds are for a cluster's node; a test's host may be busy.
monitor.QmpConnection._QMP_TIMEOUT = 60


def connected():
    """As soon as somebody listens."""
    for _ in range(3000):
        try:
            client = monitor.QmpConnection(socket)
            client.connect()
            return client
        except (FileNotFoundError, ConnectionRefusedError):
            time.sleep(0.02)
    raise TimeoutError(socket)


# Ganeti's operations connect anew, each for itself; what is sent besides goes over the connection of the last one.
client = connected()


def passed(path):
    """Passes an open file under a name, and lets go of it here."""
    with open(path, 'w') as file:
        client._GetFd(file.fileno(), os.path.basename(path))


def hot_add_disk(hvinfo, blockdevice):
    disk = types.SimpleNamespace(hvinfo=hvinfo)
    client.HotAddDisk(disk, 'kernelspace', True, False, json.loads(json.dumps(blockdevice)))


def migrated():
    """The status in which a migration ends."""
    for _ in range(600):
        status = client.GetMigrationStatus().get('status')
        if status not in ('setup', 'active', 'device'):
            return status
        time.sleep(0.05)
    raise TimeoutError('query-migrate')


OURS = {
    'passed': passed,
    'hot_add_disk': hot_add_disk,
    'migrated': migrated,
    'version': lambda: client.version,
}

with open(script) as lines:
    for line in lines:
        if not line.startswith('['):
            continue
        name, *args = json.loads(line)
        call = OURS.get(name) or getattr(client, name)
        try:
            said = {'result': call(*args)}
        except Exception as error:
            said = {'error': [type(error).__name__, str(error)]}
        print(json.dumps({'call': [name, *args], **said}), flush=True)
client.close()
