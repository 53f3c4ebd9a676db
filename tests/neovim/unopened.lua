-- Files that are not open are changed, created and deleted as well, and it is looked whether they were.
local editor = require('editor')

local before = {
  ['add.js'] = "import { old } from './old.js';\nexport const add = (a, b) => old(a, b);\n",
  ['sub.js'] = 'export const sub = (a, b) => a + b;\n',
  ['old.js'] = 'export const old = (a, b) => a - b;\n',
}
local files = vim.deepcopy(before)
files['test/sums.test.js'] = "import test from 'node:test';\nimport assert from 'node:assert';\n"
  .. "import { add } from '../add.js';\nimport { sub } from '../sub.js';\n\n"
  .. "test('computes', () => assert.deepEqual([add(2, 3), sub(3, 2)], [5, 1]));\n"
editor.project(editor.javascript(files), {
  editor.reply('fix', 1, {
    editor.replace('add.js', './old.js', './lib/new.js'),
    editor.replace('add.js', 'import { old }', 'import { sum }'),
    editor.replace('add.js', '=> old(', '=> sum('),
    editor.replace('sub.js', 'a + b', 'a - b'),
    { kind = 'create_file', path = 'lib/new.js', text = 'export const sum = (a, b) => a + b;' },
    { kind = 'delete_file', path = 'old.js' },
  }),
})
editor.trust()
editor.open('test/sums.test.js')
editor.cursor_at('assert.deepEqual')
editor.choose('Fix failing test')
local after = {
  ['add.js'] = "import { sum } from './lib/new.js';\nexport const add = (a, b) => sum(a, b);\n",
  ['sub.js'] = 'export const sub = (a, b) => a - b;\n',
  ['lib/new.js'] = 'export const sum = (a, b) => a + b;\n',
}

--- What stands in the files for the user: the buffer, else the disk.
local function standing(paths)
  local texts = {}
  for _, path in ipairs(paths) do
    local buffer = editor.buffer(path)
    texts[path] = buffer and vim.uv.fs_stat(editor.root .. '/' .. path) and editor.text(buffer)
      or editor.read(path)
  end
  return texts
end
local paths = { 'add.js', 'sub.js', 'old.js', 'lib/new.js' }

-- A deletion is not something the policy lets pass without a word.
editor.said('waits for you')
editor.choose('Apply run')
editor.wait('the end', function()
  return editor.outcome() == 'done'
end)
editor.equal(standing(paths), after, 'the files')
vim.cmd.wall()

vim.cmd('OpenExec undo')
editor.said('undone')
vim.cmd.wall()
editor.equal(standing(paths), before, 'the files after an undo')
