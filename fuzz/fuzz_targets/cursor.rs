//! The text that leads from page to page.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| post::fuzz::cursor(data));
