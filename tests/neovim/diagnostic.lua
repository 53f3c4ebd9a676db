-- A diagnostic that another server published can be fixed where it stands.
local editor = require('editor')

local source = 'export function shout(text) {\n  var loud = text.toUpperCase();\n  return loud;\n}\n'
local after = source:gsub('var loud', 'const loud')

editor.project(
  editor.javascript({
    ['shout.js'] = source,
    ['test/shout.test.js'] = "import test from 'node:test';\nimport assert from 'node:assert';\n"
      .. "import { shout } from '../shout.js';\n\ntest('shouts', () => assert.equal(shout('hey'), 'HEY'));\n",
  }),
  { editor.reply('fix', 1, { editor.replace('shout.js', 'var loud', 'const loud') }) }
)
editor.trust()
local buffer = editor.open('shout.js')

-- A linter of the user's, inside this Neovim.
vim.lsp.start({
  name = 'linter',
  root_dir = editor.root,
  cmd = function(dispatchers)
    local closing = false
    local server = {}
    function server.request(method, params, callback)
      if method == 'initialize' then
        callback(nil, { capabilities = { textDocumentSync = 1 } })
      else
        callback(nil, vim.NIL)
      end
      return true, 1
    end
    function server.notify(method, params)
      if method == 'textDocument/didOpen' then
        dispatchers.notification('textDocument/publishDiagnostics', {
          uri = params.textDocument.uri,
          diagnostics = {
            {
              range = { start = { line = 1, character = 2 }, ['end'] = { line = 1, character = 5 } },
              severity = 2,
              source = 'linter',
              code = 'no-var',
              message = 'Unexpected var, use let or const instead.',
            },
          },
        })
      end
      if method == 'exit' then
        server.terminate()
      end
      return true
    end
    function server.is_closing()
      return closing
    end
    function server.terminate()
      if not closing then
        closing = true
        dispatchers.on_exit(0, 0)
      end
    end
    return server
  end,
})
editor.wait('the diagnostic', function()
  return #vim.diagnostic.get(buffer) == 1
end)

editor.cursor_at('var loud')
local title = editor.choose('Fix this diagnostic')
assert(title:find('Unexpected var, use let or const instead.', 1, true), title)
editor.said('undo with `openexec.undo`')
editor.equal(editor.text(buffer), after, 'the buffer')
editor.equal(editor.journal()[1].inputs.diagnostics, {
  {
    path = 'shout.js',
    line = 2,
    source = 'linter',
    code = 'no-var',
    message = 'Unexpected var, use let or const instead.',
  },
})
