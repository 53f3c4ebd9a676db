// A run is cancelled from the view while the model thinks; nothing comes of it.

import assert from 'node:assert/strict';
import { inWorkbench, journal, onDisk, replace, reply, sums } from './user.mjs';

// Longer than the test lasts: the model is not waited for.
const replies = [reply('fix', 1, [replace('sums.js', 'a - b', 'a + b')], 600_000)];

await inWorkbench({ name: 'cancel', replies }, async (user) => {
    await user.open('test/sums.test.js');
    await user.ready();
    await user.cursorAt(6, 4);
    await user.choose('Fix failing test `adds`');
    await user.status(/at work/);
    await user.showRuns();
    const row = user.row('Fix tests');
    await row.getByText('fix, stage 3 of 8, turn 1').waitFor();
    await user.picture('working');
    await row.hover();
    await user.button('Cancel a Run', row).click();
    await user.row('cancelled').waitFor();
    await user.status(/^OpenExec$/);
    await user.picture('cancelled');
    assert.equal(journal().at(-1).outcome, 'cancelled');
    assert.equal(onDisk('sums.js'), sums.source);
    await user.open('sums.js');
    assert((await user.text()).includes('a - b'));
});
