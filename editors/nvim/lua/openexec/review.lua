-- Reviews: what a run proposes, file by file, as Neovim shows changes. A tab page with the text that
-- the run began with on the left and the one that it wants on the right, both only to be read, and
-- a quickfix list of the reasons, the evidence and all hunks.
local server = require('openexec.server')
local M = {}

-- The reviews that stand in a tab page, by the handle of that.
local reviews = {}

local SCHEME = 'openexec://'

--- The lines of a text, and whether the last one is ended.
local function lines_of(text)
  local ended = text == '' or text:sub(-1) == '\n'
  local lines = vim.split(ended and text:sub(1, -2) or text, '\n', { plain = true })
  return lines, ended
end

--- A buffer that nobody can change. It has no file type, so that no language server takes it for a
--- file, but the syntax of one.
local function page(name, text, path)
  local bufnr = vim.fn.bufadd(name)
  vim.bo[bufnr].swapfile = false
  -- There is nothing to read: the scheme is ours.
  vim.cmd('noautocmd call bufload(' .. bufnr .. ')')
  vim.bo[bufnr].modifiable = true
  vim.bo[bufnr].readonly = false
  local lines, ended = lines_of(text)
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, lines)
  vim.bo[bufnr].fixendofline = false
  vim.bo[bufnr].endofline = ended
  vim.bo[bufnr].buflisted = false
  vim.bo[bufnr].modified = false
  vim.bo[bufnr].modifiable = false
  vim.bo[bufnr].readonly = true
  vim.bo[bufnr].undolevels = -1
  vim.bo[bufnr].syntax = vim.filetype.match({ filename = path, contents = lines }) or ''
  return bufnr
end

--- The lines that a hunk shows on both sides: `@@ -1,4 +3,5 @@`.
local function spans(header)
  local first, count, new_first, new_count = header:match('^@@ %-(%d+),?(%d*) %+(%d+),?(%d*) @@')
  local function span(from, many)
    from, many = tonumber(from), many == '' and 1 or tonumber(many)
    return { math.max(from, 1), math.max(from + many - 1, from, 1) }
  end
  return { base = span(first, count), proposed = span(new_first, new_count) }
end

local function readable(entry, changes)
  local key = entry.short .. '/' .. (changes.proposal or entry.state):sub(-12)
  local by_path = {}
  for _, file in ipairs(changes.files) do
    by_path[file.path] = file
  end
  local files = {}
  for _, file in ipairs(changes.files) do
    local before = file.base
    if not before and file.renamedFrom and by_path[file.renamedFrom] then
      before = by_path[file.renamedFrom].base
    end
    -- Such a file is left out as a whole.
    local is_whole = not file.base or not file.proposed or file.renamedFrom ~= nil
    table.insert(files, {
      path = file.path,
      uri = file.uri,
      base = page(SCHEME .. key .. '/base/' .. file.path, before or '', file.path),
      proposed = page(SCHEME .. key .. '/proposed/' .. file.path, file.proposed or '', file.path),
      what = (not file.proposed and 'deleted') or (not file.base and 'created') or nil,
      is_whole = is_whole,
      hunks = vim.tbl_map(spans, file.hunks),
    })
  end
  return files
end

local function part(file, hunk)
  return file.is_whole and file.path or file.path .. ':' .. hunk
end

--- The quickfix list of a review.
local function items_of(changes, files)
  local items = {}
  local function standing(which)
    return vim.list_contains(changes.accepted or {}, which) and ' (accepted)' or ''
  end
  for _, reason in ipairs(changes.reasons) do
    table.insert(items, { text = 'why you are asked: ' .. reason, valid = 0 })
  end
  for _, line in ipairs(changes.evidence) do
    table.insert(items, { text = 'evidence: ' .. line, valid = 0 })
  end
  for _, file in ipairs(files) do
    for number, hunk in ipairs(file.hunks) do
      table.insert(items, {
        bufnr = file.proposed,
        lnum = hunk.proposed[1],
        end_lnum = hunk.proposed[2],
        text = part(file, number) .. (file.what and ' (' .. file.what .. ')' or '') .. standing(
          part(file, number)
        ),
        valid = 1,
        user_data = { openexec = part(file, number) },
      })
    end
  end
  return items
end

local function file_of(review, bufnr)
  for _, file in ipairs(review.files) do
    if file.base == bufnr or file.proposed == bufnr then
      return file
    end
  end
end

--- Puts both sides of a file beside one another.
local function pair(review, file)
  if not (vim.api.nvim_win_is_valid(review.left) and vim.api.nvim_win_is_valid(review.right)) then
    return
  end
  vim.api.nvim_win_call(review.right, function()
    vim.cmd('diffoff!')
  end)
  -- The quickfix list would jump into any window; only the right one is for that.
  vim.wo[review.left].winfixbuf = false
  for window, bufnr in pairs({ [review.left] = file.base, [review.right] = file.proposed }) do
    if vim.api.nvim_win_get_buf(window) ~= bufnr then
      vim.api.nvim_win_set_buf(window, bufnr)
    end
    vim.api.nvim_win_call(window, vim.cmd.diffthis)
  end
  vim.wo[review.left].winfixbuf = true
