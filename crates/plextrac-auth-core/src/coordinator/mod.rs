//! The coordinator: how several callers and several processes share one account.
//!
//! A [`Machine`] decides everything about one account's protocol. A coordinator owns a machine, and decides everything
//! about sharing it: which caller starts an attempt and which joins it, how long each waits, when the account's record
//! is read and written, when a person is asked. A driver carries out what the coordinator says, and decides nothing.
//!
//! ```text
//!   callers            need_token · leave                    ┌───────────┐  Send ──► HTTP
//!   the program        submit_code · sign_out · close   ───► │Coordinator│  Read · Write · watch ──► store
//!   HTTP               handle_response · handle_failure      │ (Machine) │  Ask ──► a person
//!   store              handle_read · handle_written          └───────────┘  Wake ──► callers
//! ```

mod account;
mod callers;
mod inputs;
mod keeper;
mod output;
mod single_flight;

use alloc::collections::VecDeque;
use core::fmt;
use core::time::Duration;

pub use self::account::StoreConfig;
use self::account::{Account, Attempt};
use self::callers::Callers;
pub use self::callers::{Limits, Need};
use self::keeper::Keeping;
pub use self::keeper::{Keep, KeepEnd, Keeper};
pub use self::output::{Action, CallerId, OperationId, Prompt, Wait, Watch, Write};
use crate::budget::Budget;
use crate::credential::MfaSource;
use crate::failure::{Failure, FailureKind};
use crate::machine::{Config, Machine, Seed};
use crate::output::{Event, Output, WaitReason};
use crate::request::RequestId;
use crate::time::{Instant, Time};
use crate::token::{Generation, Token};

/// Every decision about one account that several callers and processes share.
///
/// A [`Machine`] decides everything about one account's protocol. A coordinator owns a machine, and decides everything
/// about sharing it. There is one rule: **after an input, poll until [`Action::is_last`]**. Six steps drive it:
///
/// 1. hand in what a caller [needs](Self::need_token), and keep the [`CallerId`];
/// 2. [`poll`](Self::poll);
/// 3. on [`Action::Send`], send the request and hand in its answer, or how it failed, under its id;
/// 4. on [`Action::Read`] and [`Action::Write`], ask the store and hand in what it says, or that it failed;
/// 5. on [`Action::Ask`], ask for a one-time code and hand it in; on [`Action::Wake`], return to the caller;
/// 6. on [`Action::Wait`], poll again when a moment of it has come, the watched record has changed, or something was
///    handed in.
///
/// A program that waits as no caller [wants](Self::want) a token instead, and reads the [events](Action::Event).
///
/// Each action that a driver takes has an input that says it failed. So neither an error nor a panic in a driver can
/// leave a coordinator waiting for ever.
///
/// ```
/// use plextrac_auth_core::{
///     Action, Budget, Config, Coordinator, Credentials, FingerprintKey, Instance, Limits, Need, Response, Seed, Time,
/// };
/// # use std::time::Duration;
///
/// let mut config = Config::new(Instance::parse("acme.plextrac.com")?);
/// config.credentials = Some(Credentials::new("someone@acme.example", "correct horse")?);
/// let seed = Seed { draws: 1, key: FingerprintKey::new([7; 32]) };
/// let (mut budget, now) = (Budget::default(), Time::from_millis(0, 1_700_000_000_000));
/// let mut coordinator = Coordinator::new(config, seed, None, now);
///
/// let limits = Limits { timeout: Duration::from_secs(30), wait: Duration::ZERO };
/// let first = coordinator.need_token(Need::Usable, limits, now)?;
/// let Action::Send(request) = coordinator.poll(&mut budget, now) else { panic!() };
/// assert!(coordinator.poll(&mut budget, now).is_last());
/// // A second caller joins the attempt: nothing more is sent.
/// let second = coordinator.need_token(Need::Usable, limits, now)?;
/// assert!(coordinator.poll(&mut budget, now).is_last());
///
/// let body = br#"{"status":"success","tenant_id":0,"token":"abc.def.ghi","cookie":"j.k.l"}"#;
/// coordinator.handle_response(request.id, &Response { status: 200, headers: &[], body }, now)?;
/// let mut woken = Vec::new();
/// loop {
///     match coordinator.poll(&mut budget, now) {
///         Action::Wake { caller, result: Ok(()) } => woken.push(caller),
///         action if action.is_last() => break,
///         _ => {}
///     }
/// }
/// assert_eq!(woken, [first, second]);
/// assert_eq!(coordinator.machine().authorization(now).unwrap().expose(), "abc.def.ghi");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Coordinator {
    machine: Machine,
    callers: Callers,
    /// The account's record and the instance's budget in a store; none if nothing is shared.
    account: Option<Account>,
    outputs: VecDeque<Action>,
    is_drained: bool,
    is_closed: bool,
    /// A refresh that no caller waits for.
    is_refresh_wanted: bool,
    /// The token whose early refresh was wanted: after a third of its life, or by the keeper.
    refreshed_early: Option<Generation>,
    /// The program wants a token and waits as no caller. The want stands until an event ends it.
    is_wanted_by_program: bool,
    /// A request that is out and whose answer is not used: the account was signed out meanwhile. A caller starts no other before
    /// it has ended.
    abandoned: Option<(RequestId, Instant)>,
    /// What the machine's last drain came to.
    position: Position,
    /// What ended the want that stood.
    ended: Option<Failure>,
    /// The server refused the code of the attempt that is under way.
    is_code_refused: bool,
    /// What the callers are told instead of the next reason for which an attempt ends.
    instead: Option<Failure>,
    /// Until when a want for a refresh would start nothing, for the token of that generation.
    quiet: Option<(Option<Generation>, Instant)>,
    /// The session is kept alive while no caller needs it.
    keeping: Option<Keeping>,
}

