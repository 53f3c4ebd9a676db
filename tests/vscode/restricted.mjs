// In a workspace that the user has not trusted, nothing is started and nothing is run, and the
// user is told why. Once it is trusted, everything is there.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { inWorkbench, journal } from './user.mjs';

function servers(user) {
    const table = execFileSync('ps', ['-eo', 'pgid=,args='], { encoding: 'utf8' }).trim().split('\n');
    return table.filter((line) => line.trim().startsWith(`${user.server.pid} `) && /server\/openexec lsp$/.test(line));
}

await inWorkbench({ name: 'restricted', replies: [], trusted: false, restricted: true }, async (user) => {
    await user.open('test/sums.test.js');
    const item = user.page.locator('.statusbar-item[id*="openexec.status"]');
    await item.locator('.codicon-shield').waitFor();
    assert.deepEqual(servers(user), []);
    await user.command('OpenExec: Say What Should Be Done…');
    await user.toast('does nothing in a workspace that you have not trusted');
    await user.picture('restricted');
    assert.deepEqual([servers(user), journal()], [[], []]);

    await user.command('OpenExec: The First Five Minutes');
    await user.page.getByText('Say which model may think').first().waitFor();
    await user.picture('walkthrough');

    await item.click();
    await user.page.locator('.workspace-trust-editor').getByRole('button', { name: 'Trust', exact: true }).first().click();
    await item.locator('.codicon-check').waitFor();
    assert.equal(servers(user).length, 1);
});
