#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| openexec_fuzz::memory_file(data));
