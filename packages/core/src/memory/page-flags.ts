// Pages of the RAM space and the byte of flags that each has.

/** Bytes in a page of dirty tracking and code tracking. */
export const PAGE_SIZE = 4096;
/** log2 of {@link PAGE_SIZE}. */
export const PAGE_SHIFT = 12;

/** Translated code was made from this page. */
export const PAGE_CODE = 1;
/** The display has drawn this page and waits for a change. */
export const PAGE_CLEAN_DISPLAY = 2;
/** The migration has sent this page and waits for a change. */
export const PAGE_CLEAN_MIGRATION = 4;
/** All marks that a write takes away. */
export const PAGE_CLEAN = PAGE_CLEAN_DISPLAY | PAGE_CLEAN_MIGRATION;

/** Flags of pages: the sum of {@link PAGE_CODE} and the PAGE_CLEAN ones. */
export type PageFlags = number;
