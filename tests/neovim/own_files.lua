-- Somebody writes a blueprint: mistakes are told and mended, names are offered, explained,
-- followed and renamed; other YAML is left alone, and the user's own files are known.
local editor = require('editor')

local blueprint = table.concat({
  'version: 1',
  'name: mine',
  'stages:',
  '  - id: implement',
  '    type: agent',
  '    goal: größe 🌍',
  '  - { id: apply, type: deterministic, action: apply_edit }',
  '',
}, '\n')

editor.project(
  editor.javascript({
    ['sums.js'] = 'export const one = 1;\n',
    ['.openexec/blueprints/mine.yaml'] = blueprint,
    ['deploy/values.yaml'] = 'stages: [\n',
  }),
  {}
)

--- Waits until the diagnostics of a buffer that are errors fit.
local function told(buffer, what, fits)
  return editor.wait(what, function()
    local all = vim.diagnostic.get(buffer, { severity = vim.diagnostic.severity.ERROR })
    return fits(all) and all
  end)
end

local function ask(buffer, method, params)
  local answer = assert(editor.client():request_sync(method, params, 60000, buffer))
  assert(not answer.err, vim.inspect(answer.err))
  return answer.result
end

local function here()
  return vim.lsp.util.make_position_params(0, editor.client().offset_encoding)
end

local buffer = editor.open('.openexec/blueprints/mine.yaml')
local escape = told(buffer, 'the escape is told', function(all)
  return #all == 1 and all[1].message:find('implement -> apply', 1, true)
end)[1]
editor.equal({ escape.lnum, escape.col, escape.end_col }, { 6, 10, 15 }, 'its place')

-- Names are offered where a route is written, explained and followed.
vim.api.nvim_buf_set_lines(buffer, 7, 7, true, { '  - id: last', '    on_success: ' })
-- Behind the blank, where only somebody who types can stand.
local params = here()
params.position = { line = 8, character = 16 }
local items = ask(buffer, 'textDocument/completion', params)
local labels = vim.tbl_map(function(item)
  return item.label
end, items.items or items)
assert(vim.list_contains(labels, 'implement') and vim.list_contains(labels, 'paused'), vim.inspect(labels))
vim.api.nvim_buf_set_lines(buffer, 7, 9, true, {})
vim.api.nvim_win_set_cursor(0, { 4, 9 })
local hover = ask(buffer, 'textDocument/hover', here())
assert(hover.contents.value:find('**implement**', 1, true), hover.contents.value)

-- The missing gate is put where it proves; the stage is renamed with its routes.
editor.cursor_at('apply, type')
editor.choose('Lead the path through `run_tests`')
told(buffer, 'the escape is closed', function(all)
  return #all == 0
end)
assert(editor.text(buffer):find('action: run_tests', 1, true), editor.text(buffer))
vim.api.nvim_win_set_cursor(0, { 4, 9 })
vim.lsp.buf.rename('write')
editor.wait('the stage is renamed', function()
  return editor.text(buffer):find('- id: write', 1, true)
    and editor.text(buffer):find('on_failure: write', 1, true)
end)

-- Other YAML is answered with nothing.
local foreign = editor.open('deploy/values.yaml')
editor.equal(ask(foreign, 'textDocument/completion', here()), nil, 'items in other YAML')
editor.equal(vim.diagnostic.get(foreign), {}, 'what is told of other YAML')

-- The user's own configuration lies in no workspace, and is known all the same.
vim.cmd.edit(vim.fn.fnameescape(vim.env.XDG_CONFIG_HOME .. '/openexec/config.yaml'))
local own = vim.api.nvim_get_current_buf()
vim.api.nvim_buf_set_lines(own, 0, 0, true, { 'default_model: nobody' })
told(own, 'the missing model is told', function(all)
  return #all == 1 and all[1].message:find('nobody', 1, true)
end)
