-- `:OpenExec`, and the same as functions. Everything of substance happens in the server; the
-- code-action menu needs none of this.
local server = require('openexec.server')
local runs = require('openexec.runs')
local review = require('openexec.review')
local status = require('openexec.status')
local M = {}

--- The file and the lines that are meant, as they are at this moment.
local function place(first, last)
  local name = vim.api.nvim_buf_get_name(0)
  if vim.bo.buftype ~= '' or name == '' or name:match('^%a[%w+.-]+://') then
    return {}
  end
  first = first or vim.api.nvim_win_get_cursor(0)[1]
  last = last or first
  return {
    uri = vim.uri_from_bufnr(0),
    -- The server refuses when the text has moved on until this arrives there.
    version = vim.lsp.util.buf_versions[vim.api.nvim_get_current_buf()],
    range = { start = { line = first - 1, character = 0 }, ['end'] = { line = last, character = 0 } },
  }
end

---@class openexec.Run
---@field instruction? string what is to be done; asked for when neither this nor a blueprint is there
---@field blueprint? string the workflow; the server finds the one that fits when absent
---@field model? string
---@field first? integer the first line that is meant, counted from 1; the cursor's when absent
---@field last? integer the last one, included

--- Starts a run at a place in the current buffer.
---@param wanted? openexec.Run
function M.run(wanted)
  wanted = wanted or {}
  -- What the user would be asked for is not lost for want of a server.
  if not server.is_there() then
    return
  end
  local at = place(wanted.first, wanted.last)
  local function start(instruction)
    local arguments = { blueprint = wanted.blueprint, model = wanted.model, instruction = instruction }
    server.execute('run', vim.tbl_extend('error', arguments, at), runs.refresh)
  end
  if wanted.instruction and wanted.instruction ~= '' then
    start(wanted.instruction)
  elseif wanted.blueprint then
    start(nil)
  else
    vim.ui.input({ prompt = 'What should be done? ' }, function(instruction)
      if instruction and vim.trim(instruction) ~= '' then
        start(vim.trim(instruction))
      end
    end)
  end
end

--- Where the cursor is, as the server counts. In the indentation of a line it is where that ends.
local function cursor()
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  local indented = #vim.api.nvim_get_current_line():match('^%s*')
  local position = { line = row - 1, character = indented }
  local client = server.client()
  if column > indented and client then
    position = vim.lsp.util.make_position_params(0, client.offset_encoding).position
  end
  return { start = position, ['end'] = position }
end

-- A reason that the server would not take, for the next time that it is asked for.
local unsaid

---@class openexec.Remember
---@field why? string the reason; asked for when absent
---@field uri? string the file; that of the current buffer when absent
---@field range? table a range in the symbol, as LSP has them
---@field version? integer the version that the range is of

--- Writes down why a function or class is as it is.
---@param wanted? openexec.Remember
function M.remember(wanted)
  wanted = wanted or {}
  if not server.is_there() then
    return
  end
  local at = wanted.uri and { uri = wanted.uri, range = wanted.range, version = wanted.version }
  if not at then
    at = place()
    if not at.uri then
      return server.complain('this is no file; put the cursor into the function that you mean')
    end
    at.range = cursor()
  end
  local function keep(why)
    -- Without a reason a memory file is begun, which the server opens.
    local argument = vim.tbl_extend('error', { why = why ~= '' and why or nil }, at)
    -- The text may have moved on meanwhile; what was written is not lost.
    unsaid = why
    server.execute('remember', argument, function()
      unsaid = nil
      runs.refresh()
    end)
  end
  if wanted.why then
    return keep(vim.trim(wanted.why))
  end
  local prompt = 'Why is it as it is? (nothing: a memory file for all) '
  vim.ui.input({ prompt = prompt, default = unsaid }, function(why)
    if why then
      keep(vim.trim(why))
    end
  end)
end

--- What a status line shows of the runs: `OpenExec: fix_tests 1a2b3c: run_tests`.
---@return string
function M.statusline()
  return status.line()
end

--- A command about one run. A yes or a no binds what was seen, and nothing that has come since.
local function of_run(name, named)
  local front = review.in_front()
  runs.meant(name, named, function(entry)
    local argument = { run = entry.run }
    if name == 'apply' or name == 'discard' then
      argument.proposal = front and front.run == entry.run and front.proposal or entry.proposal
    end
    server.execute(name, argument, runs.refresh)
  end)
end

