-- `:checkhealth openexec` names what is there, and what is missing with what to type.
local editor = require('editor')

editor.project(editor.javascript({ ['sums.js'] = 'export const one = 1;\n' }), {})

--- What the report says, as a user reads it.
local function report()
  vim.cmd('checkhealth openexec')
  local text = editor.text(0)
  vim.cmd('silent! bwipeout!')
  return text
end
local function holds(text, parts)
  for _, part in ipairs(parts) do
    assert(text:find(part, 1, true), 'the report lacks `' .. part .. '`:\n' .. text)
  end
end

editor.open('sums.js')
local version = vim.version()
local text = report()
holds(text, {
  ('Neovim %d.%d.%d'):format(version.major, version.minor, version.patch),
  'openexec`: openexec ',
  'OK server for `' .. editor.root .. '`, with 1 buffers',
  'OK configuration: ',
  "WARNING trust: the workspace's tasks are not trusted",
  'openexec trust --workspace',
  'test tasks: node --test --test-reporter=tap',
})
editor.trust()
text = report()
assert(not text:find('not trusted', 1, true), text)
holds(text, { 'OK trust: ' })

editor.configure({ cmd = { '/nowhere/openexec', 'lsp' } })
vim.lsp.stop_client(editor.client().id, true)
editor.wait('the server ends', function()
  return not editor.client()
end)
holds(report(), {
  'ERROR `/nowhere/openexec` cannot be started',
  'put openexec on your PATH',
  'WARNING no server is running',
})
