export { CfiPflash, type CfiPflashOptions, readFlashImage } from './cfi-pflash.ts';
export { type CfiGeometry, cfiQuery } from './cfi-query.ts';
export { asBlockBackend, driveProperty, isBlockBackend } from './drive-property.ts';
