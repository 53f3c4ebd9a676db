-- Runs a script and says that it came to its end: a Neovim without a terminal also ends well, and
-- early, where something asks a question that nobody answers.
local script = table.remove(arg, 1)
dofile(script)
io.stdout:write('\nThe script has come to its end.\n')
