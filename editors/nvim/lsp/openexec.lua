-- How Neovim starts the server. `vim.lsp.config('openexec', {…})` changes any of it.
---@type vim.lsp.Config
return {
  cmd = { 'openexec', 'lsp' },
  root_markers = {
    '.openexec',
    { 'Cargo.toml', 'package.json', 'pyproject.toml', 'pytest.ini', 'go.mod', 'pom.xml', 'build.gradle', 'Makefile' },
    '.git',
  },
  -- Without a workspace there is nothing to verify an edit in.
  workspace_required = true,
}
