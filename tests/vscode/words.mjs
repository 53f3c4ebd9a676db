// The user says in words what should be done, and names no workflow; looks at what was sent; and
// asks a question, whose answer changes nothing.

import assert from 'node:assert/strict';
import { inWorkbench, journal, onDisk, replace, reply, sums } from './user.mjs';

const replies = [reply('implement', 1, [replace('sums.js', 'a - b', 'a + b')]), reply('answer', 1, [])];

await inWorkbench({ name: 'words', replies }, async (user) => {
    await user.open('sums.js');
    await user.ready();
    await user.cursorAt(3, 3);
    await user.command('OpenExec: Say What Should Be Done…');
    const input = user.page.locator('.quick-input-widget input[type="text"]');
    await user.page.getByText('At line 3 of sums.js').first().waitFor();
    await input.fill('Change add so that it returns the sum');
    await user.picture('ask');
    await input.press('Enter');
    await user.toast('1 file changed');
    await user.shows('return a + b;');
    assert.equal(onDisk('sums.js'), sums.source);
    const [started] = journal();
    assert.equal(started.blueprint.name, 'implement');
    assert.equal(started.inputs.instruction, 'Change add so that it returns the sum');
    assert.deepEqual(started.inputs.target, { path: 'sums.js', lines: [3, 3] });

    await user.command('OpenExec: Show What Is Sent to the Model');
    await user.preview().getByText('Change add so that it returns the sum').first().waitFor();
    await user.picture('request');

    await user.command('OpenExec: Say What Should Be Done…');
    await user.page.getByText('In this workspace').first().waitFor();
    await input.fill('Why does add return the sum?');
    await input.press('Enter');
    await user.press('That is what was asked for', 'Show Answer');
    await user.shows('That is what was asked for.');
    await user.picture('answer');
    const [question] = journal();
    assert.equal(question.blueprint.name, 'answer');
});
