//! The way to a token: one flight at a time, on a task of its own, whoever waits for it.

use std::sync::Arc;

use plextrac_auth_core::{Event, Instant, Machine, Output, Request, WaitReason};
use tokio::sync::watch;

use crate::account::Inner;
use crate::engine::Engine;
use crate::error::NoToken;

/// How a flight ended; nothing while it is under way.
pub(crate) type Landing = Option<Result<(), NoToken>>;

/// What a machine wants done next.
pub(crate) enum Next {
    Send(Request),
    /// A TOTP step has to begin first; that takes half a minute at most.
    Sleep(Instant),
    Land(Result<(), NoToken>),
}

/// Polls a machine to its end. A wait that is not a matter of seconds ends the want: whoever has one comes back.
pub(crate) fn drain(machine: &mut Machine, engine: &Engine) -> Next {
    let (mut budget, now) = (engine.budget(), engine.now());
    // The first refusal is the reason; what follows from it is not told.
    let (mut request, mut refusal) = (None, None);
    loop {
        match machine.poll(&mut budget, now) {
            Output::Send(to_send) => request = Some(to_send),
            Output::Event(Event::Failed(failure)) => {
                refusal.get_or_insert(NoToken::Failed(failure));
            }
            Output::Wait { until, reason: WaitReason::TotpStep } => return Next::Sleep(until),
            Output::Wait { until, reason } if reason.is_blocked() => {
                refusal.get_or_insert(NoToken::MustWait { wait: until.since(now.monotonic), reason });
                ended(machine.withdraw());
            }
            // Nobody here could be asked: the failure that says so comes with the next polls.
            Output::NeedCode { .. } => ended(machine.abandon_mfa()),
            output if output.is_last() => break,
            _ => {}
        }
    }
    match request {
        Some(request) => Next::Send(request),
        None => Next::Land(refusal.map_or(Ok(()), Err)),
    }
}

/// Does what the machine wants until it wants nothing more, then tells everybody who waits.
pub(crate) async fn fly(account: Arc<Inner>, mut next: Next, landing: watch::Sender<Landing>) {
    let engine = account.engine();
    loop {
        next = match next {
            Next::Send(request) => {
                let answer = engine.exchange(&request).await;
                account.continue_with(|machine| {
                    // Stale if the machine gave up waiting, which it then has said itself.
                    let _ = match answer {
                        Ok(answer) => answer
                            .lend(|response| machine.handle_response(request.id, response, engine.now())),
                        Err(failure) => machine.handle_failure(request.id, failure, engine.now()),
                    };
                })
            }
            Next::Sleep(until) => {
                engine.clock().sleep(until.since(engine.now().monotonic)).await;
                account.continue_with(|_| {})
            }
            Next::Land(outcome) => {
                // Nobody may be waiting: a refresh ahead of time.
                let _ = landing.send(Some(outcome));
                return;
            }
        };
    }
}

/// What the machine has just said it is waiting for can be ended.
fn ended<E: std::fmt::Debug>(outcome: Result<(), E>) {
    debug_assert!(outcome.is_ok(), "{outcome:?}");
}
