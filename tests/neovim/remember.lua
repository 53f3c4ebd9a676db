-- "Remember why…" asks for the reason and keeps it at its symbol, from the menu and as a command. An
-- empty answer begins a memory file, none at all does nothing.
local editor = require('editor')

local source = '/** The sum of two numbers. */\nexport function add(a, b) {\n  return a + b;\n}\n\n'
  .. '/** Twice a number. */\nexport function twice(a) {\n  return a * 2;\n}\n'
editor.project(editor.javascript({ ['sums.js'] = source }), {})
editor.trust()
local buffer = editor.open('sums.js')
editor.cursor_at('a + b')

local asked
local function answer(why)
  asked = nil
  editor.answer('input', function(how, on_confirm)
    asked = how
    on_confirm(why)
  end)
end

-- Who says nothing has nothing written down.
answer(nil)
editor.choose('Remember why `add` is as it is')
assert(asked.prompt:find('Why is it as it is?', 1, true), asked.prompt)
editor.equal(#editor.journal(), 0, 'runs')

answer('  the ledger adds in this order  ')
editor.choose('Remember why `add` is as it is')
editor.said('the reason is kept')
local started = editor.journal()[1]
editor.equal(started.blueprint.name or started.blueprint, 'record_decision')
editor.equal(started.inputs.instruction, 'the ledger adds in this order')
editor.choose('Show what is known about `add` (1)')
editor.wait('what is known', function()
  return editor.text(0):find('why: the ledger adds in this order', 1, true)
end)
assert(editor.text(0):find('`add`', 1, true), editor.text(0))

-- It stands above its symbol.
vim.cmd.buffer(buffer)
local lenses
editor.wait('the lens', function()
  if not lenses then
    lenses = {}
    local params = { textDocument = vim.lsp.util.make_text_document_params() }
    vim.lsp.buf_request(0, 'textDocument/codeLens', params, function(_, found)
      lenses = #(found or {}) > 0 and found or nil
    end)
  end
  return lenses[1]
end)
editor.equal(lenses[1].command.title, 'noted: the ledger adds in this order')
editor.equal(lenses[1].range.start.line, 1)

-- The text moves on while the user writes: what was written is there again.
editor.cursor_at('a * 2')
local complaint
editor.answer('notify', function(text)
  complaint = text
end)
editor.answer('input', function(_, on_confirm)
  editor.type_over(buffer, '/** Twice a number. */', '/** Twice a number, exactly. */')
  vim.wait(0)
  on_confirm('halves are rounded elsewhere')
end)
editor.choose('Remember why `twice` is as it is')
editor.wait('the refusal', function()
  return complaint
end)
assert(complaint:find('changed since', 1, true), complaint)
answer('halves are rounded elsewhere')
vim.cmd('OpenExec remember')
editor.equal(asked.default, 'halves are rounded elsewhere', 'what was written is offered again')
editor.said('the reason is kept')
editor.offered('Show what is known about `twice` (1)')

-- Said at once, from the indentation of a line.
vim.api.nvim_win_set_cursor(0, { 8, 0 })
vim.cmd('OpenExec remember two is a constant')
editor.said('the reason is kept')
editor.offered('Show what is known about `twice` (2)')

-- Nothing but Enter: a file for all, which the server opens.
answer('')
vim.cmd('OpenExec remember')
editor.wait('the memory file', function()
  return vim.api.nvim_buf_get_name(0):find('%.openexec/memory/twice%.yaml$')
end)
assert(editor.text(0):find('Why `twice` in sums.js is as it is', 1, true), editor.text(0))
editor.wait('the cursor where the reason goes', function()
  return vim.api.nvim_get_current_line():match('^ +$')
    and vim.fn.getline(vim.fn.line('.') - 1):find('why: >-', 1, true)
end)
-- Whoever begins to write there, and saves, has said it.
vim.api.nvim_feedkeys('Athree: callers "rely" on it', 'xt', false)
vim.cmd.write()
editor.said('the reason in .openexec/memory/twice.yaml is kept')
vim.cmd.buffer(buffer)
vim.api.nvim_win_set_cursor(0, { 8, 0 })
editor.choose('Show what is known about `twice` (3)')
editor.wait('what is known', function()
  return editor.text(0):find('why: three: callers "rely" on it', 1, true)
end)