end

local function drop(files)
  for _, file in ipairs(files) do
    for _, bufnr in ipairs({ file.base, file.proposed }) do
      if vim.api.nvim_buf_is_valid(bufnr) and #vim.fn.win_findbuf(bufnr) == 0 then
        vim.api.nvim_buf_delete(bufnr, { force = true })
      end
    end
  end
end

local function list(review, changes, action)
  review.title = 'OpenExec run ' .. review.short
  vim.fn.setqflist({}, action, {
    title = review.title,
    items = items_of(changes, review.files),
    quickfixtextfunc = "v:lua.require'openexec.review'.rows",
  })
end

--- How the quickfix list of a review reads: sentences as they are, and hunks without the names of
--- our buffers.
---@param info { id: integer, start_idx: integer, end_idx: integer }
---@return string[]
function M.rows(info)
  local items = vim.fn.getqflist({ id = info.id, items = 0 }).items
  return vim.tbl_map(function(item)
    if item.valid == 0 then
      return item.text
    end
    local last = math.max(item.end_lnum, item.lnum)
    local lines = last == item.lnum and 'line ' .. last or ('lines %d to %d'):format(item.lnum, last)
    return item.text .. ', ' .. lines
  end, vim.list_slice(items, info.start_idx, info.end_idx))
end

local function open(entry, changes)
  -- One of this run that stands there already is the place for it.
  for tab, review in pairs(reviews) do
    if review.run == entry.run and vim.api.nvim_tabpage_is_valid(tab) then
      vim.api.nvim_set_current_tabpage(tab)
      vim.cmd.tabclose()
    end
  end
  vim.cmd('tab split')
  local review = {
    run = entry.run,
    short = entry.short,
    proposal = changes.proposal,
    files = readable(entry, changes),
    left = vim.api.nvim_get_current_win(),
  }
  vim.cmd('rightbelow vsplit')
  review.right = vim.api.nvim_get_current_win()
  reviews[vim.api.nvim_get_current_tabpage()] = review
  pair(review, review.files[1])
  list(review, changes, ' ')
  -- Reasons are long, and the hunks below them are to be seen as well.
  local rows = 0
  for _, item in ipairs(vim.fn.getqflist()) do
    rows = rows + math.ceil(vim.fn.strdisplaywidth(item.text) / vim.o.columns)
  end
  vim.cmd('botright copen ' .. math.max(3, math.min(rows, math.floor(vim.o.lines / 2))))
  vim.api.nvim_set_current_win(review.right)
  local first = review.files[1].hunks[1]
  if first then
    local last = vim.api.nvim_buf_line_count(0)
    vim.api.nvim_win_set_cursor(review.right, { math.min(first.proposed[1], last), 0 })
  end
end

--- Shows what a run proposes, or what it has applied.
---@param entry table as the server lists runs
function M.open(entry)
  if entry.state == 'asking' then
    -- It waits with a request, which is a document of the server.
    return server.execute('request', { run = entry.run })
  end
  server.request('openexec/changes', { run = entry.run }, function(changes)
    if #changes.files == 0 then
      vim.notify('OpenExec: run ' .. entry.short .. ' changes no file. ' .. entry.detail)
    else
      open(entry, changes)
    end
  end)
end

--- The review in the current tab page.
function M.in_front()
  return reviews[vim.api.nvim_get_current_tabpage()]
end

--- The run that is being reviewed in the current tab page.
---@return string?
function M.run_in_front()
  local review = M.in_front()
  return review and review.run
end

local function hunk_at(file, side, line)
  if file.is_whole then
    return file.path
  end
  for number, hunk in ipairs(file.hunks) do
    if line >= hunk[side][1] and line <= hunk[side][2] then
      return part(file, number)
    end
  end
end

--- The part of the proposal under the cursor: in a review, in its quickfix list.
local function part_in(review)
  local bufnr, line = vim.api.nvim_get_current_buf(), vim.api.nvim_win_get_cursor(0)[1]
  if vim.bo.buftype == 'quickfix' then
    local item = vim.fn.getqflist()[line]
    return item and type(item.user_data) == 'table' and item.user_data.openexec or nil
  end
  local file = file_of(review, bufnr)
  return file and hunk_at(file, file.base == bufnr and 'base' or 'proposed', line)
end

--- Shows in the quickfix list of a review which hunks are accepted.
local function mark(review)
  server.request('openexec/changes', { run = review.run }, function(changes)
    local is_ours = vim.fn.getqflist({ title = 0 }).title == review.title
    if is_ours and changes.proposal == review.proposal then
      local at = vim.fn.getqflist({ idx = 0 }).idx
      list(review, changes, 'r')
      vim.fn.setqflist({}, 'a', { idx = at })
    end
  end)
