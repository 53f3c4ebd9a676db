// A proposal of several files and hunks is decided about part by part: with the buttons above the
// diff for the hunk under the cursor, with the lenses in it, and in the view for hunks and files. When
// the last part is accepted, the proposal is applied.

import assert from 'node:assert/strict';
import { inWorkbench, journal, onDisk, project, replace, reply, sums } from './user.mjs';

const twice = `${sums.source}\n${Array.from({ length: 12 }, (_, at) => `// ${at}\n`).join('')}\nexport function twice(a) {\n  return a * 2;\n}\n`;
const files = { ...project, 'sums.js': twice, 'notes.md': 'Sums.\n' };
const changedTest = sums.test.replace('add(2, 3), 5', 'add(3, 2), 5');
const replies = [
    reply('fix', 1, [
        replace('sums.js', 'a - b', 'a + b'),
        replace('sums.js', 'a * 2', 'a + a'),
        replace('notes.md', 'Sums.', 'Sums and more.'),
        replace('test/sums.test.js', 'add(2, 3), 5', 'add(3, 2), 5'),
    ]),
];

await inWorkbench({ name: 'decide', files, replies, machine: { 'diffEditor.codeLens': true } }, async (user) => {
    await user.open('test/sums.test.js');
    await user.ready();
    await user.cursorAt(6, 4);
    await user.choose('Fix failing test `adds`');
    await user.press('is ready for your review', 'Review Changes');
    const diff = user.page.locator('.multiDiffEditor, .multi-diff-editor, .monaco-component.multiDiffEditor').first();
    await diff.waitFor();

    // A hunk of the diff is left out where it stands.
    const line = (text) => diff.locator('.editor.modified .view-line', { hasText: text.replaceAll(' ', '\u00a0') }).first();
    await line('return a + a;').click();
    await user.picture('hunk');
    await user.button('Leave Out Hunk').click();
    // The rest is verified, and is another proposal.
    await diff.waitFor({ state: 'detached' });
    await user.press('is ready for your review', 'Review Changes');
    await diff.waitFor();
    await line('return a + b;').waitFor();
    await line('return a + a;').waitFor({ state: 'detached' });

    // Its lenses say the same where the user lets diffs show lenses.
    await diff.locator('.codelens-decoration', { hasText: 'Accept Hunk' }).first().waitFor();
    await line('return a + b;').click();
    await user.picture('lenses');
    await user.button('Accept Hunk').click();
    await diff.locator('.codelens-decoration', { hasText: 'Accepted · Leave Out Hunk' }).first().waitFor();
    // Most users have no lenses in diffs: the line and the status bar say it as well.
    await user.page.locator('.statusbar-item', { hasText: '1 of 3 parts accepted' }).waitFor();
    await user.until('the accepted hunk is marked', () => diff.evaluate((node) =>
        [...node.querySelectorAll('.view-line span')].some((part) => getComputedStyle(part, '::after').content.includes('✓ accepted'))));
    await user.calm();
    await user.picture('accepted');
    assert.equal(onDisk('sums.js'), twice);

    // In the view too: a file is left out, and the last one accepted.
    await user.showRuns();
    const row = (name) => user.row(name);
    await user.page.locator('.sidebar .monaco-list-row', { hasText: 'sums.js' }).filter({ hasText: 'accepted' }).first().waitFor();
    await user.calm();
    await row('notes.md').hover();
    await user.picture('view');
    await user.button('Leave This Out', row('notes.md')).click();
    await row('notes.md').waitFor({ state: 'detached' });
    // What was accepted stays so.
    await user.page.locator('.sidebar .monaco-list-row', { hasText: 'sums.js' }).filter({ hasText: 'accepted' }).first().waitFor();
    await row(/^sums\.test\.js/).hover();
    await user.button('Accept This', row(/^sums\.test\.js/)).click();
    await user.toast('2 files changed');
    await user.open('sums.js');
    await user.shows('return a + b;');
    await user.shows('return a * 2;');
    await user.command('File: Save All Files');
    await user.until('the files are saved', () => onDisk('test/sums.test.js') === changedTest && onDisk('sums.js') === twice.replace('a - b', 'a + b'));
    assert.equal(onDisk('notes.md'), 'Sums.\n');
    const events = journal();
    assert.equal(events.at(-1).outcome, 'done');
    assert.equal(events.filter(({ event }) => event === 'parts_rejected').length, 2);
});
