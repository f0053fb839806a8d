//! The control API: what a program in another process, or another language, moves the emulator with.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use crate::answer::Answer;
use crate::fault::Fault;
use crate::server::Server;
use crate::wire::Request;

/// Where the control API begins, on both ports, at the root and below the path prefix.
const ROOT: &str = "/_emulator/";

/// Ten years: enough for every test, and no overflow anywhere.
const FURTHEST: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);

/// Is this a call of the control API, which neither counts as a request nor suffers a fault?
pub(crate) fn is_control(path: &str) -> bool {
    path.starts_with(ROOT)
}

pub(crate) fn answer(server: &Server, request: &Request, path: &str) -> Answer {
    let name = path.strip_prefix(ROOT).unwrap_or_default();
    match (request.method.as_str(), name) {
        ("GET", "stats") => match serde_json::to_vec(&server.stats()) {
            Ok(stats) => Answer::new(200, "application/json", &stats),
            Err(_) => Answer::refusal(500, "the numbers could not be written as JSON"),
        },
        ("POST", "advance") => match serde_json::from_slice::<Advance>(&request.body) {
            Ok(advance) if advance.duration() <= FURTHEST => {
                server.clock.advance(advance.duration());
                done(server)
            }
            Ok(_) => Answer::refusal(400, "the clock moves by at most ten years at once"),
            Err(_) => {
                Answer::refusal(400, r#"advance takes {"seconds": N} or {"ms": N}, whole and not negative"#)
            }
        },
        ("POST", "fault") => match serde_json::from_slice::<Fault>(&request.body) {
            Ok(fault) => {
                server.instance.lock().faults.add(fault);
                done(server)
            }
            Err(error) => Answer::refusal(
                400,
                &format!(r#"fault takes {{"on": TARGET, "times": N, "do": EFFECT}}: {error}"#),
            ),
        },
        ("POST", "reset") => {
            server.reset();
            done(server)
        }
        ("POST", "revoke") => {
            server.instance.lock().tokens.revoke_all();
            done(server)
        }
        _ => Answer::refusal(
            404,
            "the emulator knows GET /_emulator/stats and POST /_emulator/{advance,fault,reset,revoke}",
        ),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Advance {
    Seconds(u64),
    Ms(u64),
}

impl Advance {
    fn duration(&self) -> Duration {
        match *self {
            Advance::Seconds(seconds) => Duration::from_secs(seconds),
            Advance::Ms(ms) => Duration::from_millis(ms),
        }
    }
}

fn done(server: &Server) -> Answer {
    let now = server.clock.now();
    Answer::json(
        200,
        &json!({ "status": "success", "monotonic_ms": now.monotonic_ms, "unix_ms": now.unix_ms }),
    )
}
