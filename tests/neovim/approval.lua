-- A changed assertion judges the work otherwise, so the user is asked, in words that say what
-- changes. Until the answer nothing does.
local editor = require('editor')
local proposal = require('proposal')

local source = proposal.of_two_hunks()
editor.trust()
local buffer = editor.open('sums.js')
local changed = editor.watch(buffer)
local tests = editor.open('test/sums.test.js')
local tests_changed = editor.watch(tests)
editor.cursor_at('assert.equal')
editor.choose('Fix failing test')
local said = editor.said('waits for you')
assert(said:find('2 files would change', 1, true), said)

-- The menu offers the decision first, wherever the cursor is.
vim.cmd.edit(editor.root .. '/sums.js')
vim.api.nvim_win_set_cursor(0, { 1, 0 })
local shown = editor.offered('Apply run')
assert(
  shown[1]:find('Review run') and shown[2]:find('Apply run') and shown[3]:find('Discard run'),
  vim.inspect(shown)
)
editor.equal({ editor.text(buffer), editor.text(tests) }, { source, proposal.test }, 'nothing has changed')

-- The review is a document that opens.
editor.choose('Review run')
editor.wait('the review opens', function()
  return vim.api.nvim_buf_get_name(0):match('review%-1%.md$')
end)
local review = editor.text(0)
for _, part in ipairs({
  '-  return a - b;',
  '+  return a + b;',
  'guard.assertion_changed',
  'add(3, 2), 5',
  'test/sums.test.js',
  'passed',
}) do
  assert(review:find(part, 1, true), 'the review lacks ' .. part .. ':\n' .. review)
end
editor.equal({ #changed, #tests_changed }, { 0, 0 }, 'changes before the decision')

vim.cmd.edit(editor.root .. '/sums.js')
if arg[1] == 'apply' then
  editor.choose('Apply run')
  editor.said('undo with `openexec.undo`')
  editor.equal(editor.text(buffer), (source:gsub('a %- b', 'a + b')), 'the buffer')
  editor.equal(editor.text(tests), proposal.changed_test, 'the buffer of the test')
else
  editor.choose('Discard run')
  editor.said('was discarded')
  editor.equal({ #changed, #tests_changed }, { 0, 0 }, 'changes after the discarding')
  editor.equal({ editor.text(buffer), editor.text(tests) }, { source, proposal.test }, 'the buffers')
end
