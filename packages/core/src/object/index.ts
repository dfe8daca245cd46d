export * from './introspect.ts';
export * from './object.ts';
export * from './path.ts';
export * from './property.ts';
export * from './registry.ts';
export * from './user-error.ts';
export * from './user-objects.ts';
export * from './value.ts';
