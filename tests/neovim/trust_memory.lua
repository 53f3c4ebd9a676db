-- A workspace that has memory and no tasks is trusted with the plugin: the question names what would
-- be loaded, and the document shows what it says.
local editor = require('editor')

editor.project({
  ['ops.py'] = 'def idle():\n    return 0\n',
  ['.openexec/memory/quiet.yaml'] = 'version: 1\nsymbols:\n'
    .. '  - {id: quiet, at: {path: ops.py, symbol: idle}, why: one writer only}\n',
}, {})
editor.open('ops.py')
editor.cursor_at('idle')
local offered = editor.offered("Trust this workspace's memory (.openexec/memory/quiet.yaml)")
assert(not vim.iter(offered):any(function(title)
  return title:find('Show what is known', 1, true)
end), vim.inspect(offered))
local asked
editor.answer('select', function(items, how, on_choice)
  asked = { prompt = how.prompt, document = editor.text(0) }
  on_choice(items[1], 1)
end)
vim.cmd('OpenExec trust')
editor.said('trusted, loads .openexec/memory/quiet.yaml')
assert(
  asked.prompt:find('loaded as blueprints and memory: .openexec/memory/quiet.yaml', 1, true),
  asked.prompt
)
assert(asked.document:find('one writer only', 1, true), asked.document)
vim.cmd.only()
editor.open('ops.py')
editor.cursor_at('idle')
editor.offered('Show what is known about `idle` (1)')
