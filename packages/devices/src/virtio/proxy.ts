// A transport that is a device of its own (`virtio-blk-pci`, `virtio-blk-ccw`) has the properties of the device behind it.

import { BwObject, type ObjectClass, type PropertySpec } from '@boardwalk/core';

/** The properties of the device behind a transport that the transport has not itself: they are the transport's too. */
export function proxyProperties(backend: ObjectClass, transport: ObjectClass): PropertySpec[] {
  const own = new Set(classes(transport).flatMap((type) => type.properties.map(({ name }) => name)));
  const all = new Map<string, PropertySpec>();
  for (const type of classes(backend)) {
    for (const spec of type.properties) if (!own.has(spec.name)) all.set(spec.name, spec);
  }
  return [...all.values()];
}

/** A class and those that it is derived from, the first one first. */
function classes(of: ObjectClass): ObjectClass[] {
  const found: ObjectClass[] = [];
  for (let type = of; type !== BwObject; type = Object.getPrototypeOf(type) as ObjectClass) found.unshift(type);
  return found;
}
