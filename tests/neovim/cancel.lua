-- A run that is waiting for its model is cancelled, in each of the ways there are.
local editor = require('editor')

local source = 'export function add(a, b) {\n  return a - b;\n}\n'
editor.project(
  editor.javascript({
    ['sums.js'] = source,
    ['test/sums.test.js'] = "import test from 'node:test';\nimport assert from 'node:assert';\n"
      .. "import { add } from '../sums.js';\n\ntest('adds', () => assert.equal(add(2, 3), 5));\n",
  }),
  { editor.reply('fix', 1, { editor.replace('sums.js', 'a - b', 'a + b') }, 600000) }
)
editor.trust()
local buffer = editor.open('sums.js')
local changed = editor.watch(buffer)
editor.open('test/sums.test.js')
editor.cursor_at('assert.equal')

local ways = {
  menu = function()
    local title = editor.choose('Cancel run')
    assert(title:find('fix_tests', 1, true), title)
  end,
  command = function()
    vim.cmd('OpenExec cancel')
  end,
  -- What editors with a cancel button send.
  progress = function()
    editor.wait('progress is shown', function()
      return editor.token
    end)
    editor.client():notify('window/workDoneProgress/cancel', { token = editor.token })
  end,
}
vim.api.nvim_create_autocmd('LspProgress', {
  callback = function(event)
    editor.token = event.data.params.token
  end,
})
editor.choose('Fix failing test')
editor.wait('the run waits for its model', function()
  local events = editor.journal()
  return #events > 0 and events[#events].event == 'model_requested'
end)
ways[arg[1]]()
editor.said('was cancelled')

editor.equal(editor.outcome(), 'cancelled')
editor.equal(editor.text(buffer), source, 'the buffer')
editor.equal(#changed, 0, 'changes of the buffer')
-- What was cancelled is not offered to be cancelled again.
for _, title in ipairs(editor.menu()) do
  assert(not title:find('Cancel run') and not title:find('Undo run'), title)
end
