//! `native` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    tidewire_fuzz::targets::native::run(input);
});
