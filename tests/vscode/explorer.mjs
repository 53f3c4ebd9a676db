// A failing test is repaired from the test explorer, whoever runs the tests there.

import { inWorkbench, journal, onDisk, project, replace, reply, sums } from './user.mjs';

const files = { ...project, 'explorer.txt': 'wakes the test runner up\n' };
const replies = [reply('fix', 1, [replace('sums.js', 'a - b', 'a + b')])];

await inWorkbench({ name: 'explorer', files, replies }, async (user) => {
    await user.open('sums.js');
    await user.ready();
    await user.command('Test: Run All Tests');
    await user.command('Testing: Focus on Test Explorer View');
    const test = user.row('adds');
    await test.locator('.codicon-testing-failed-icon').first().waitFor();
    await test.click({ button: 'right' });
    const entry = user.page.locator('.monaco-menu .action-item', { hasText: 'Fix Failing Test with OpenExec' });
    await entry.waitFor();
    await user.picture('context-menu');
    await entry.click();
    await user.toast('1 file changed');
    await user.shows('return a + b;');
    await user.until('the run is over', () => journal().at(-1)?.outcome === 'done');
    const [started] = journal();
    if (started.inputs.failing_test !== 'adds' || onDisk('sums.js') !== sums.source) {
        throw new Error(JSON.stringify(started.inputs));
    }
    await user.picture('fixed');
});
