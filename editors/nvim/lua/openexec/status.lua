-- How the runs stand, in a few words for a status line: from the progress that the server reports,
-- and from its list whenever that says or ends something.
local server = require('openexec.server')
local runs = require('openexec.runs')
local M = {}

-- The runs that go no further without their user.
local stands_still = { waiting = true, asking = true, paused = true, interrupted = true }

-- What works, by progress token.
local working = {}

--- A `$/progress` of our server.
function M.progressed(params)
  local value = params.value
  if value.kind == 'end' then
    working[params.token] = nil
  else
    local before = working[params.token] or {}
    working[params.token] = { title = value.title or before.title, message = value.message or before.message }
  end
  if value.kind ~= 'report' then
    runs.refresh()
  end
  vim.cmd.redrawstatus({ bang = true })
end

--- The server is gone, and what it was doing with it.
function M.forget()
  working = {}
  runs.known = {}
end

--- What a status line shows; empty where the server does not run.
---@return string
function M.line()
  if #vim.lsp.get_clients({ name = 'openexec' }) == 0 or not server.client() then
    return ''
  end
  local waiting = 0
  for _, entry in ipairs(runs.known) do
    if stands_still[entry.state] then
      waiting = waiting + 1
    end
  end
  local parts = {}
  if waiting == 1 then
    table.insert(parts, '1 run waits for you')
  elseif waiting > 1 then
    table.insert(parts, waiting .. ' runs wait for you')
  end
  for _, work in pairs(working) do
    -- `OpenExec fix_tests 1a2b3c`, `run_tests, stage 5 of 8, attempt 2`
    local title = (work.title or ''):gsub('^OpenExec ', '')
    local message = work.message or ''
    table.insert(parts, message == '' and title or title .. ': ' .. message)
  end
  local line = #parts == 0 and 'OpenExec' or 'OpenExec: ' .. table.concat(parts, ' · ')
  -- A status line takes `%` for its own.
  return (line:gsub('%%', '%%%%'))
end

return M
