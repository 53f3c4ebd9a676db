// The server is not where the settings say: the user is told, and what to do; once the setting is
// mended, it starts without another word.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inWorkbench } from './user.mjs';

const settings = { 'openexec.server.path': '/nowhere/openexec' };

await inWorkbench({ name: 'missing', replies: [], settings }, async (user) => {
    await user.toast('there is no program `/nowhere/openexec`; correct the setting `openexec.server.path`, or clear it');
    await user.page.locator('.statusbar-item[id*="openexec.status"] .codicon-error').waitFor();
    await user.page.locator('.activitybar .action-item', { has: user.page.locator('[aria-label^="OpenExec"]') }).click();
    await user.page.getByText('The OpenExec server is not running.').first().waitFor();
    await user.picture('down');
    await user.press('there is no program', 'Open Settings');
    await user.page.getByText('Another OpenExec server than the one that comes with this extension').first().waitFor();
    await user.picture('settings');
    const file = join(process.env.OPENEXEC_TEST_PLACE, 'user/User/settings.json');
    const { 'openexec.server.path': _, ...rest } = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify(rest));
    await user.status(/^OpenExec$/);
    await user.page.locator('.statusbar-item[id*="openexec.status"] .codicon-check').waitFor();
});
