-- Two runs wait: the user says which one is meant. A hunk is left out where it stands in the file.
-- The server dies meanwhile, and the next one has both.
local editor = require('editor')
local proposal = require('proposal')

local source = proposal.of_three_hunks()
editor.trust()
local buffer = editor.open('sums.js')
for _ = 1, 2 do
  vim.cmd('OpenExec run blueprint=fix_tests')
  editor.said('waits for you')
end

-- Both are offered, the newest first; nothing happens while none is chosen.
local offered
local function choose(number)
  return function(items, how, on_choice)
    offered = vim.tbl_map(how.format_item, items)
    on_choice(items[number], number)
  end
end
editor.answer('select', choose(2))
vim.cmd('OpenExec discard')
editor.said('was discarded')
editor.equal(#offered, 2, 'the runs that can be meant')
for _, line in ipairs(offered) do
  assert(line:match('^fix_tests %x+ · waiting · '), line)
end
assert(offered[1] ~= offered[2], 'they can be told apart')
editor.wait('one waits', function()
  return require('openexec').statusline() == 'OpenExec: 1 run waits for you'
end)

-- The server dies; the status line is silent, and the next server knows the run.
local first = editor.client()
vim.uv.kill((unpack(vim.api.nvim_get_proc_children(vim.fn.getpid()))), 'sigkill')
editor.wait('the server ends', function()
  return #vim.lsp.get_clients({ name = 'openexec' }) == 0
end)
editor.equal(require('openexec').statusline(), '', 'the status line without a server')
vim.lsp.enable('openexec', false)
vim.lsp.enable('openexec')
editor.open('sums.js')
assert(editor.client().id ~= first.id, 'another server')
editor.wait('the run waits again', function()
  return require('openexec').statusline() == 'OpenExec: 1 run waits for you'
end)

-- In the file itself the cursor names the hunk, by the lines that it would change.
editor.cursor_at('// 5')
local complaint
editor.answer('notify', function(text)
  complaint = text
end)
vim.cmd('OpenExec reject')
editor.wait('the complaint', function()
  return complaint
end)
assert(complaint:find('no hunk of run', 1, true), complaint)
editor.cursor_at('return a * 2')
vim.cmd('OpenExec reject')
editor.said('waits for you')
vim.cmd('OpenExec reject test/sums.test.js:1')
editor.said('waits for you')
vim.cmd('OpenExec review')
editor.wait('the review', function()
  return vim.wo.diff
end)
editor.equal(editor.text(0), (source:gsub('a %- b', 'a + b')), 'what is left of the proposal')

-- Discarded from its review, which closes. Nothing was changed.
vim.cmd('OpenExec discard')
editor.said('was discarded')
editor.wait('the review closes', function()
  return vim.fn.tabpagenr('$') == 1
end)
editor.equal(editor.text(buffer), source, 'the buffer')
editor.answer('notify', function(text)
  complaint = text
end)
complaint = nil
vim.cmd('OpenExec apply')
editor.wait('the complaint', function()
  return complaint
end)
assert(complaint:find('there is no run to apply', 1, true), complaint)

-- Nobody writes an instruction that no server would hear.
editor.client():stop(true)
editor.wait('the server ends', function()
  return #vim.lsp.get_clients({ name = 'openexec' }) == 0
end)
vim.ui.input = function()
  editor.fail('something was asked for without a server')
end
for _, command in ipairs({ 'run', 'remember' }) do
  complaint = nil
  editor.answer('notify', function(text)
    complaint = text
  end)
  vim.cmd('OpenExec ' .. command)
  assert(complaint and complaint:find('OpenExec is not running here', 1, true), complaint)
end
