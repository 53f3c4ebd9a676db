-- A user in front of a real Neovim: writes a project, opens files, looks at menus, chooses,
-- types, saves. Nothing here sleeps: everything waits for what must happen, with a deadline.
local M = {
  -- Everything that the server says to the user, in order.
  messages = {},
  -- The texts of all progress notifications, in order.
  progress = {},
  root = vim.env.OPENEXEC_TEST_PLACE .. '/project',
}

local program = vim.env.OPENEXEC_TEST_PROGRAM
local deadline_ms = 60000

vim.opt.runtimepath:prepend(vim.env.OPENEXEC_TEST_PLUGIN)
vim.cmd('filetype on')
vim.opt.swapfile = false
vim.opt.hidden = true

vim.lsp.handlers['window/showMessage'] = function(_, said)
  table.insert(M.messages, said.message)
end
vim.api.nvim_create_autocmd('LspProgress', {
  callback = function(event)
    local value = event.data.params.value
    table.insert(M.progress, { kind = value.kind, title = value.title, message = value.message })
  end,
})

--- What the tasks and gates of the newest run said, where there is one: a gate that is red for a
--- reason of the machine is told from one that is red for the code.
local function judged()
  local function told(...)
    local done = vim.system({ program, ... }, { cwd = M.root, text = true }):wait(deadline_ms)
    return done.code == 0 and done.stdout or ''
  end
  local run = told('runs'):match('^%x+%-%S+')
  local lines = {}
  for line in vim.gsplit(run and told('show', run, '--json') or '', '\n', { trimempty = true }) do
    local event = vim.json.decode(line).event
    if event.event == 'task_finished' then
      local report = event.report
      table.insert(lines, vim.inspect({ report.argv, report.exit, report.duration_ms, report.output }))
    elseif event.event == 'gate_judged' then
      table.insert(lines, vim.inspect(event.judgement))
    end
  end
  return table.concat(lines, '\n')
end

function M.fail(what)
  local _, gates = pcall(judged)
  local said = '\nmessages: ' .. vim.inspect(M.messages) .. '\nprogress: ' .. vim.inspect(M.progress)
  error(what .. said .. '\ntasks and gates: ' .. gates, 0)
end

function M.equal(got, wanted, what)
  if not vim.deep_equal(got, wanted) then
    M.fail((what or 'not equal') .. '\ngot: ' .. vim.inspect(got) .. '\nwanted: ' .. vim.inspect(wanted))
  end
end

function M.wait(what, condition)
  local found
  vim.wait(deadline_ms, function()
    found = condition()
    return found and true or false
  end, 5)
  if not found then
    M.fail(what .. ' did not happen')
  end
  return found
end

local function write(path, text)
  vim.fn.mkdir(vim.fs.dirname(path), 'p')
  local file = assert(io.open(path, 'wb'))
  file:write(text)
  file:close()
end

function M.read(path)
  local file = io.open(M.root .. '/' .. path, 'rb')
  if not file then
    return nil
  end
  local text = file:read('*a')
  file:close()
  return text
end

--- Lays out a project and what the scripted model answers in it.
---@param files table<string, string> texts by path
---@param replies table[] as the scripted model reads them
function M.project(files, replies)
  for path, text in pairs(files) do
    write(M.root .. '/' .. path, text)
  end
  local config = vim.env.XDG_CONFIG_HOME .. '/openexec/'
  write(config .. 'config.yaml', 'models:\n  script: { api: scripted, file: replies.json }\n')
  -- JSON is YAML.
  write(config .. 'replies.json', vim.json.encode({ replies = replies }))
end

--- The reply of one attempt: its actions, and `finish`.
function M.reply(stage, attempt, actions, delay_ms)
  actions = vim.deepcopy(actions)
  table.insert(actions, { kind = 'finish', summary = 'That is what was asked for.' })
  for number, action in ipairs(actions) do
    action.id = 'a' .. number
  end
  return { stage = stage, attempt = attempt, delay_ms = delay_ms, reply = { actions = actions } }
end

function M.replace(path, old, new)
  return { kind = 'replace_text', path = path, old = old, new = new }
end

local function openexec(...)
  local done = vim.system({ program, ... }, { cwd = M.root, text = true }):wait(deadline_ms)
  if done.code ~= 0 then
    M.fail('openexec ' .. table.concat({ ... }, ' ') .. ' failed: ' .. done.stderr .. done.stdout)
  end
  return done.stdout
end

--- Trusts the tasks of the project in a terminal.
function M.trust()
  openexec('trust')
end

--- What the user has in the configuration.
function M.configure(config)
  if vim.fn.has('nvim-0.11') == 1 then
    vim.lsp.config('openexec', config)
  else
    vim.g.openexec = config
  end
end

--- Starts the server by opening a file. Answers the buffer.
function M.open(path)
  if not M.enabled then
    M.enabled = true
    M.configure({ cmd = { program, 'lsp' } })
    vim.cmd.runtime('plugin/openexec.lua')
  end
  vim.cmd.edit(vim.fn.fnameescape(M.root .. '/' .. path))
  local buffer = vim.api.nvim_get_current_buf()
  M.wait('the server attaches to ' .. path, function()
    local client = vim.lsp.get_clients({ name = 'openexec', bufnr = buffer })[1]
    return client and client.initialized
  end)
  return buffer
