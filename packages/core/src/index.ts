export * from './object/user-error.ts';
