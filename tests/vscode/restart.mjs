// A proposal waits; the server is killed and comes back by itself; the window is loaded anew. The
// proposal is still there, and is reviewed. A part of it is left out, and the rest is verified and applied.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { inWorkbench, journal, onDisk, project, replace, reply, sums } from './user.mjs';

const files = { ...project, 'notes.md': 'Sums.\n' };
const changedTest = sums.test.replace('add(2, 3), 5', 'add(3, 2), 5');
const replies = [
    reply('fix', 1, [
        replace('sums.js', 'a - b', 'a + b'),
        replace('test/sums.test.js', 'add(2, 3), 5', 'add(3, 2), 5'),
        replace('notes.md', 'Sums.', 'Sums and more.'),
    ]),
];

/** The server that the workbench started. */
function serverOf(user) {
    const table = execFileSync('ps', ['-eo', 'pid=,pgid=,args='], { encoding: 'utf8' }).trim().split('\n');
    const rows = table.map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line)).filter(Boolean);
    const children = rows.filter(([, , group, args]) => Number(group) === user.server.pid && /server\/openexec lsp$/.test(args));
    return children.map(([, pid]) => Number(pid));
}

await inWorkbench({ name: 'restart', files, replies }, async (user) => {
    await user.open('test/sums.test.js');
    await user.ready();
    await user.cursorAt(6, 4);
    await user.choose('Fix failing test `adds`');
    await user.toast('is ready for your review');

    const [first] = serverOf(user);
    assert(first, 'the server is a process of this workbench');
    process.kill(first, 'SIGKILL');
    const second = await user.until('another server', () => serverOf(user).find((pid) => pid !== first));
    assert.notEqual(second, first);
    await user.status(/1 run waits for you/);

    await user.load();
    await user.status(/1 run waits for you/);
    await user.press('is ready for your review', 'Review Changes');
    const diff = user.page.locator('.multiDiffEditor, .multi-diff-editor, .monaco-component.multiDiffEditor').first();
    await diff.locator('.editor.modified .view-line', { hasText: 'return\u00a0a\u00a0+\u00a0b;' }).first().waitFor();
    await user.picture('review');
    await user.showRuns();
    const row = user.row('notes.md');
    await row.hover();
    await user.picture('leave-out');
    await user.button('Leave This Out', row).click();
    // The rest is another proposal, which was verified anew.
    await row.waitFor({ state: 'detached' });
    await user.row('proposal.part_re').waitFor();
    await user.picture('rest');
    assert.equal(onDisk('sums.js'), sums.source);

    const run = user.row('Fix tests');
    await run.hover();
    await user.button('Apply the Proposal', run).click();
    await user.toast('2 files changed');
    await user.open('sums.js');
    await user.shows('return a + b;');
    await user.command('File: Save All Files');
    await user.until('the files are saved', () => onDisk('test/sums.test.js') === changedTest && onDisk('sums.js').includes('a + b'));
    assert.equal(onDisk('notes.md'), files['notes.md']);
    assert.equal(journal().at(-1).outcome, 'done');
});