end

--- Has the server decide about parts of a proposal.
---@param decision 'accept'|'reject'
---@param parts string[] such as `src/lib.rs:2`; the hunk under the cursor when there are none
local function decide(decision, parts)
  local review = M.in_front()
  if review and review.proposal then
    if #parts == 0 then
      parts = { part_in(review) }
    end
    if #parts == 0 then
      return server.complain('there is no hunk under the cursor; `]c` goes to the next one')
    end
    local which = { run = review.run, proposal = review.proposal, parts = parts }
    return server.execute(decision, which, function(done)
      if done.left then
        mark(review)
      end
    end)
  end
  local name, line = vim.uri_from_bufnr(0), vim.api.nvim_win_get_cursor(0)[1]
  -- One hunk alone can be accepted, and left out only by discarding the proposal.
  local command = decision == 'accept' and 'apply' or 'reject'
  require('openexec.runs').meant(command, nil, function(entry)
    if #parts > 0 then
      return server.execute(decision, { run = entry.run, proposal = entry.proposal, parts = parts })
    end
    server.request('openexec/changes', { run = entry.run }, function(changes)
      for _, file in ipairs(changes.files) do
        file.is_whole = not file.base or not file.proposed or file.renamedFrom ~= nil
        file.hunks = vim.tbl_map(spans, file.hunks)
        local found = file.uri == name and hunk_at(file, 'base', line)
        if found then
          return server.execute(decision, { run = entry.run, proposal = changes.proposal, parts = { found } })
        end
      end
      server.complain('no hunk of run ' .. entry.short .. ' is here; `:OpenExec review` shows them')
    end)
  end)
end

--- Leaves parts out of a proposal: what remains is another one, which the server verifies anew and
--- puts before the user again.
---@param parts string[]
function M.reject(parts)
  decide('reject', parts)
end

--- Accepts parts of a proposal, which is applied when all of them are accepted.
---@param parts string[]
function M.accept(parts)
  decide('accept', parts)
end

--- The run waits with another proposal: it takes the place of the one that was reviewed.
local function renew(tab, review, entry)
  server.request('openexec/changes', { run = entry.run }, function(changes)
    local is_there = vim.api.nvim_tabpage_is_valid(tab) and reviews[tab] == review
    if not is_there or not changes.proposal or changes.proposal == review.proposal or #changes.files == 0 then
      return
    end
    local old = review.files
    review.proposal, review.files = changes.proposal, readable(entry, changes)
    pair(review, review.files[1])
    -- Another list of the user's may stand there by now.
    local is_ours = vim.fn.getqflist({ title = 0 }).title == review.title
    list(review, changes, is_ours and 'r' or ' ')
    drop(old)
  end)
end

--- What was decided about is no longer in the way.
local function close(tab)
  if #vim.api.nvim_list_tabpages() > 1 then
    vim.cmd.tabclose(vim.api.nvim_tabpage_get_number(tab))
  end
end

--- Compares the reviews with a new list of runs.
function M.compare(entries)
  for tab, review in pairs(reviews) do
    for _, entry in ipairs(entries) do
      local is_about = review.proposal and entry.run == review.run and vim.api.nvim_tabpage_is_valid(tab)
      if is_about and entry.state == 'waiting' and entry.proposal ~= review.proposal then
        renew(tab, review, entry)
      elseif is_about and entry.state ~= 'waiting' and entry.state ~= 'working' then
        close(tab)
      end
    end
  end
end

--- Follows the windows of reviews. Called once.
function M.watch()
  local group = vim.api.nvim_create_augroup('openexec.review', {})
  vim.api.nvim_create_autocmd('BufWinEnter', {
    group = group,
    pattern = SCHEME .. '*/proposed/*',
    callback = function(event)
      local review = M.in_front()
      local file = review and file_of(review, event.buf)
      if file and vim.api.nvim_get_current_win() == review.right then
        -- The quickfix list is still on its way to the line.
        vim.schedule(function()
          pair(review, file)
        end)
      end
    end,
  })
  vim.api.nvim_create_autocmd('TabClosed', {
    group = group,
    -- Its windows are gone a moment later.
    callback = vim.schedule_wrap(function()
      for tab, review in pairs(reviews) do
        if not vim.api.nvim_tabpage_is_valid(tab) then
          reviews[tab] = nil
          drop(review.files)
        end
      end
    end),
  })
  vim.api.nvim_create_autocmd('BufReadCmd', {
    group = group,
    pattern = SCHEME .. '*',
    callback = function()
      -- `:edit` of a text that is gone; one that is there is filled when it is made.
      vim.bo.modifiable = false
      server.complain('this review is over; `:OpenExec review` opens another')
    end,
  })
end

return M
