-- `:checkhealth openexec`
local server = require('openexec.server')
local M = {}

local function run(...)
  local ok, started = pcall(vim.system, { ... }, { text = true })
  return ok and started:wait(30000) or nil
end

local function neovim()
  local version = vim.version()
  local said = ('Neovim %d.%d.%d'):format(version.major, version.minor, version.patch)
  if vim.fn.has('nvim-0.11') == 1 then
    vim.health.ok(said)
  elseif vim.fn.has('nvim-0.10') == 1 then
    vim.health.warn(said .. ': works, configured by `vim.g.openexec`', 'Neovim 0.11 has `vim.lsp.config`')
  else
    vim.health.error(said .. ' is too old', 'install Neovim 0.10 or newer')
  end
end

--- Answers whether there is a program to ask further.
local function program(path)
  local done = run(path, '--version')
  if done and done.code == 0 then
    vim.health.ok('`' .. vim.fn.exepath(path) .. '`: ' .. vim.trim(done.stdout))
    return true
  end
  vim.health.error(
    '`' .. path .. '` cannot be started',
    'put openexec on your PATH, or name it: vim.lsp.config("openexec", { cmd = { "/path/to/openexec", "lsp" } })'
  )
end

local function clients()
  local found = vim.lsp.get_clients({ name = 'openexec' })
  if #found == 0 then
    vim.health.warn('no server is running', 'open a file of a workspace, then look again')
  end
  for _, client in ipairs(found) do
    local said = 'server for `%s`, with %d buffers, columns in %s'
    local buffers = vim.tbl_count(client.attached_buffers)
    vim.health.ok(said:format(client.config.root_dir or '?', buffers, client.offset_encoding))
  end
  local log = vim.lsp.log.get_filename and vim.lsp.log.get_filename() or vim.lsp.get_log_path()
  vim.health.info('what the server and Neovim say to one another: ' .. log)
  return found
end

--- The lines of `openexec doctor`, as its own words class them; trust is one of them.
local function doctor(path, root)
  local done = run(path, 'doctor', '--workspace', root)
  if not done then
    return vim.health.error('`openexec doctor` could not be started')
  end
  local report = { ok = vim.health.ok, note = vim.health.info, missing = vim.health.warn }
  local level, said, advice
  local function tell()
    if said then
      (report[level] or vim.health.info)(said, level == 'missing' and advice or nil)
    end
    level, said, advice = nil, nil, nil
  end
  for line in vim.gsplit(done.stdout, '\n', { trimempty = true }) do
    local class, text = line:match('^(%l+)%s+(%S.*)$')
    local next_step = line:match('^%s+→%s*(.*)$')
    if next_step and said then
      advice = next_step
      if level ~= 'missing' then
        said = said .. ' → ' .. next_step
      end
    elseif class and report[class] then
      tell()
      level, said = class, text
    end
  end
  tell()
  if vim.trim(done.stderr) ~= '' then
    vim.health.warn(vim.trim(done.stderr))
  end
end

function M.check()
  vim.health.start('openexec: editor and program')
  neovim()
  local path = server.program()
  local is_there = program(path)
  local found = clients()
  if not is_there then
    return
  end
  local roots = {}
  for _, client in ipairs(found) do
    roots[client.config.root_dir or vim.fn.getcwd()] = true
  end
  if vim.tbl_isempty(roots) then
    roots[vim.fn.getcwd()] = true
  end
  for root in pairs(roots) do
    vim.health.start('openexec: doctor of `' .. root .. '`')
    doctor(path, root)
  end
end

return M
