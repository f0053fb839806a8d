//! A token in hand, against the one clock read that it cannot do without.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs, reason = "a benchmark reports on stdout")]

mod paired;

use std::hint::black_box;
use std::sync::Arc;

use plextrac_emulator::Emulator;
use plextrac_transport::{Session, SessionConfig};

fn main() {
    // A token of 1.2 KB, as one with permissions in it is.
    let emulator = Emulator::builder().token_padding(700).start().unwrap();
    let mut config = SessionConfig::new(&emulator.url()).unwrap();
    config.proxy("").unwrap().password("service@example.com", "service-password").unwrap();
    let session = Session::new(&config).unwrap();
    let length = session.with_authorization(str::len).unwrap();
    println!("cached token of {length} bytes, against one CLOCK_BOOTTIME read (and memcpy where copied)");
    let source = Arc::new(vec![b'x'; length]);
    for threads in [1, 2, 8] {
        let batch = 200_000 / threads as u32;
        paired::compare(
            threads,
            batch,
            || {
                black_box(session.with_authorization(|token| black_box(token).len()).unwrap());
            },
            || {
                black_box(read_clock());
            },
        )
        .print(&format!("lent, {threads} thread(s)"), 1.5);
        paired::compare(
            threads,
            batch,
            || {
                let mut copy = [0_u8; 2048];
                session
                    .with_authorization(|token| copy[..token.len()].copy_from_slice(token.as_bytes()))
                    .unwrap();
                black_box(&copy);
            },
            || {
                let mut copy = [0_u8; 2048];
                black_box(read_clock());
                copy[..length].copy_from_slice(black_box(&source));
                black_box(&copy);
            },
        )
        .print(&format!("copied, {threads} thread(s)"), 1.5);
    }
}

fn read_clock() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    (now.tv_sec as u64).saturating_mul(1000) + now.tv_nsec as u64 / 1_000_000
}
