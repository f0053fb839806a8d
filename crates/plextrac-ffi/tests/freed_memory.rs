//! What the core frees holds no secret. The allocator of this program searches each block that is freed. A Rust
//! program has an allocator of its own, so wiping at that place, as the C libraries do, cannot help it.
//!
//! It stands here because allocators need `unsafe`, and uses nothing of the C library, whose allocator wipes.

#![allow(unsafe_code, reason = "an allocator is unsafe by its trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::slice;
use std::sync::atomic::{AtomicUsize, Ordering};

use plextrac_auth_core::{
    Budget, Config, Credentials, Event, FingerprintKey, Instance, Machine, Output, Response, Seed, Time,
    TotpSecret, Want,
};

const PASSWORD: &str = "Correct-Horse-Battery-Staple";
/// "12345678901234567890" in base32.
const TOTP: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
/// Not a multiple of eight characters: the decoded bytes end inside a group.
const TOTP_OF_16_BYTES: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY";

#[test]
fn what_is_freed_holds_no_secret() {
    let control = found_by(|| drop(String::from("here is Correct-Horse-Battery-Staple")));
    assert_eq!(control, 1, "the search is blind");

    let uri = |secret: &str| format!("otpauth://totp/PlexTrac:someone?secret={secret}&issuer=PlexTrac");
    for text in
        [TOTP, TOTP_OF_16_BYTES, "gezdgnbvgy3tqojqgezdgnbvgy3tqojq", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1"]
    {
        let found = found_by(|| drop(TotpSecret::parse(text)));
        assert_eq!(found, 0, "{text}");
        let uri = uri(text);
        let found = found_by(|| drop(TotpSecret::parse(&uri)));
        assert_eq!(found, 0, "{uri}");
        std::mem::forget(uri);
    }

    for message in ["no", "wrong password CORRECT-horse-battery-staple"] {
        let body = json_body(message);
        let found = found_by(|| sign_in_that_is_rejected(&body));
        std::mem::forget(body);
        assert_eq!(found, 0, "{message}");
    }
}

fn json_body(message: &str) -> Vec<u8> {
    format!(r#"{{"status":"error","message":"{message}"}}"#).into_bytes()
}

fn sign_in_that_is_rejected(body: &[u8]) {
    let mut config = Config::new(Instance::parse("acme.plextrac.com").unwrap());
    config.credentials = Some(Credentials::new("someone@acme.example", PASSWORD).unwrap());
    let (mut budget, now) = (Budget::default(), Time::from_millis(0, 1_700_000_000_000));
    let mut machine = Machine::new(config, Seed { draws: 1, key: FingerprintKey::new([7; 32]) }, now);
    machine.want(Want::default()).unwrap();
    let Output::Send(request) = machine.poll(&mut budget, now) else { panic!("nothing was sent") };
    assert!(machine.poll(&mut budget, now).is_last());
    let answer = Response { status: 401, headers: &[], body };
    machine.handle_response(request.id, &answer, now).unwrap();
    assert!(matches!(machine.poll(&mut budget, now), Output::Event(Event::Failed(_))));
}

/// How many blocks with a secret in them `work` frees.
fn found_by(work: impl FnOnce()) -> usize {
    let before = FOUND.load(Ordering::Relaxed);
    work();
    FOUND.load(Ordering::Relaxed) - before
}

static FOUND: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static MEMORY: Searching = Searching;

struct Searching;

/// Pieces of the secrets, in lower case.
const NEEDLES: [&[u8]; 3] = [b"correct-horse-battery", b"gezdgnbvgy3tqojq", b"1234567890"];

fn holds_a_secret(block: &[u8]) -> bool {
    NEEDLES.iter().any(|needle| block.windows(needle.len()).any(|piece| piece.eq_ignore_ascii_case(needle)))
}

// SAFETY: every block is one of the system's, with the layout it was asked for.
unsafe impl GlobalAlloc for Searching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Zeroed, so that every byte of a block may be read when it is freed.
        // SAFETY: the caller promises what `System` asks for.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block is as long as its layout says, was zeroed at first, and nobody else uses it any more.
        let bytes = unsafe { slice::from_raw_parts(block, layout.size()) };
        if holds_a_secret(bytes) {
            FOUND.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: the caller promises what `System` asks for.
        unsafe { System.dealloc(block, layout) }
    }
}