--- What a run did and why, in the words that the terminal has for it.
local function log(entry)
  local command = { server.program(), 'show', entry.run, '--workspace', entry.root }
  vim.system(command, { text = true }, function(done)
    vim.schedule(function()
      if done.code ~= 0 then
        return server.complain(vim.trim(done.stderr))
      end
      vim.cmd('botright new')
      vim.bo.buftype, vim.bo.bufhidden, vim.bo.swapfile = 'nofile', 'wipe', false
      vim.api.nvim_buf_set_lines(0, 0, -1, false, vim.split(vim.trim(done.stdout), '\n', { plain = true }))
      vim.bo.modifiable, vim.bo.filetype = false, 'openexeclog'
      vim.api.nvim_buf_set_name(0, 'openexec-log://' .. entry.short .. '/' .. vim.api.nvim_get_current_buf())
    end)
  end)
end

--- The words of `run`: `blueprint=` and `model=` before an instruction.
local function wanted_of(words)
  local wanted = {}
  while words[1] do
    local key, value = words[1]:match('^(%a+)=(%S+)$')
    if key ~= 'blueprint' and key ~= 'model' then
      break
    end
    wanted[key] = value
    table.remove(words, 1)
  end
  wanted.instruction = table.concat(words, ' ')
  return wanted
end

local subcommands = {
  run = function(words, arguments)
    local wanted = wanted_of(words)
    if arguments.range > 0 then
      wanted.first, wanted.last = arguments.line1, arguments.line2
    end
    M.run(wanted)
  end,
  review = function(words)
    -- A proposal that waits, else whatever the user names or chooses.
    runs.meant('review', words[1], review.open, function()
      runs.meant('request', words[1], review.open, function()
        runs.meant('undo', words[1], review.open, not words[1] and function()
          server.complain('there is no run to review; `:OpenExec status` shows them all')
        end)
      end)
    end)
  end,
  request = function(words)
    runs.meant('request', words[1], function(entry)
      server.execute('request', { run = entry.run })
    end, function()
      -- None waits; the server shows the last one that was sent.
      server.execute('request')
    end)
  end,
  accept = review.accept,
  reject = review.reject,
  remember = function(words)
    M.remember({ why = words[1] and table.concat(words, ' ') })
  end,
  log = function(words)
    runs.meant(nil, words[1], log)
  end,
  status = function(words)
    -- Without a run: all of them.
    if not words[1] then
      return server.execute('status')
    end
    runs.meant(nil, words[1], function(entry)
      server.execute('status', { run = entry.run })
    end)
  end,
  report = function(words)
    runs.meant(nil, words[1], function(entry)
      server.execute('report', { run = entry.run })
    end)
  end,
  trust = function()
    require('openexec.trust').ask()
  end,
}
for _, name in ipairs({ 'apply', 'discard', 'undo', 'cancel', 'resume' }) do
  subcommands[name] = function(words)
    of_run(name, words[1])
  end
end

--- `:OpenExec`
function M.command(arguments)
  local words = arguments.fargs
  local name = table.remove(words, 1)
  local act = subcommands[name]
  if act then
    act(words, arguments)
  else
    local names = table.concat(vim.fn.sort(vim.tbl_keys(subcommands)), ', ')
    server.complain('there is no `' .. name .. '`; there are ' .. names)
  end
end

local function starting_with(lead, words)
  return vim.tbl_filter(function(word)
    return vim.startswith(word, lead)
  end, words)
end

--- Completes the subcommand, then the runs that it fits.
function M.complete(lead, line)
  local said = line:match('OpenExec%s+(.*)$') or ''
  local name = said:match('^(%S+)%s')
  if not name then
    return starting_with(lead, vim.fn.sort(vim.tbl_keys(subcommands)))
  elseif name == 'run' then
    return lead ~= '' and starting_with(lead, { 'blueprint=', 'model=' }) or {}
  elseif not subcommands[name] or vim.list_contains({ 'trust', 'accept', 'reject', 'remember' }, name) then
    return {}
  end
  runs.refresh()
  local fitting = {}
  for _, entry in ipairs(runs.known) do
    if vim.list_contains({ 'log', 'status', 'report' }, name) or vim.list_contains(entry.can, name) then
      table.insert(fitting, entry.short)
    end
  end
  return starting_with(lead, fitting)
end

--- Follows the server. Called once, by the plugin.
function M.watch()
  local group = vim.api.nvim_create_augroup('openexec', {})
  local function is_ours(event)
    local client = vim.lsp.get_client_by_id(event.data.client_id)
    return client and client.name == 'openexec'
  end
  vim.api.nvim_create_autocmd('LspProgress', {
    group = group,
    callback = function(event)
      if is_ours(event) then
        status.progressed(event.data.params)
      end
    end,
  })
  vim.api.nvim_create_autocmd('LspAttach', {
    group = group,
    callback = function(event)
      if is_ours(event) then
        runs.refresh()
      end
    end,
  })
  runs.on_list(review.compare)
  review.watch()
end

return M
