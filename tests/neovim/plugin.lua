-- The whole loop with the commands of the plugin alone: trust, run, progress, review, one hunk left
-- out, apply, undo. Buffers and files are as they must be after each of them.
local editor = require('editor')
local proposal = require('proposal')

local source = proposal.of_three_hunks()
local buffer = editor.open('sums.js')
local changed = editor.watch(buffer)
local openexec = require('openexec')
editor.equal(openexec.statusline(), 'OpenExec', 'the status line of a workspace at rest')

-- Trust: the document that says what would run stands there before the question is asked.
local asked
editor.answer('select', function(items, how, on_choice)
  asked = { items = items, prompt = how.prompt, document = editor.text(0) }
  on_choice(items[2], 2)
end)
vim.cmd('OpenExec trust')
editor.wait('the question of trust', function()
  return asked
end)
assert(asked.prompt:find('node --test --test-reporter=tap', 1, true), asked.prompt)
assert(
  asked.document:find('What the files hold', 1, true) and asked.document:find('+tasks:', 1, true),
  asked.document
)
-- After reading, the same document is what is agreed to. What has changed meanwhile is not.
local declared = editor.read('.openexec/tasks.yaml')
vim.fn.writefile(
  { 'version: 1', 'tasks:', '  - { name: test, kind: test, argv: [evil] }' },
  editor.root .. '/.openexec/tasks.yaml'
)
local complaint
editor.answer('select', function(items, _, on_choice)
  on_choice(items[1], 1)
end)
editor.answer('notify', function(text)
  complaint = text
end)
vim.cmd('OpenExec trust')
editor.wait('the refusal', function()
  return complaint
end)
assert(complaint:find('changed since they were shown', 1, true), complaint)
vim.fn.writefile(vim.split(declared, '\n'), editor.root .. '/.openexec/tasks.yaml', 'b')
editor.answer('select', function(items, _, on_choice)
  on_choice(items[1], 1)
end)
vim.cmd('OpenExec trust')
editor.said('trusted, may run')
vim.cmd.only()

-- Run: an instruction is asked for where there is none.
local tests = editor.open('test/sums.test.js')
local tests_changed = editor.watch(tests)
editor.cursor_at('assert.equal')
editor.answer('input', function(how, on_confirm)
  assert(how.prompt:find('What should be done', 1, true), how.prompt)
  on_confirm('make the failing test pass')
end)
local lines = {}
vim.api.nvim_create_autocmd('LspProgress', {
  callback = function()
    table.insert(lines, openexec.statusline())
  end,
})
if arg[1] == 'asked' then
  vim.cmd('OpenExec run')
else
  vim.cmd('OpenExec run blueprint=fix_tests make the failing test pass')
