// The user goes on typing while the model thinks, in a file that is to be changed: both are there
// in the end, and what is there was tested as it is.

import assert from 'node:assert/strict';
import { inWorkbench, journal, onDisk, project, replace, reply } from './user.mjs';

const source = `${project['sums.js']}\nexport const name = 'sums';\n`;
const replies = [reply('fix', 1, [replace('sums.js', 'a - b', 'a + b')], 8000)];

await inWorkbench({ name: 'typing', files: { ...project, 'sums.js': source }, replies }, async (user) => {
    await user.open('sums.js');
    await user.open('test/sums.test.js');
    await user.ready();
    await user.cursorAt(6, 4);
    await user.choose('Fix failing test `adds`');
    await user.until('the model is asked', () => journal().some(({ event }) => event === 'model_requested'));

    await user.open('sums.js');
    await user.cursorAt(6, 22);
    await user.page.keyboard.type('small ');
    await user.shows("name = 'small sums'");
    assert(!journal().some(({ event }) => event === 'model_replied'), 'the model has answered before the user typed');

    await user.toast('1 file changed');
    await user.shows('return a + b;');
    await user.shows("name = 'small sums'");
    assert.equal(onDisk('sums.js'), source, 'only the user saves');
    await user.picture('both');
    const events = journal();
    const rebased = events.find(({ event }) => event === 'rebased');
    assert(rebased, 'the edits were not rebased');
    const judged = events.filter(({ event, tree }) => event === 'gate_judged' && tree === rebased.tree);
    assert.equal(judged.at(-1)?.judgement.judgement, 'passed', 'the gate on the rebased tree');

    // Taking back leaves what the user typed.
    await user.press('1 file changed', 'Undo');
    await user.toast('was undone');
    await user.shows('return a - b;');
    await user.shows("name = 'small sums'");

    // What cannot be done is told, each time, and nothing is changed.
    await user.cursorAt(3, 15);
    await user.page.keyboard.type(' - 0');
    await user.shows('return a - b - 0;');
    await user.press('was undone', 'Redo');
    await user.toast('could not be redone: `sums.js` changed since at the same lines');
    await user.calm();
    await user.command('OpenExec: Undo a Run');
    await user.toast('could not be redone');
    await user.picture('refused');
    await user.shows('return a - b - 0;');
});
