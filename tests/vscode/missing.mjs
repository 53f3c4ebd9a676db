// The server is not where the settings say: the user is told, and what to do; once the setting is
// mended, it starts without another word.

import { inWorkbench } from './user.mjs';

const machine = { 'openexec.server.path': '/nowhere/openexec' };

await inWorkbench({ name: 'missing', replies: [], machine }, async (user) => {
    await user.toast('there is no program `/nowhere/openexec`; correct the setting `openexec.server.path`, or clear it');
    const status = user.page.locator('.statusbar-item[id*="openexec.status"]');
    await status.locator('.codicon-error').waitFor();
    await user.page.locator('.activitybar .action-item', { has: user.page.locator('[aria-label^="OpenExec"]') }).click();
    await user.page.getByText('The OpenExec server is not running.').first().waitFor();
    await user.picture('down');
    await user.press('there is no program', 'Open Settings');
    const setting = user.page.locator('.settings-editor .setting-item-contents', { hasText: 'Server: Path' }).first();
    const input = setting.locator('input');
    await input.waitFor();
    await user.picture('settings');
    await input.fill('');
    await status.locator('.codicon-check').waitFor();
});
