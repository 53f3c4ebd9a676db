// Whoever has installed the extension alone can type `openexec` in a terminal of VS Code: keys are put
// into the keyring there, and models are asked whether they answer.

import assert from 'node:assert/strict';
import { inWorkbench, onDisk } from './user.mjs';

await inWorkbench({ name: 'terminal', replies: [] }, async (user) => {
    await user.open('sums.js');
    await user.ready();
    await user.command('Terminal: Create New Terminal');
    await user.page.locator('.terminal-wrapper.active .xterm-helper-textarea').waitFor({ state: 'attached' });
    await user.page.locator('.terminal-wrapper.active .xterm-helper-textarea').focus();
    await user.page.keyboard.type('command -v openexec > which.txt; openexec --version > said.txt');
    await user.keys('Enter');
    await user.until('the program answers', () => onDisk('said.txt')?.includes('\n'));
    assert.match(onDisk('said.txt'), /^openexec \d/);
    assert.match(onDisk('which.txt'), /\/extensions\/openexec\.openexec-[^/]*\/server\/openexec$/m);
    await user.picture('typed');
});