/// What a drain of the machine came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    /// Nothing is under way.
    Idle,
    /// The machine wants to know what the account's record says.
    ReadShared,
    /// A one-time code is needed.
    CodeNeeded { until: Instant, attempt: u32 },
    /// A request is out.
    Outstanding { until: Instant },
    /// A want stands, and nothing may be sent before that moment.
    Blocked { until: Instant, reason: WaitReason },
    /// Nothing is wanted, and a want would do nothing before that moment.
    Rest { until: Instant, reason: WaitReason },
}

impl Position {
    /// Whether time alone may have changed something since.
    fn is_over(self, now: Time) -> bool {
        match self {
            Self::Idle | Self::ReadShared => false,
            Self::CodeNeeded { until, .. }
            | Self::Outstanding { until }
            | Self::Blocked { until, .. }
            | Self::Rest { until, .. } => now.monotonic >= until,
        }
    }
}

impl Coordinator {
    /// A coordinator that has sent nothing. With a store, the records are read when they are needed.
    #[must_use]
    pub fn new(mut config: Config, seed: Seed, store: Option<StoreConfig>, now: Time) -> Self {
        config.has_store = store.is_some();
        let account = store.map(|store| Account::new(store, &config));
        Self {
            machine: Machine::new(config, seed, now),
            callers: Callers::default(),
            account,
            outputs: VecDeque::new(),
            is_drained: true,
            is_closed: false,
            is_refresh_wanted: false,
            refreshed_early: None,
            is_wanted_by_program: false,
            abandoned: None,
            position: Position::Idle,
            ended: None,
            is_code_refused: false,
            instead: None,
            quiet: None,
            keeping: None,
        }
    }

    /// The machine, to look at.
    #[must_use]
    pub const fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The token in hand, if it may be handed out at `now`.
    #[must_use]
    pub fn usable_token(&self, now: Time) -> Option<&Token> {
        self.machine.usable_token(now)
    }

    /// Until when a caller that finds a token in its refresh window need not ask: nothing would be started.
    #[must_use]
    pub fn quiet_until(&self) -> Instant {
        let generation = self.machine.generation();
        self.quiet.filter(|(of, _)| *of == generation).map_or(Instant::from_millis(0), |(_, until)| until)
    }

    /// Whether an attempt is under way: a want stands, or a request is out.
    #[must_use]
    pub fn is_attempting(&self) -> bool {
        self.abandoned.is_some()
            || self.machine.is_wanted()
            || self.machine.is_outstanding()
            || self.callers.is_prompting()
    }

