// The whole way of a first user: a red test, the menu, trust, a run, its review, yes, and back.

import assert from 'node:assert/strict';
import { inWorkbench, journal, onDisk, replace, reply, sums } from './user.mjs';

const fixed = sums.source.replace('a - b', 'a + b');
const changedTest = sums.test.replace('add(2, 3), 5', 'add(3, 2), 5');
const replies = [
    // A changed assertion judges the work otherwise, so the user is asked.
    reply('fix', 1, [replace('sums.js', 'a - b', 'a + b'), replace('test/sums.test.js', 'add(2, 3), 5', 'add(3, 2), 5')], 1500),
];

await inWorkbench({ name: 'loop', replies, trusted: false }, async (user) => {
    await user.open('test/sums.test.js');
    await user.ready();
    await user.cursorAt(6, 4);

    // Nothing of the project runs before the user has seen what would.
    const offered = await user.menu("Trust this workspace's tasks");
    assert(offered[0].includes("Trust this workspace's tasks"), offered.join('\n'));
    assert(!offered.some((title) => title.includes('Fix failing test')), 'what would come to nothing is disabled');
    await user.picture('untrusted');
    await user.keys('Escape');
    await user.choose("Trust this workspace's tasks");
    await user.page.locator('.tab.active', { hasText: 'trust.md' }).waitFor();
    await user.toast('may “node --test --test-reporter=tap” be run');
    await user.preview().getByText('Trust binds exactly this content').waitFor();
    await user.picture('trust');
    assert.deepEqual(journal(), []);
    await user.press('be run', 'Trust Exactly This');
    await user.toast('trusted, may run');

    await user.command('View: Close All Editors');
    await user.calm();
    await user.open('test/sums.test.js');
    await user.cursorAt(6, 4);
    await user.menu('Fix failing test `adds`');
    await user.picture('menu');
    await user.keys('Escape');
    await user.choose('Fix failing test `adds`');
    await user.status(/at work/);
    await user.page.locator('.statusbar-item', { hasText: /OpenExec fix_tests \w+: fix, stage 3 of 8, turn 1/ }).waitFor();
    await user.picture('progress');

    await user.toast('is ready for your review');
    await user.status(/1 run waits for you/);
    await user.showRuns();
    await user.row('guard.assertion_changed').waitFor();
    await user.picture('waiting');
    assert.equal(onDisk('sums.js'), sums.source);

    // The workbench's own diff, of all files.
    await user.press('is ready for your review', 'Review Changes');
    const diff = user.page.locator('.multiDiffEditor, .multi-diff-editor, .monaco-component.multiDiffEditor').first();
    await diff.waitFor();
    for (const text of ['return a - b;', 'return a + b;', 'add(3, 2), 5']) {
        await diff.getByText(text.replaceAll(' ', '\u00a0')).or(diff.getByText(text)).first().waitFor();
    }
    await user.calm();
    await user.picture('review');
    await user.button('Apply').click();
    await user.page.locator('.tab', { hasText: 'Proposal of' }).waitFor({ state: 'detached' });
    await user.toast('1 test');
    await user.row('done').waitFor();
    await user.picture('applied');

    await user.open('sums.js');
    await user.shows('return a + b;');
    assert.equal(onDisk('sums.js'), sums.source, 'a file that is not saved is not written');
    await user.keys('Control+s');
    await user.until('the file is saved', () => onDisk('sums.js') === fixed);
    await user.open('test/sums.test.js');
    await user.keys('Control+s');
    await user.until('the test is saved', () => onDisk('test/sums.test.js') === changedTest);

    await user.command('OpenExec: Show the Timeline of a Run');
    await user.page.locator('.tab.active', { hasText: 'timeline.md' }).waitFor();
    await user.preview().getByText('gate passed').first().waitFor();
    await user.calm();
    await user.picture('timeline');

    await user.command('OpenExec: Show the Report of a Run');
    await user.page.locator('.tab.active', { hasText: 'Report of Fix tests' }).waitFor();
    await user.preview().locator('h1', { hasText: 'fix_tests' }).waitFor();
    assert.equal(await user.preview().locator('script').count(), 0, 'the page runs nothing');
    await user.page.mouse.move(780, 640);
    await user.picture('report');

    // Above the function stands which run changed it.
    await user.open('sums.js');
    await user.page.locator('.codelens-decoration', { hasText: 'changed by run' }).waitFor();
    await user.picture('lens');

    await user.command('OpenExec: Undo a Run');
    await user.toast('was undone');
    await user.open('sums.js');
    await user.shows('return a - b;');
    await user.keys('Control+s');
    await user.until('the file is as it was', () => onDisk('sums.js') === sums.source);
    await user.picture('undone');
    assert.equal(journal().at(-1).outcome, 'undone');
});