end
local said = editor.said('waits for you')
assert(said:find('2 files would change', 1, true), said)
editor.equal(editor.journal()[1].inputs.instruction, 'make the failing test pass')
editor.equal(editor.journal()[1].blueprint.name or editor.journal()[1].blueprint, 'fix_tests')
assert(
  table.concat(lines, '\n'):find('OpenExec: fix_tests %x+: run_tests, stage 5 of 8'),
  'progress: ' .. vim.inspect(lines)
)
editor.wait('the status line says that somebody waits', function()
  return openexec.statusline() == 'OpenExec: 1 run waits for you'
end)
editor.equal({ #changed, #tests_changed }, { 0, 0 }, 'changes before the decision')

-- The run is completed by name, for what it can be used.
local short = vim.fn.getcompletion('OpenExec apply ', 'cmdline')
editor.equal(#short, 1, 'completion of runs')
editor.equal(
  vim.fn.getcompletion('OpenExec undo ', 'cmdline'),
  {},
  'completion of runs that cannot be undone'
)
editor.equal(
  vim.fn.getcompletion('OpenExec re', 'cmdline'),
  { 'reject', 'remember', 'report', 'request', 'resume', 'review' }
)

-- Review: both sides of each file, and all hunks in the quickfix list.
vim.cmd('OpenExec review')
editor.wait('the review', function()
  return vim.fn.tabpagenr('$') == 2 and vim.wo.diff
end)
local function sides()
  local texts = {}
  for _, window in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
    local shown = vim.api.nvim_win_get_buf(window)
    if vim.wo[window].diff then
      local side = vim.api.nvim_buf_get_name(shown):match('^openexec://[^/]+/[^/]+/(.*)$')
      texts[side] = editor.text(shown)
      assert(not vim.bo[shown].modifiable and vim.bo[shown].filetype == '', 'a page that nobody can change')
    end
  end
  return texts
end
local proposed = source:gsub('a %- b', 'a + b'):gsub('a %* 2', 'a + a')
editor.equal(sides(), { ['base/sums.js'] = source, ['proposed/sums.js'] = proposed }, 'the first file')
local function hunks()
  local found = {}
  for _, item in ipairs(vim.fn.getqflist()) do
    if item.valid == 1 then
      table.insert(found, item.text)
    end
  end
  return found
end
editor.equal(hunks(), { 'sums.js:1', 'sums.js:2', 'test/sums.test.js:1' }, 'the hunks')
local rows = editor.text(vim.fn.getqflist({ qfbufnr = 0 }).qfbufnr)
assert(
  rows:find('^why you are asked: ')
    and rows:find('\nsums.js:1, lines 1 to ', 1, true)
    and not rows:find('openexec://', 1, true),
  rows
)
local reasons = vim.inspect(vim.fn.getqflist())
assert(reasons:find('guard.assertion_changed', 1, true) and reasons:find('evidence: ', 1, true), reasons)
vim.cmd.clast()
editor.wait('the other file', function()
  return sides()['base/test/sums.test.js']
end)
editor.equal(sides()['base/test/sums.test.js'], proposal.test)
editor.equal(#vim.api.nvim_tabpage_list_wins(0), 3, 'windows of the review')

-- One hunk is left out where the cursor stands; what remains is verified and shown anew.
vim.cmd.cprevious()
editor.wait('the file before', function()
  return sides()['base/sums.js']
end)
editor.cursor_at('return a + a')
vim.cmd('OpenExec reject')
editor.said('waits for you')
local smaller = source:gsub('a %- b', 'a + b')
editor.wait('the smaller proposal', function()
  return sides()['proposed/sums.js'] == smaller
end)
editor.equal(hunks(), { 'sums.js:1', 'test/sums.test.js:1' }, 'the hunks that remain')
editor.equal({ #changed, #tests_changed }, { 0, 0 }, 'changes before the decision')

-- Apply binds what the review shows, which closes.
vim.cmd('OpenExec apply')
editor.said('undo with `openexec.undo`')
editor.wait('the review closes', function()
  return vim.fn.tabpagenr('$') == 1
end)
editor.equal(editor.text(buffer), smaller, 'the buffer')
editor.equal(editor.text(tests), proposal.changed_test, 'the buffer of the test')
editor.equal(
  { editor.read('sums.js'), editor.read('test/sums.test.js') },
  { source, proposal.test },
  'the files'
)
vim.cmd.wall()
editor.equal(editor.read('sums.js'), smaller, 'the saved file')
editor.wait('the pages of the review go', function()
  return not vim.iter(vim.api.nvim_list_bufs()):any(function(shown)
    return vim.api.nvim_buf_get_name(shown):find('openexec://', 1, true)
  end)
end)

vim.cmd('OpenExec log')
editor.wait('the log', function()
  return vim.bo.filetype == 'openexeclog'
end)
assert(editor.text(0):find('fix_tests', 1, true), editor.text(0))
vim.cmd.close()

vim.cmd('OpenExec status ' .. short[1])
editor.wait('the timeline', function()
  return vim.api.nvim_buf_get_name(0):find('timeline.md', 1, true)
end)
local timeline = editor.text(0)
assert(timeline:find('## What happened', 1, true) and timeline:find('gate passed', 1, true), timeline)
vim.cmd.buffer(buffer)

vim.cmd('OpenExec undo ' .. short[1])
editor.said('undone')
editor.equal(
  { editor.text(buffer), editor.text(tests) },
  { source, proposal.test },
  'the buffers after an undo'
)
editor.wait('the status line is at rest', function()
  return openexec.statusline() == 'OpenExec'
end)