    /// Whether nothing is under way at all: no caller, no attempt, no operation of the store, no claim to renew, and
    /// nothing to keep alive.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let is_stored = self.account.as_ref().is_none_or(Account::is_idle) && self.keeping.is_none();
        self.callers.waiting.is_empty() && !self.is_attempting() && !self.is_refresh_wanted && is_stored
    }

    /// Whether nothing is under way but a challenge that waits for its code to be submitted.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let is_stored = self.account.as_ref().is_none_or(Account::is_settled);
        self.callers.waiting.is_empty() && !self.is_attempting() && !self.is_refresh_wanted && is_stored
    }

    /// Whether the last action said that there is nothing more; inputs are taken only then.
    #[must_use]
    pub const fn is_drained(&self) -> bool {
        self.is_drained
    }

    /// The one-time code that is needed now: until when, and for which attempt.
    #[must_use]
    pub const fn code_needed(&self) -> Option<Prompt> {
        match self.position {
            Position::CodeNeeded { until, attempt } => Some(Prompt { until, attempt }),
            _ => None,
        }
    }

    /// How long persons were asked for codes so far. That time counts against no caller's timeout.
    #[must_use]
    pub fn asked_for(&self, now: Time) -> Duration {
        self.callers.asked(now)
    }

    /// The next action. Poll until [`Action::is_last`]; poll again when something was handed in, or a moment of the
    /// [`Wait`] has come. `budget` is the instance's, shared by all its coordinators in the process.
    pub fn poll(&mut self, budget: &mut Budget, now: Time) -> Action {
        if self.outputs.is_empty() {
            self.advance(budget, now);
        }
        if let Some(action) = self.outputs.pop_front() {
            self.is_drained = false;
            return action;
        }
        self.is_drained = true;
        Action::Wait(self.wait(now))
    }

    /// Goes on as far as it gets without the driver.
    fn advance(&mut self, budget: &mut Budget, now: Time) {
        // Each round brings at least one caller, want or operation further; the bound turns a defect into a wait.
        for _ in 0..LONGEST_ADVANCE {
            self.drain_machine(budget, now);
            if self.callers.is_asking() && self.machine.challenge_until().is_none() {
                self.callers.stop_asking(now);
            }
            let has_advanced = self.drop_challenge_if_closed()
                || self.serve_callers(now)
                || self.end_attempt(now)
                || self.keep_session(now)
                || self.start_attempt(now)
                || self.wait_for_code(now)
                || self.wait_for_moment(now)
                || self.share(budget, now);
            if !has_advanced {
                return;
            }
        }
        debug_assert!(false, "no end after {LONGEST_ADVANCE} rounds: {:?}", self.position);
    }

    /// Polls the machine to its last output.
    fn drain_machine(&mut self, budget: &mut Budget, now: Time) {
        if let Some(account) = &mut self.account {
            account.restore_budget(budget, self.machine.config(), now);
        }
        if self.machine.is_drained() && !self.position.is_over(now) && !self.may_have_room() {
            return;
        }
        let was_wanted = self.machine.is_wanted();
        self.position = loop {
            match self.machine.poll(budget, now) {
                Output::Send(request) => match &mut self.account {
                    Some(account) => account.attempt = Attempt::of(request, budget, now),
                    None => self.outputs.push_back(Action::Send(request)),
                },
                Output::Keep(_) => self.note_change(),
                Output::Event(event) => self.on_event(event),
                Output::ReadShared => {
                    if let Some(account) =
                        self.account.as_mut().filter(|_| self.position != Position::ReadShared)
                    {
                        account.expect_question(now);
                    }
                    break Position::ReadShared;
                }
                Output::NeedCode { until, attempt } => break Position::CodeNeeded { until, attempt },
                Output::Wait { until, reason: WaitReason::AnswerOutstanding } => {
                    break Position::Outstanding { until };
                }
                Output::Wait { until, reason } if reason.is_blocked() => {
                    self.be_quiet_until(until);
                    self.note_blocked_for_keeper(until);
                    break Position::Blocked { until, reason };
                }
                Output::Wait { until, reason } => {
                    // The want was served by the token in hand: another want would start nothing before that moment. A
                    // want that failed or was withdrawn says nothing about the next one.
                    if was_wanted && self.ended.is_none() {
                        self.be_quiet_until(until);
                    }
                    break Position::Rest { until, reason };
                }
                Output::Idle => break Position::Idle,
            }
        };
        self.is_wanted_by_program &= self.machine.is_wanted();
    }

    /// Whether another coordinator with the same budget may have made room in it. With a store, each look costs a read.
    const fn may_have_room(&self) -> bool {
        matches!(self.position, Position::Blocked { reason: WaitReason::Budget, .. })
            && self.account.is_none()
    }

    /// The machine, for an input. It is polled to its last output before the driver gets its next turn.
    const fn input(&mut self) -> &mut Machine {
        self.machine.allow_input();
        &mut self.machine
    }

    fn on_event(&mut self, event: Event) {
        if let Event::Failed(failure) = &event {
            self.ended = Some(self.instead.take().unwrap_or_else(|| failure.clone()));
            self.is_refresh_wanted = false;
        }
        match &event {
            Event::CodeRefused => self.is_code_refused = true,
            Event::SignedIn { .. } | Event::Failed(_) => self.is_code_refused = false,
            _ => {}
        }
        self.note_for_keeper(&event);
        self.outputs.push_back(Action::Event(event));
    }

    fn note_change(&mut self) {
        if let Some(account) = &mut self.account {
            account.is_write_due = true;
        }
    }

    /// A closed session sends no second step.
    fn drop_challenge_if_closed(&mut self) -> bool {
        self.is_closed
            && matches!(self.position, Position::CodeNeeded { .. })
            && self.input().abandon_mfa().is_ok()
    }

    /// Asks for a one-time code, or says that one is needed.
    fn wait_for_code(&mut self, now: Time) -> bool {
        let Position::CodeNeeded { until, attempt } = self.position else { return false };
        if matches!(self.machine.config().mfa, MfaSource::Asked) {
            if self.callers.is_prompting() || self.is_closed || !self.machine.is_wanted() {
                return false;
            }
            self.callers.begin_asking(now);
            self.outputs.push_back(Action::Ask(Prompt { until, attempt }));
            return true;
        }
        if !self.machine.is_wanted() {
            return false;
        }
        let callers = self.callers.take(callers::Caller::needs_token);
        let has_woken = !callers.is_empty();
        for caller in callers {
            self.outputs.push_back(Action::Wake { caller: caller.id, result: Err(code_required()) });
        }
        if matches!(self.machine.config().mfa, MfaSource::Unavailable) {
            // Nobody will hand a code in: others need not wait for one.
            return self.input().abandon_mfa().is_ok();
        }
        if self.is_wanted_by_program { has_woken } else { self.input().withdraw().is_ok() }
    }

    /// Wakes those who may not wait until the moment before which nothing may be sent.
    fn wait_for_moment(&mut self, now: Time) -> bool {
        let Position::Blocked { until, reason } = self.position else { return false };
        let wait = until.since(now.monotonic);
        let has_woken = self.refuse_waits(wait, reason, now);
        self.withdraw_if_unneeded(now) || has_woken
    }

    fn be_quiet_until(&mut self, until: Instant) {
        self.quiet = Some((self.machine.generation(), until));
    }

    /// When there is something to do by itself.
    fn wait(&self, now: Time) -> Wait {
        let mut wait = Wait::default();
        match self.position {
            Position::CodeNeeded { until, .. } => wait.no_later_than(until),
            Position::Outstanding { until } => {
                wait.no_later_than(until);
                wait.reason = Some(WaitReason::AnswerOutstanding);
            }
            Position::Blocked { until, reason } | Position::Rest { until, reason } => {
                wait.no_later_than(until);
                wait.reason = Some(reason);
            }
            Position::ReadShared | Position::Idle => {}
        }
        if let Some((_, deadline)) = self.abandoned {
            wait.no_later_than(deadline);
        }
        if !self.callers.is_asking() {
            let asked = self.callers.asked(now);
            self.callers.waiting.iter().for_each(|caller| wait.no_later_than_awake(caller.deadline(asked)));
        }
        if let Some(account) = &self.account {
            self.wait_for_late(&mut wait, now);
            account.wait(&mut wait, self.position == Position::ReadShared, self.needs_watch());
        }
        self.wait_for_keeper(&mut wait, now);
        wait
    }

    /// Whether a change of the record may bring what an attempt waits for.
    fn needs_watch(&self) -> bool {
        matches!(self.position, Position::Blocked { .. } | Position::ReadShared) && self.machine.is_wanted()
    }
}

/// More rounds than any sequence of decisions without the driver takes.
const LONGEST_ADVANCE: u32 = 64;

fn code_required() -> Failure {
    Failure::new(
        FailureKind::MfaRequired,
        "the password was right, and a one-time code is needed: submit it within two minutes, or set a TOTP secret or a \
         callback",
    )
}

impl fmt::Debug for Coordinator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coordinator")
            .field("machine", &self.machine)
            .field("position", &self.position)
            .field("callers", &self.callers.waiting.len())
            .finish_non_exhaustive()
    }
}
