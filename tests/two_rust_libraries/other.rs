//! Another static library written in Rust: it allocates, and it catches a panic.

use std::collections::HashMap;

#[unsafe(no_mangle)]
pub extern "C" fn other_sum(count: u32) -> u64 {
    let sum = || {
        assert!(count < 1000, "too many");
        let numbers: HashMap<u32, u64> = (0..count).map(|number| (number, number.into())).collect();
        numbers.values().sum()
    };
    std::panic::catch_unwind(sum).unwrap_or(u64::MAX)
}
