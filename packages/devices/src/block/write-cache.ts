// Whether a disk keeps writes back until it is flushed.

import type { Device, PropertySpec } from '@boardwalk/core';

/** `write-cache=off`: every write is flushed before its request ends. */
export const writeCacheProperty: PropertySpec = {
  name: 'write-cache',
  type: 'OnOffAuto',
  values: ['auto', 'on', 'off'],
  description: 'Keep writes back until the guest flushes; auto: on',
  default: 'auto',
};

/** Whether writes may stay in a cache, as far as the user has a say in it. */
export const hasWriteCache = (device: Device): boolean => device.getProperty('write-cache') !== 'off';
