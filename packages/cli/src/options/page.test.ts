import { expect, it } from 'vitest';
import { optionsPage } from './page.ts';

// `npx vitest run packages/cli/src/options/page -u` writes it anew.
it('docs/options.md is the table', async () => {
  await expect(optionsPage()).toMatchFileSnapshot('../../../../docs/options.md');
});
