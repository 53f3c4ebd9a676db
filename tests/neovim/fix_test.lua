-- A failing test is repaired from the code-action menu. The first answer of the model is wrong,
-- so a gate is red once; the buffer changes only after the gate that is green.
local editor = require('editor')

local languages = {
  rust = {
    tasks = 'cargo',
    files = {
      ['Cargo.toml'] = '[package]\nname = "sums"\nversion = "0.1.0"\nedition = "2021"\n',
      ['src/lib.rs'] = '/// The sum of two numbers.\npub fn add(a: i32, b: i32) -> i32 {\n    a - b\n}\n',
      ['tests/sums.rs'] = '#[test]\nfn adds() {\n    assert_eq!(sums::add(2, 3), 5);\n}\n',
    },
    source = 'src/lib.rs',
    test = 'tests/sums.rs',
    cursor = 'assert_eq',
    named = 'Fix failing test `adds`',
  },
  python = {
    tasks = 'pytest',
    files = {
      ['pytest.ini'] = '[pytest]\n',
      ['sums.py'] = 'def add(a, b):\n    """The sum of two numbers."""\n    return a - b\n',
      ['test_sums.py'] = 'from sums import add\n\n\ndef test_adds():\n    assert add(2, 3) == 5\n',
    },
    source = 'sums.py',
    test = 'test_sums.py',
    cursor = 'assert',
    named = 'Fix failing test `test_adds`',
  },
  javascript = {
    tasks = 'npm run',
    files = {
      ['package.json'] = '{ "name": "sums", "type": "module", "scripts": { "test": "node --test" } }\n',
      ['sums.js'] = '/** The sum of two numbers. */\nexport function add(a, b) {\n  return a - b;\n}\n',
      ['test/sums.test.js'] = "import test from 'node:test';\nimport assert from 'node:assert';\n"
        .. "import { add } from '../sums.js';\n\ntest('adds', () => {\n  assert.equal(add(2, 3), 5);\n});\n",
    },
    source = 'sums.js',
    test = 'test/sums.test.js',
    cursor = 'assert.equal',
    named = 'Fix failing test `adds`',
  },
}
local language = languages[arg[1]]
local source = language.source
local before = language.files[source]
local after = before:gsub('a %- b', 'a + b')

editor.project(language.files, {
  editor.reply('fix', 1, { editor.replace(source, 'a - b', 'b - a') }),
  editor.reply('fix', 2, { editor.replace(source, 'b - a', 'a + b') }),
})

local buffer = editor.open(source)
editor.open(language.test)
editor.cursor_at(language.cursor)

-- The tasks of a repository are run only after the user has agreed to them.
local trust = editor.choose("Trust this workspace's tasks")
assert(trust:find(language.tasks, 1, true), trust)
editor.wait('the trust', function()
  return not vim.tbl_contains(editor.menu(), trust)
end)

local changed = editor.watch(buffer)
local title = editor.choose(language.named)
assert(title:find('fix_tests', 1, true) and title:find('script', 1, true), title)
editor.said('undo with `openexec.undo`')

editor.equal(editor.text(buffer), after, 'the buffer')
editor.equal(editor.read(source), before, 'the file, which only the user saves')
assert(vim.bo[buffer].modified, 'the buffer counts as modified')
assert(
  editor.progress[1].kind == 'begin' and editor.progress[1].title:find('OpenExec fix_tests'),
  'progress begins'
)
-- Stages that are over at once may not be told of; a gate takes as long as its tasks.
local gates = vim.tbl_filter(function(value)
  return value.kind == 'report' and value.message:find('^run_tests, stage 5 of 8')
end, editor.progress)
assert(gates[1] and gates[#gates].message:find('attempt 2', 1, true), 'progress: ' .. vim.inspect(gates))
editor.equal(editor.progress[#editor.progress].kind, 'end', 'progress')

-- Red, then green, then the first change of the buffer.
local red, green
for _, event in ipairs(editor.journal()) do
  if event.event == 'edits_planned' then
    green = nil
  elseif event.event == 'gate_judged' and event.judgement.judgement == 'red' then
    red = event
  elseif event.event == 'gate_judged' and event.judgement.judgement == 'passed' then
    green = event
  end
end
assert(red and green and red.at_ms <= green.at_ms, 'a red gate and then a green one')
assert(#changed > 0 and changed[1] >= green.at_ms, 'the buffer changed before the gate was green')

vim.api.nvim_buf_call(buffer, vim.cmd.write)
editor.equal(editor.read(source), after, 'the saved file')

vim.cmd('OpenExec undo')
editor.said('undone')
editor.equal(editor.text(buffer), before, 'the buffer after an undo')

vim.cmd('OpenExec undo')
editor.said('undo with `openexec.undo`')
editor.equal(editor.text(buffer), after, 'the buffer after the undo of the undo')
