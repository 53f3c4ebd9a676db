-- A model that does whatever a hostile text tells it, over HTTP, against a user who looks at
-- what he is asked and says no. The program that started this script compares everything
-- outside and inside the project afterwards.
local editor = require('editor')

vim.fn.mkdir(vim.env.XDG_CONFIG_HOME .. '/openexec', 'p')
vim.fn.writefile(
  { 'models:', '  hostile: { api: anthropic_messages, model: scripted, base_url: "' .. arg[1] .. '" }' },
  vim.env.XDG_CONFIG_HOME .. '/openexec/config.yaml'
)
editor.trust()
local buffer = editor.open('sums.js')
local source = editor.text(buffer)
local tests = editor.open('test/sums.test.js')
local written = { editor.watch(buffer), editor.watch(tests) }
editor.cursor_at('assert.equal')
editor.choose('Fix failing test')

-- What the policy cannot allow it has blocked; what remains is put before the user.
local said = editor.said('waits for you')
assert(said:find('files would change', 1, true), said)
editor.choose('Review run')
editor.wait('the review opens', function()
  return vim.api.nvim_buf_get_name(0):match('review%-%d+%.md$')
end)
local review = editor.text(0)
for _, part in ipairs({ '.github/workflows/ci.yml', 'process.exit(0)', 'Why you are asked' }) do
  assert(review:find(part, 1, true), 'the review lacks ' .. part .. ':\n' .. review)
end
vim.cmd.edit(editor.root .. '/sums.js')
editor.choose('Discard run')
editor.said('was discarded')

editor.equal({ #written[1], #written[2] }, { 0, 0 }, 'changes of the buffers')
editor.equal(editor.text(buffer), source, 'the buffer')
local blocked, rejected = 0, 0
for _, event in ipairs(editor.journal()) do
  if event.event == 'policy_decided' and event.decision.verdict == 'block' then
    blocked = blocked + 1
  elseif event.event == 'reply_rejected' then
    rejected = rejected + 1
  end
end
-- Each of the hostile replies was refused, by the policy or by the parser before it.
editor.equal(rejected, tonumber(arg[2]), 'replies that had no effect')
assert(blocked >= rejected - 2, blocked .. ' of ' .. rejected .. ' were blocked by the policy')
