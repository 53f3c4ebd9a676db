--- The diagnostics of all servers and linters on the lines of a range, as LSP has them.
local function diagnostics_on(bufnr, range, encoding)
  local found = {}
  for _, diagnostic in ipairs(vim.diagnostic.get(bufnr)) do
    local from, to = diagnostic.lnum, diagnostic.end_lnum or diagnostic.lnum
    if from <= range['end'].line and to >= range.start.line then
      local sent = vim.tbl_get(diagnostic, 'user_data', 'lsp')
      local function position(line, column)
        local text = vim.api.nvim_buf_get_lines(bufnr, line, line + 1, false)[1] or ''
        column = math.min(column, #text)
        if vim.fn.has('nvim-0.11') == 1 then
          return { line = line, character = vim.str_utfindex(text, encoding, column, false) }
        end
        local utf_32, utf_16 = vim.str_utfindex(text, column)
        return { line = line, character = ({ ['utf-8'] = column, ['utf-32'] = utf_32 })[encoding] or utf_16 }
      end
      table.insert(found, {
        range = {
          start = position(from, diagnostic.col),
          ['end'] = position(to, diagnostic.end_col or diagnostic.col),
        },
        severity = diagnostic.severity,
        source = diagnostic.source,
        code = diagnostic.code or (sent and sent.code),
        message = diagnostic.message,
      })
    end
  end
  return found
end

local markers = {
  '.openexec',
  {
    'Cargo.toml',
    'package.json',
    'pyproject.toml',
    'pytest.ini',
    'go.mod',
    'pom.xml',
    'build.gradle',
    'Makefile',
  },
  '.git',
}

--- The root of a buffer's workspace. The user's own files lie in none, and are looked at where
--- they are.
local function root_of(bufnr)
  local name = vim.api.nvim_buf_get_name(bufnr)
  local base = vim.env.XDG_CONFIG_HOME or (vim.env.HOME and vim.env.HOME .. '/.config')
  local own = base and vim.fs.normalize(base .. '/openexec')
  if name ~= '' and vim.fs.dirname(vim.fs.normalize(name)) == own then
    return own
  end
  for _, marker in ipairs(markers) do
    local root = vim.fs.root(bufnr, marker)
    if root then
      return root
    end
  end
end

-- How Neovim starts the server. `vim.lsp.config('openexec', {…})` changes any of it.
---@type vim.lsp.Config
return {
  cmd = { 'openexec', 'lsp' },
  root_dir = function(bufnr, on_dir)
    local root = root_of(bufnr)
    if root then
      on_dir(root)
    end
  end,
  -- Without a workspace there is nothing to verify an edit in.
  workspace_required = true,
  -- A command flushes what was typed in its own buffer only; a run needs all of them as they are.
  flags = { debounce_text_changes = 0 },
  -- Neovim tells each server of that server's own diagnostics only. Ours has none; what it
  -- can fix is what the others have found.
  on_init = function(client)
    local request = client.request
    local function with_diagnostics(method, params)
      if method == 'textDocument/codeAction' and vim.tbl_isempty(params.context.diagnostics or {}) then
        params = vim.deepcopy(params)
        local at = vim.uri_to_bufnr(params.textDocument.uri)
        params.context.diagnostics = diagnostics_on(at, params.range, client.offset_encoding)
      end
      return params
    end
    if vim.fn.has('nvim-0.11') == 1 then
      client.request = function(self, method, params, handler, bufnr)
        return request(self, method, with_diagnostics(method, params), handler, bufnr)
      end
    else
      -- Neovim 0.10 has functions where there are methods now.
      client.request = function(method, params, handler, bufnr)
        return request(method, with_diagnostics(method, params), handler, bufnr)
      end
    end
  end,
  on_exit = function()
    vim.schedule(function()
      require('openexec.status').forget()
    end)
  end,
  commands = {
    -- The reason is asked for here; the protocol has no way to do that.
    ['openexec.remember'] = function(command)
      require('openexec').remember(command.arguments[1])
    end,
  },
  handlers = {
    -- Documents of the server lie in no workspace. It is told of them all the same, so that a
    -- review has its lenses and its menu.
    ['window/showDocument'] = function(err, params, context)
      local shown = vim.lsp.handlers['window/showDocument'](err, params, context)
      if not params.external and vim.startswith(params.uri, 'file:') then
        vim.lsp.buf_attach_client(vim.uri_to_bufnr(params.uri), context.client_id)
      end
      return shown
    end,
    -- Whatever the server says, a run may stand otherwise than before.
    ['window/showMessage'] = function(...)
      require('openexec.runs').refresh()
      return require('openexec.message').show(...)
    end,
  },
}
