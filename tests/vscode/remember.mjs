// Why a function is as it is: asked for from the menu and from the palette, kept at its symbol, and shown
// above it. Without an answer nothing is written.

import assert from 'node:assert/strict';
import { inWorkbench, journal, onDisk } from './user.mjs';

await inWorkbench({ name: 'remember', replies: [] }, async (user) => {
    const input = user.page.locator('.quick-input-widget input[type="text"]');
    const asks = user.page.locator('.quick-input-widget', { hasText: 'Why Is It as It Is?' });
    await user.open('sums.js');
    await user.ready();
    await user.cursorAt(3, 4);
    await user.chooseSource('Remember why `add` is as it is');
    await asks.waitFor();
    await user.keys('Escape');
    await asks.waitFor({ state: 'hidden' });
    assert.deepEqual(journal(), []);

    await user.chooseSource('Remember why `add` is as it is');
    await asks.waitFor();
    await input.fill('  the ledger subtracts what it is given  ');
    await user.picture('asked');
    await input.press('Enter');
    await user.toast('the reason is kept');
    const [started] = journal();
    assert.equal(started.blueprint.name, 'record_decision');
    assert.equal(started.inputs.instruction, 'the ledger subtracts what it is given');
    const lens = user.page.locator('.codelens-decoration', { hasText: 'noted: the ledger subtracts' });
    await lens.waitFor();
    await user.picture('lens');
    await lens.locator('a').first().click();
    await user.preview().getByText('why: the ledger subtracts what it is given').first().waitFor();

    // From the palette, and with nothing but Enter: a file for the team.
    await user.open('sums.js');
    await user.command('OpenExec: Remember Why This Is as It Is…');
    await asks.waitFor();
    await input.press('Enter');
    await user.page.locator('.tab.active', { hasText: 'add.yaml' }).waitFor();
    await user.shows('# Why `add` in sums.js is as it is');
    assert(onDisk('.openexec/memory/add.yaml').includes('symbol: add'));
    // The cursor waits where the reason goes; who saves has said it.
    await user.page.locator('.statusbar-item', { hasText: 'Ln 14, Col 5' }).waitFor();
    await user.page.keyboard.type('two: "teams" count from 1');
    await user.picture('file');
    await user.keys('Control+s');
    await user.toast('the reason in .openexec/memory/add.yaml is kept');
    await user.open('sums.js');
    await user.page.locator('.codelens-decoration', { hasText: 'two: "teams" count from 1' }).waitFor();
});
