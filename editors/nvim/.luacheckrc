std = 'luajit'
max_line_length = false
globals = { 'vim' }
self = false
unused_args = false
