-- The runs as the server lists them, and the one that a command can mean.
local server = require('openexec.server')
local M = {
  -- The last list, newest first. It may be behind: whatever is decided by it names a run and what
  -- was seen of it, and the server refuses when that is no longer so.
  ---@type table[]
  known = {},
}

local listeners = {}

--- Calls a function with each new list.
function M.on_list(listener)
  table.insert(listeners, listener)
end

--- Asks the server for the list.
---@param on_list? fun(entries: table[])
function M.ask(on_list)
  server.request('openexec/runs', nil, function(list)
    M.known = list.runs
    for _, listener in ipairs(listeners) do
      listener(list.runs)
    end
    vim.cmd.redrawstatus({ bang = true })
    if on_list then
      on_list(list.runs)
    end
  end)
end

--- Something has happened to a run.
function M.refresh()
  -- The request goes to the server after what it is saying now has been read.
  vim.schedule(function()
    if server.client() then
      M.ask()
    end
  end)
end

--- A run as people call it.
function M.called(entry)
  return entry.blueprint .. ' ' .. entry.short
end

local function can(entry, command)
  return command == nil or vim.list_contains(entry.can, command)
end

--- The one run that is meant: the named one, the one that is being reviewed, the only one that fits,
--- or the one that the user chooses.
---@param command? string what is to be done with it, such as `undo`; anything when absent
---@param named? string its id, or the beginning or end of that
---@param on_entry fun(entry: table)
---@param otherwise? fun() called when no run fits
function M.meant(command, named, on_entry, otherwise)
  local front = require('openexec.review').run_in_front()
  M.ask(function(entries)
    local fitting = {}
    for _, entry in ipairs(entries) do
      if named then
        if vim.startswith(entry.run, named) or vim.endswith(entry.run, named) then
          table.insert(fitting, entry)
        end
      elseif can(entry, command) then
        if entry.run == front then
          return on_entry(entry)
        end
        table.insert(fitting, entry)
      end
    end
    if #fitting == 1 then
      on_entry(fitting[1])
    elseif #fitting > 1 then
      vim.ui.select(fitting, {
        prompt = 'Which run?',
        kind = 'openexec.run',
        format_item = function(entry)
          return M.called(entry) .. ' · ' .. entry.state .. ' · ' .. entry.detail
        end,
      }, function(entry)
        if entry then
          on_entry(entry)
        end
      end)
    elseif otherwise then
      otherwise()
    elseif named then
      server.complain('there is no run `' .. named .. '`; `:OpenExec status` shows them all')
    else
      server.complain('there is no run to ' .. (command or 'show') .. '; `:OpenExec status` shows them all')
    end
  end)
end

return M
