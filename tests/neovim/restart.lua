-- The server ends while a proposal waits; the next one offers it again.
local editor = require('editor')
local proposal = require('proposal')

local source = proposal.of_two_hunks()
editor.trust()
local buffer = editor.open('sums.js')
editor.open('test/sums.test.js')
editor.cursor_at('assert.equal')
editor.choose('Fix failing test')
editor.said('waits for you')

local first = editor.client()
if arg[1] == 'killed' then
  local pid = unpack(vim.api.nvim_get_proc_children(vim.fn.getpid()))
  assert(pid, 'the server is a process of this Neovim')
  vim.uv.kill(pid, 'sigkill')
else
  first:stop()
end
editor.wait('the server ends', function()
  return first:is_stopped() and #vim.lsp.get_clients({ name = 'openexec' }) == 0
end)
editor.equal(editor.text(buffer), source, 'the buffer')

vim.cmd.edit(editor.root .. '/sums.js')
vim.lsp.enable('openexec', false)
vim.lsp.enable('openexec')
editor.open('sums.js')
assert(editor.client().id ~= first.id, 'another server')
editor.offered('Apply run')
editor.choose('Apply run')
editor.said('undo with `openexec.undo`')
editor.equal(editor.text(editor.buffer('sums.js')), (source:gsub('a %- b', 'a + b')), 'the buffer')