end

function M.client()
  return vim.lsp.get_clients({ name = 'openexec' })[1]
end

--- The text of a buffer, as a save would write it.
function M.text(buffer)
  local text = table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, true), '\n')
  return vim.bo[buffer].endofline and text .. '\n' or text
end

--- The buffer of a file, if there is one.
function M.buffer(path)
  local buffer = vim.fn.bufnr(vim.fn.fnameescape(M.root .. '/' .. path))
  return buffer ~= -1 and vim.api.nvim_buf_is_loaded(buffer) and buffer or nil
end

--- Puts the cursor at the beginning of a text.
function M.cursor_at(part)
  for number, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, true)) do
    local column = line:find(part, 1, true)
    if column then
      vim.api.nvim_win_set_cursor(0, { number, column - 1 })
      return
    end
  end
  M.fail('the buffer does not hold ' .. part)
end

--- The user types: a piece of a line is replaced, and not by the server.
function M.type_over(buffer, old, new)
  for number, line in ipairs(vim.api.nvim_buf_get_lines(buffer, 0, -1, true)) do
    local first, last = line:find(old, 1, true)
    if first then
      vim.api.nvim_buf_set_text(buffer, number - 1, first - 1, number - 1, last, vim.split(new, '\n'))
      return
    end
  end
  M.fail('the buffer does not hold ' .. old)
end

--- What the code-action menu shows at the cursor, and a function that chooses from it.
function M.menu(options)
  local shown, choose
  local select, notify = vim.ui.select, vim.notify
  vim.ui.select = function(items, how, on_choice)
    shown = vim.tbl_map(how.format_item, items)
    choose = function(number)
      on_choice(items[number], number)
    end
  end
  vim.notify = function(text, ...)
    if text:find('No code actions') then
      shown = {}
    else
      notify(text, ...)
    end
  end
  vim.lsp.buf.code_action(options)
  M.wait('the menu', function()
    return shown
  end)
  vim.ui.select, vim.notify = select, notify
  return shown, choose
end

--- Opens the menu until it offers a title with this in it. Answers the whole menu.
function M.offered(part)
  local shown, choose, at
  M.wait('the menu offers ' .. part, function()
    shown, choose = M.menu()
    for number, title in ipairs(shown) do
      if title:find(part, 1, true) then
        at = number
        return true
      end
    end
    M.shown = shown
  end)
  return shown, function()
    choose(at)
  end, at
end

--- Chooses the action with this in its title. Answers the title.
function M.choose(part)
  local shown, choose, at = M.offered(part)
  choose()
  return shown[at]
end

--- The next time that the user is asked or told something, this is what happens.
---@param how 'select'|'input'|'notify'
function M.answer(how, answer)
  local place = how == 'notify' and vim or vim.ui
  local before = place[how]
  place[how] = function(...)
    place[how] = before
    return answer(...)
  end
end

--- Waits until the server has said something with this in it, since the last such wait.
function M.said(part)
  M.heard = M.heard or 0
  return M.wait('a message with `' .. part .. '`', function()
    for number = M.heard + 1, #M.messages do
      if M.messages[number]:find(part, 1, true) then
        M.heard = number
        return M.messages[number]
      end
    end
  end)
end

--- Sends a command and waits for the answer.
function M.command(name, argument)
  local answer
  M.client():exec_cmd(
    { title = name, command = 'openexec.' .. name, arguments = argument and { argument } or {} },
    { bufnr = vim.api.nvim_get_current_buf() },
    function(err, result)
      answer = { err = err, result = result }
    end
  )
  M.wait('an answer to ' .. name, function()
    return answer
  end)
  if answer.err then
    M.fail(name .. ' was refused: ' .. answer.err.message)
  end
  return answer.result
end

--- The journal of the newest run: all events in order, each with `at_ms`.
function M.journal()
  local run = openexec('runs'):match('^%x+%-%S+')
  local events = {}
  if not run then
    return events
  end
  for line in vim.gsplit(openexec('show', run, '--json'), '\n', { trimempty = true }) do
    local recorded = vim.json.decode(line)
    recorded.event.at_ms = recorded.at_ms
    table.insert(events, recorded.event)
  end
  return events
end

--- Waits for an event in the journal of the newest run.
function M.recorded(name)
  return M.wait('the event ' .. name, function()
    for _, event in ipairs(M.journal()) do
      if event.event == name then
        return event
      end
    end
  end)
end

--- How the newest run ended.
function M.outcome()
  local events = M.journal()
  return events[#events].outcome
end

--- From now on, the times at which a buffer changes, in milliseconds since 1970.
function M.watch(buffer)
  local times = {}
  vim.api.nvim_buf_attach(buffer, false, {
    on_lines = function()
      local seconds, microseconds = vim.uv.gettimeofday()
      table.insert(times, seconds * 1000 + math.floor(microseconds / 1000))
    end,
  })
  return times
end

--- A small JavaScript project whose tests are run by node itself.
function M.javascript(files)
  return vim.tbl_extend('force', {
    ['package.json'] = '{ "name": "sums", "type": "module" }\n',
    ['.openexec/tasks.yaml'] = 'version: 1\ntasks:\n'
      .. '  - { name: test, kind: test, argv: [node, --test, --test-reporter=tap], report: tap }\n',
  }, files)
end

return M
