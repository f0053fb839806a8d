//! The protocol with the store: when the account's record and the budget are read and written, and who may send.
//!
//! Records change by compare-and-swap. A claim in the account's record says who works for the account:
//!
//! ```text
//!   read account ─► foreign claim? ── yes ─► watch, until there is a token or the claim is over
//!        │ no
//!   read budget ─► the machine decides ─► write account (claim, spent step, unanswered attempt)
//!        ▲                                   │ conflict: nothing is sent, read again
//!        └───────────────────────────────────┤
//!                                            ▼
//!                          write budget (reserved places) ─► Send ─► renew the claim while the answer is out
//!                                                                     │
//!                                                 write account (token, end of the claim) ─► write budget
//! ```

use alloc::string::String;
use core::time::Duration;

use super::callers::{Change, Purpose};
use super::output::{Action, OperationId, Wait, Watch, Write};
use super::{Coordinator, Need, Position};
use crate::account_record::{AccountRecord, NewerVersion, TokenIdentity};
use crate::budget::Budget;
use crate::budget_record;
use crate::claim::{CLAIM_FRESH, CLAIM_LEASE, Claim, ClaimOwner, ClaimedWork, ObservedClaim};
use crate::credential::MfaSource;
use crate::failure::{Failure, FailureKind};
use crate::machine::{Config, Machine, Urgency};
use crate::output::{Event, WaitReason};
use crate::record::{SharedRecord, Stamp};
use crate::request::{Call, Request, RequestId};
use crate::store::{OnStoreFailure, RecordKind, StoreTime, StoredRecord, Version, WriteOutcome};
use crate::time::{Instant, Time};
use crate::token::Generation;

/// How an account uses its store.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// Which of the account's tokens is this session's.
    pub identity: TokenIdentity,
    /// Names this session in its claims. Random, and drawn anew after a fork.
    pub owner: ClaimOwner,
    /// Whether the session goes on when the store fails.
    pub on_failure: OnStoreFailure,
    /// Whether the store can lose writes that it acknowledged, as an engine does at a failover. A record that another
    /// run of the engine wrote then counts the current TOTP step as spent and the budget as full for 61 s.
    pub may_lose_writes: bool,
    /// For a driver that blocks while a request is out, and so cannot renew a claim: the claim lasts until the request's
    /// deadline.
    pub cannot_renew: bool,
}

impl StoreConfig {
    /// For a store that keeps what it acknowledged, and a driver that renews claims.
    #[must_use]
    pub const fn new(identity: TokenIdentity, owner: ClaimOwner) -> Self {
        Self {
            identity,
            owner,
            on_failure: OnStoreFailure::GoOnAlone,
            may_lose_writes: false,
            cannot_renew: false,
        }
    }
}

/// What is known of the account's record and of the budget's.
pub(super) struct Account {
    pub(super) config: StoreConfig,
    /// The machine's own clock.
    boot: String,
    lease: Duration,
    /// The record as it was last read or written, and its version if that is known still.
    pub(super) record: AccountRecord,
    pub(super) version: Option<Version>,
    /// What was read and is not taken over yet.
    incoming: Option<AccountRecord>,
    observed: Option<ObservedClaim>,
    /// When the claim that is held was written.
    held: Option<Instant>,
    /// A request that waits until it is known that it may be sent.
    pub(super) attempt: Option<Attempt>,
    budget: BudgetRecordState,
    operation: Option<(OperationId, Operation, Instant)>,
    next_operation: u64,
    pub(super) is_write_due: bool,
    /// Another run of the engine wrote the record: until one process has written it in this run, each look finds the
    /// current step spent.
    is_run_due: bool,
    /// The record was read for what the machine asks now.
    is_fresh: bool,
    /// When it was read last.
    read_at: Option<Instant>,
    /// The record was read while a request was out: the machine has not taken its token over.
    is_unseen: bool,
    /// The last token in hand that came from the record, or is in it.
    known_generation: Option<Generation>,
    /// The record changed, or was not looked at for a while.
    pub(super) is_look_due: bool,
    /// Sign-outs and cleared rejections that were taken over. Those before the first look concern nothing here.
    sign_outs: u64,
    resets: u64,
    has_looked: bool,
    /// A sign-out, or a cleared rejection, that other processes do not know of yet.
    pub(super) owes_sign_out: bool,
    owes_reset: bool,
    /// The store's clock; none if the store uses ours.
    clock: Option<StoreClock>,
    /// So many reads in a row took too long to tell the time.
    slow_reads: u32,
}

/// What is known of the budget's record.
#[derive(Default)]
struct BudgetRecordState {
    version: Option<Version>,
    incoming: Option<StoredRecord>,
    rest: crate::json::RawFields,
    is_fresh: bool,
    is_write_due: bool,
    /// The record is of another clock: until one process has written it anew, each reader counts it from when it reads.
    is_clock_due: bool,
}

/// The store's clock, as far as reads have told: it is ahead of ours by something between two bounds.
struct StoreClock {
    name: String,
    /// In milliseconds.
    least_ahead: i64,
    most_ahead: i64,
}

/// A request on its way from the machine to the driver.
pub(super) struct Attempt {
    request: Request,
    /// When the write of the account's record was begun that announced it.
    announced: Option<Instant>,
    has_place: bool,
    /// More places than there are were taken when the machine decided to send: this second step has held its own before.
    was_over: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    ReadAccount,
    ReadBudget,
    /// The request is the one that the write announces.
    WriteAccount {
        began: Instant,
        claims: bool,
        announces: Option<RequestId>,
        /// The token that is in the record from then on, if it is the one in hand.
        carries: Option<Generation>,
        /// Nothing but the engine's run is new.
        names_run: bool,
    },
    /// The request is the one that the write reserves places for.
    WriteBudget {
        reserves: Option<RequestId>,
        /// Nothing but the clock is new.
        moves_clock: bool,
    },
}

/// How often an unchanged record is read again while its change is awaited: notices get lost, and a claim ends.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A budget counts a request one second longer than the instance does: two clocks may be off by half of it each.
const CLOCK_EXACT_MS: i64 = 1000;
/// After so many reads that took too long the store counts as failed.
const MOST_SLOW_READS: u32 = 3;
/// So much is left of a token's time when it is handed out because no newer one came.
const HANDING_OUT: Duration = Duration::from_millis(200);
/// How long the budget counts as full after the engine may have lost writes.
const LOST_WRITES_WAIT: Duration = Duration::from_secs(61);

impl BudgetRecordState {
    const fn is_due(&self) -> bool {
        self.is_write_due || self.is_clock_due
    }

    /// What was to be written is written, or is not written any more.
    const fn drop_due(&mut self) {
        (self.is_write_due, self.is_clock_due) = (false, false);
    }
}

impl StoreClock {
    /// The store told the time at some moment of a read.
    fn read(time: &StoreTime, began: Instant, now: Instant) -> Self {
        let ahead_at = |moment: Instant| (time.ms as i64).wrapping_sub(moment.as_millis() as i64);
        Self { name: time.clock.clone(), least_ahead: ahead_at(now), most_ahead: ahead_at(began) }
    }

    /// What both this and an earlier read told. A clock that was set has nothing in common with the earlier one.
    fn narrowed_by(self, before: Option<Self>) -> Self {
        let Some(before) = before.filter(|before| before.name == self.name) else { return self };
        let (least, most) =
            (self.least_ahead.max(before.least_ahead), self.most_ahead.min(before.most_ahead));
        if least <= most { Self { least_ahead: least, most_ahead: most, ..self } } else { self }
    }

    fn is_exact(&self) -> bool {
        self.most_ahead - self.least_ahead <= CLOCK_EXACT_MS
    }

    fn ahead(&self) -> i64 {
        self.least_ahead + (self.most_ahead - self.least_ahead) / 2
    }
}

impl Attempt {
    pub(super) fn of(request: Request, budget: &Budget, now: Time) -> Option<Self> {
        let was_over = budget.is_over(now.monotonic);
        Some(Self { request, announced: None, has_place: false, was_over })
    }
}

impl Account {
    pub(super) fn new(store: StoreConfig, config: &Config) -> Self {
        let lease = if store.cannot_renew { config.request_timeout + CLAIM_LEASE } else { CLAIM_LEASE };
        Self {
            config: store,
            boot: config.boot.clone(),
            lease,
            record: AccountRecord::default(),
            version: None,
            incoming: None,
            observed: None,
            held: None,
            attempt: None,
            budget: BudgetRecordState::default(),
            operation: None,
            next_operation: 1,
            is_write_due: false,
            is_run_due: false,
            is_fresh: false,
            read_at: None,
            is_unseen: false,
            known_generation: None,
            is_look_due: false,
            sign_outs: 0,
            resets: 0,
            has_looked: false,
            owes_sign_out: false,
            owes_reset: false,
            clock: None,
            slow_reads: 0,
        }
    }

    pub(super) const fn is_idle(&self) -> bool {
        self.held.is_none() && self.is_settled()
    }

    /// Whether no operation is under way or due. A claim may be held.
    pub(super) const fn is_settled(&self) -> bool {
        self.operation.is_none()
            && self.incoming.is_none()
            && self.attempt.is_none()
            && !self.is_write_due
            && !self.is_run_due
            && !self.budget.is_due()
    }

    /// The claim of another process, if it is one to wait for.
    pub(super) fn live_claim(&self) -> Option<&Claim> {
        self.observed.as_ref().map(|observed| &observed.claim)
    }

    /// `looks`: a claim stands in the way. `watches`: a change of the record may bring what is waited for.
    pub(super) fn wait(&self, wait: &mut Wait, looks: bool, watches: bool) {
        if let Some(renewed) = self.held.filter(|_| self.operation.is_none()) {
            wait.no_later_than(renewed + self.renew_every());
        }
        if watches && let Some(version) = self.version.filter(|_| self.operation.is_none()) {
            if let Some(observed) = self.observed.as_ref().filter(|_| looks) {
                wait.no_later_than(self.next_look(observed));
            }
            let owner = self.live_claim().map(|claim| claim.owner);
            wait.watch = Some(Watch { version, owner, is_urgent: true });
        }
    }

    /// Takes over what was read of the budget. The machine may then decide by it.
    pub(super) fn restore_budget(&mut self, budget: &mut Budget, config: &Config, now: Time) {
        let Some(stored) = self.budget.incoming.take() else { return };
        let (record, rest) = budget_record::decode(&stored.bytes);
        self.budget.rest = rest;
        if self.may_have_lost_writes(record.as_ref().map(|record| record.stamp.boot.as_str())) {
            budget.shut(now.monotonic + LOST_WRITES_WAIT);
        }
        let record = record.map(|record| record.moved(|stamp, moment| self.localize(stamp, moment, now)));
        self.budget.is_clock_due = budget.restore(record.as_ref(), &config.boot, now);
    }

    fn renew_every(&self) -> Duration {
        self.lease * 3 / 10
    }

    /// Whether the record was written in another run of an engine that loses writes.
    fn may_have_lost_writes(&self, written_by: Option<&str>) -> bool {
        let run = self.clock.as_ref().map(|clock| clock.name.as_str());
        self.config.may_lose_writes && written_by.is_some_and(|by| !by.is_empty() && Some(by) != run)
    }

    /// What the store's clock says.
    pub(super) fn store_now(&self, now: Time) -> StoreTime {
        match &self.clock {
            Some(clock) => {
                StoreTime { clock: clock.name.clone(), ms: shift(now.monotonic, clock.ahead()).as_millis() }
            }
            None => StoreTime { clock: self.boot.clone(), ms: now.monotonic.as_millis() },
        }
    }

    /// A stamp of the store's clock as one of ours, and a moment beside it on the same clock.
    fn localize(&self, stamp: &Stamp, moment: Option<Instant>, now: Time) -> (Stamp, Option<Instant>) {
        match &self.clock {
            Some(clock) if stamp.is_of(&clock.name) => {
                let monotonic = shift(stamp.monotonic, -clock.ahead());
                let ago =
                    i64::try_from(crate::time::millis(now.monotonic.since(monotonic))).unwrap_or(i64::MAX);
                let local = Stamp { boot: self.boot.clone(), monotonic, unix: now.unix.offset(-ago) };
                (local, moment.map(|moment| shift(moment, -clock.ahead())))
            }
            _ => (stamp.clone(), moment),
        }
    }

    /// How long before the start of our clock a stamp of the store's clock is, in milliseconds.
    fn before_start(&self, stamp: &Stamp) -> u64 {
        let Some(clock) = self.clock.as_ref().filter(|clock| stamp.is_of(&clock.name)) else { return 0 };
        u64::try_from(clock.ahead().saturating_sub_unsigned(stamp.monotonic.as_millis())).unwrap_or(0)
    }

    /// A stamp of our clock as one of the store's.
    fn globalize(&self, stamp: &Stamp, moment: Option<Instant>) -> (Stamp, Option<Instant>) {
        match &self.clock {
            Some(clock) if stamp.boot == self.boot => {
                let monotonic = shift(stamp.monotonic, clock.ahead());
                let stamp = Stamp { boot: clock.name.clone(), monotonic, unix: stamp.unix };
                (stamp, moment.map(|moment| shift(moment, clock.ahead())))
            }
            _ => (stamp.clone(), moment),
        }
    }

    /// What the record says for this session, on its own clock.
    fn view(&self, record: &AccountRecord, machine: &Machine, now: Time) -> SharedRecord {
        let mut view = record.view(&self.config.identity);
        // A change that is not written yet is newer than the record.
        view.token.take_if(|_| self.owes_sign_out);
        if self.owes_reset {
            machine.clear_in(&mut view);
        }
        if machine.is_lockout_cleared_here() {
            machine.clear_rejections_in(&mut view);
        }
        if let Some(token) = &mut view.token {
            // No moment is before the start of our clock: what the token had lived by then is taken off its life.
            token.life_ms = token.life_ms.saturating_sub(self.before_start(&token.stamp));
            (token.stamp, token.replaced_unauthorized_at) =
                self.localize(&token.stamp, token.replaced_unauthorized_at, now);
        }
        view.token.take_if(|token| token.life_ms < 1000);
        if let Some(backoff) = &mut view.backoff {
            backoff.until = self.localize(&backoff.until, None, now).0;
        }
        view
    }

    fn begin(&mut self, operation: Operation, now: Time) -> OperationId {
        let id = OperationId(self.next_operation);
        self.next_operation += 1;
        self.operation = Some((id, operation, now.monotonic));
        id
    }

    /// Forgets what was read: it must be read again before anything is decided or written.
    fn forget(&mut self) {
        self.version = None;
        self.is_fresh = false;
    }

    /// Whether the record must be read before anything is decided by it. `waits`: its change is awaited.
    fn is_stale(&self, waits: bool, now: Time) -> bool {
        let is_due = |seen: &ObservedClaim| now.monotonic >= self.next_look(seen);
        !self.is_fresh || waits && self.observed.as_ref().is_some_and(is_due)
    }

    /// When an unchanged claim is looked at again. On a store with a clock of its own, it is looked at when its
    /// lease is over: the store reports each change before that. So each waiter reads once in a lease.
    fn next_look(&self, observed: &ObservedClaim) -> Instant {
        let soonest = observed.last_look() + LOOK_EVERY;
        let renewed = &observed.claim.renewed;
        match self.clock.as_ref().filter(|clock| clock.name == renewed.clock) {
            Some(clock) => {
                let renewed = shift(Instant::from_millis(renewed.ms), -clock.ahead());
                soonest.max(renewed + observed.claim.lease + self.config.owner.spread(LOOK_EVERY))
            }
            None => soonest,
        }
    }

    /// The machine asks what the records say. What was read for an earlier question is too old.
    pub(super) fn expect_question(&mut self, now: Time) {
        if self.read_at != Some(now.monotonic) {
            (self.is_fresh, self.budget.is_fresh) = (false, false);
        }
    }

    /// A caller wants to know what the records say now.
    pub(super) fn expect_look(&mut self) {
        (self.is_fresh, self.budget.is_fresh) = (false, false);
    }

    /// Whether other processes do not know of a change that a caller made.
    const fn owes(&self) -> bool {
        self.owes_sign_out || self.owes_reset
    }

    /// The store failed. What was to be written there is not tried again before the next change, and the lease ends a
    /// claim that stands there.
    fn stop_sharing(&mut self) {
        self.forget();
        self.held = None;
        self.is_look_due = false;
        (self.is_write_due, self.is_run_due) = (false, false);
    }
}

impl Coordinator {
    /// What came of reading a record.
    ///
    /// # Errors
    /// [`InputError::Stale`](crate::InputError) if the operation is not under way;
    /// [`InputError::MustDrain`](crate::InputError).
    pub fn handle_read(
        &mut self,
        id: OperationId,
        stored: StoredRecord,
        now: Time,
    ) -> Result<(), crate::InputError> {
        let (operation, began) = self.take_operation(id)?;
        let Some(account) = &mut self.account else { return Ok(()) };
        let clock = stored.time.as_ref().map(|time| StoreClock::read(time, began, now.monotonic));
        account.clock = clock.map(|clock| clock.narrowed_by(account.clock.take()));
        if account.clock.as_ref().is_some_and(|clock| !clock.is_exact()) {
            return self.read_again(operation, id, began, now);
        }
        account.slow_reads = 0;
        if operation == Operation::ReadBudget {
            account.budget.version = Some(stored.version);
            account.budget.incoming = Some(stored);
            account.budget.is_fresh = true;
            return Ok(());
        }
        match AccountRecord::decode(&stored.bytes) {
            Ok(record) => {
                account.version = Some(stored.version);
                account.incoming = Some(record);
                account.is_look_due = false;
            }
            Err(NewerVersion(version)) => {
                let sentence = alloc::format!(
                    "the account's record has format version {version}, and this build reads version {}: update this \
                     program; nothing is sent until then",
                    crate::account_record::RECORD_VERSION
                );
                self.stop_for_store(&sentence, now);
            }
        }
        Ok(())
    }

    /// The read took so long that nobody can tell when the store said what it said.
    fn read_again(
        &mut self,
        operation: Operation,
        id: OperationId,
        began: Instant,
        now: Time,
    ) -> Result<(), crate::InputError> {
        let Some(account) = &mut self.account else { return Ok(()) };
        account.slow_reads += 1;
        if account.slow_reads < MOST_SLOW_READS {
            self.read(
                if operation == Operation::ReadBudget { RecordKind::Budget } else { RecordKind::Account },
                now,
            );
            return Ok(());
        }
        account.slow_reads = 0;
        account.operation = Some((id, operation, began));
        self.is_drained = true;
        self.handle_store_failed(
            id,
            "the store takes too long to tell the time; try again when it is faster",
            now,
        )
    }

    /// What came of writing a record.
    ///
    /// # Errors
    /// [`InputError::Stale`](crate::InputError) if the operation is not under way;
    /// [`InputError::MustDrain`](crate::InputError).
    pub fn handle_written(
        &mut self,
        id: OperationId,
        outcome: WriteOutcome,
        now: Time,
    ) -> Result<(), crate::InputError> {
        let (operation, _) = self.take_operation(id)?;
        let Some(account) = &mut self.account else { return Ok(()) };
        let attempt = account.attempt.as_mut();
        match (operation, outcome) {
            (
                Operation::WriteAccount { began, claims, announces, carries, .. },
                WriteOutcome::Written(version),
            ) => {
                account.version = Some(version);
                account.known_generation = carries.or(account.known_generation);
                account.held = claims.then_some(began);
                account.observed.take_if(|_| claims);
                if let Some(attempt) = attempt.filter(|attempt| announces == Some(attempt.request.id)) {
                    attempt.announced = Some(began);
                }
                // What came while the write was under way is not in the record yet.
                if !account.is_write_due {
                    self.machine.note_shared_written();
                }
                self.wake_changes(&Ok(()));
            }
            (Operation::WriteAccount { announces, names_run, .. }, WriteOutcome::Conflict) => {
                account.forget();
                // Another process was faster. What it did is looked at before anything is sent. It named the run, too: if
                // each of many processes did that once more, their writes would meet conflicts without end.
                let is_own = announces.is_none() && !names_run;
                account.is_write_due |= is_own || account.owes() || self.machine.is_unshared();
                account.is_look_due |= names_run;
                self.take_back_unsent(now);
            }
            (Operation::WriteBudget { reserves, .. }, WriteOutcome::Written(version)) => {
                account.budget.version = Some(version);
                if let Some(attempt) = attempt.filter(|attempt| reserves == Some(attempt.request.id)) {
                    attempt.has_place = true;
                }
            }
            (Operation::WriteBudget { reserves, moves_clock }, WriteOutcome::Conflict) => {
                account.budget.version = None;
                account.budget.is_write_due |= reserves.is_none() && !moves_clock;
            }
            (Operation::ReadAccount | Operation::ReadBudget, _) => {}
        }
        Ok(())
    }

    /// A store operation failed. `message` says what happened, for the callers that it stops.
    ///
    /// # Errors
    /// [`InputError::Stale`](crate::InputError) if the operation is not under way;
    /// [`InputError::MustDrain`](crate::InputError).
    pub fn handle_store_failed(
        &mut self,
        id: OperationId,
        message: &str,
        now: Time,
    ) -> Result<(), crate::InputError> {
        let (operation, _) = self.take_operation(id)?;
        let Some(account) = &mut self.account else { return Ok(()) };
        if account.config.on_failure == OnStoreFailure::SendNothing {
            self.stop_for_store(message, now);
            return Ok(());
        }
        match operation {
            Operation::ReadAccount | Operation::WriteAccount { .. } => {
                account.stop_sharing();
                if operation == Operation::ReadAccount {
                    (account.is_fresh, account.read_at) = (true, Some(now.monotonic));
                    account.observed = None;
                }
                if let Some(attempt) = &mut account.attempt {
                    // There is no claim that could end before the request leaves.
                    attempt.announced = Some(Instant::NEVER);
                }
                self.wake_changes(&Err(store_failed(message)));
            }
            Operation::ReadBudget | Operation::WriteBudget { .. } => {
                account.budget.version = None;
                account.budget.is_fresh = true;
                account.budget.drop_due();
                if let Some(attempt) = &mut account.attempt {
                    attempt.has_place = true;
                }
            }
        }
        Ok(())
    }

    /// The account's record has another version than the one that is watched.
    ///
    /// # Errors
    /// [`InputError::MustDrain`](crate::InputError).
    pub fn handle_record_changed(&mut self) -> Result<(), crate::InputError> {
        self.take_input()?;
        if let Some(account) = &mut self.account {
            account.is_fresh = false;
            account.is_look_due = true;
        }
        Ok(())
    }

    /// The store knows that the process of this claim's owner is gone.
    ///
    /// # Errors
    /// [`InputError::MustDrain`](crate::InputError).
    pub fn handle_owner_gone(&mut self, owner: ClaimOwner) -> Result<(), crate::InputError> {
        self.take_input()?;
        let account = self.account.as_mut();
        let observed = account.and_then(|account| account.observed.as_mut());
        if let Some(observed) = observed.filter(|observed| observed.claim.owner == owner) {
            observed.owner_is_gone();
        }
        self.keeper_is_gone(owner);
        Ok(())
    }

    /// This process is the child of a fork. It never renews or ends a claim of its parent.
    pub fn handle_fork(&mut self, owner: ClaimOwner, now: Time) {
        self.take_back_unsent(now);
        self.keeping = None;
        if let Some(account) = &mut self.account {
            account.config.owner = owner;
            account.held = None;
            account.operation = None;
            (account.is_write_due, account.is_run_due) = (false, false);
            account.forget();
        }
    }

    /// One step of the protocol. Returns whether it changed something that the others have to look at.
    pub(super) fn share(&mut self, budget: &mut Budget, now: Time) -> bool {
        let Some(account) = &mut self.account else {
            return self.wake_changes(&Ok(())) | self.wake_looks(&Ok(()));
        };
        if account.incoming.is_some() {
            return self.take_over_record(now);
        }
        if account.operation.is_some() {
            return false;
        }
        if account.is_unseen && !self.machine.is_outstanding() {
            account.is_unseen = false;
            let view = account.view(&account.record, &self.machine, now);
            let is_taken = self.input().look_at(Some(&view), now).is_ok();
            self.note_known_token();
            return is_taken;
        }
        let is_blocked = self.is_unsent() && self.blocking_claim(now).is_some();
        let Some(account) = &mut self.account else { return false };
        if is_blocked {
            // Another process took the account over.
            self.take_back_unsent(now);
            return true;
        }
        if account.is_write_due || account.is_run_due {
            return self.write_account(now);
        }
        if account.attempt.is_some() {
            return self.prepare_send(budget, now);
        }
        let is_asked = self.position == Position::ReadShared;
        let looks = self.callers.waiting.iter().any(|caller| caller.purpose == Purpose::Look);
        let is_due = account.is_look_due && (self.machine.is_wanted() || self.keeping.is_some());
        if is_due || (is_asked || looks) && account.is_stale(is_asked, now) {
            return self.read(RecordKind::Account, now);
        }
        if looks {
            return if account.budget.is_fresh {
                self.wake_looks(&Ok(()))
            } else {
                self.read(RecordKind::Budget, now)
            };
        }
        if is_asked && self.decide_by_record(now) {
            return true;
        }
        self.write_what_is_due(budget, now)
    }

    /// Takes over what was read, one input of the machine at a time.
    fn take_over_record(&mut self, now: Time) -> bool {
        let Some(account) = &mut self.account else { return false };
        let Some(record) = account.incoming.take() else { return false };
        let mut view = account.view(&record, &self.machine, now);
        if account.has_looked && view.sign_outs > account.sign_outs {
            account.sign_outs = view.sign_outs;
            account.incoming = Some(record);
            // What was not sent begins anew, without the token.
            self.take_back_unsent(now);
            self.abandoned = self.machine.outstanding().or(self.abandoned);
            // Without a token the machine reports no sign-out.
            self.note_for_keeper(&Event::SignedOut);
            return self.input().sign_out_elsewhere(now).is_ok();
        }
        if account.has_looked && view.rejection_resets > account.resets {
            account.resets = view.rejection_resets;
            account.incoming = Some(record);
            return self.input().forget_rejection_elsewhere().is_ok();
        }
        // A newer record may have a smaller count only if the store lost writes.
        (account.sign_outs, account.resets) = (view.sign_outs, view.rejection_resets);
        account.has_looked = true;
        account.is_run_due = account.may_have_lost_writes(record.written_by());
        if account.is_run_due {
            view.totp_step = view.totp_step.max(self.machine.current_totp_step(now));
        }
        let owner = account.config.owner;
        let foreign = record.claim.clone().filter(|claim| claim.owner != owner);
        if foreign.is_some() || record.claim.is_none() {
            account.held = None;
        }
        let before = account.observed.take();
        let store_now = account.clock.is_some().then(|| account.store_now(now));
        account.observed =
            foreign.map(|claim| ObservedClaim::look(claim, before, store_now.as_ref(), now.monotonic));
        account.record = record;
        (account.is_fresh, account.read_at) = (true, Some(now.monotonic));
        account.is_unseen = self.machine.is_outstanding();
        let is_taken = self.input().look_at(Some(&view), now).is_ok();
        self.note_known_token();
        self.meet_keeper(now);
        is_taken
    }

    /// The token in hand may be the one in the record.
    fn note_known_token(&mut self) {
        let Some(account) = &mut self.account else { return };
        let token = account.record.view(&account.config.identity).token;
        if token.is_some_and(|token| self.machine.generation_of(token.token.expose()).is_some()) {
            account.known_generation = self.machine.generation();
        }
    }

    /// What another process does for the account, and since when it has renewed its claim, on the store's clock. None if the
    /// claim is over, or if the session's own process has it.
    #[must_use]
    pub fn claim_elsewhere(&self, now: Time) -> Option<(ClaimOwner, ClaimedWork, Option<Duration>)> {
        let account = self.account.as_ref()?;
        let store_now = account.store_now(now);
        let seen = account.observed.as_ref().filter(|seen| !seen.is_over(&store_now))?;
        Some((seen.claim.owner, seen.claim.work, store_now.since(&seen.claim.renewed)))
    }

    /// The claim of another process that keeps this one from working for the account.
    fn blocking_claim(&self, now: Time) -> Option<Claim> {
        let account = self.account.as_ref()?;
        let observed = account.observed.as_ref().filter(|seen| !seen.is_over(&account.store_now(now)))?;
        // A program that computes codes needs no person, and does not wait for one.
        let has_totp = matches!(self.machine.config().mfa, MfaSource::Totp(_));
        Some(observed.claim.clone()).filter(|claim| !(has_totp && claim.work == ClaimedWork::Asking))
    }

    /// The machine asked for the record, and it is fresh. Hands it in if this process may work for the account.
    fn decide_by_record(&mut self, now: Time) -> bool {
        let is_budget_fresh = self.account.as_ref().is_some_and(|account| account.budget.is_fresh);
        match (self.blocking_claim(now), self.machine.urgency(now)) {
            (_, Urgency::Served) => self.hand_in_record(now),
            (None, _) if is_budget_fresh => self.hand_in_record(now),
            (None, _) => self.read(RecordKind::Budget, now),
            (Some(_), Urgency::Due) => self.leave_to_holder(LOOK_EVERY, now),
            (Some(_), Urgency::Late) => self.wait_late(now),
            (Some(claim), Urgency::Pressing) => self.wait_for_holder(&claim, now),
        }
    }

    fn hand_in_record(&mut self, now: Time) -> bool {
        let Some(account) = &mut self.account else { return false };
        // Without a version the record could not be read.
        let view = account.version.map(|_| account.view(&account.record, &self.machine, now));
        account.expect_look();
        let is_taken = self.input().handle_shared(view.as_ref(), now).is_ok();
        self.note_known_token();
        is_taken
    }

    /// The refresh is the other process's business.
    fn leave_to_holder(&mut self, quiet: Duration, now: Time) -> bool {
        self.be_quiet_until(now.monotonic + quiet);
        if let Some(account) = &mut self.account {
            account.is_fresh = false;
        }
        self.input().withdraw().is_ok()
    }

    /// The token in hand is in its last minute, and another process refreshes it.
    fn wait_late(&mut self, now: Time) -> bool {
        let is_last_moment = self.last_moment(now).is_none_or(|last| now.monotonic >= last);
        let served = self.callers.take(|caller| {
            caller.purpose == Purpose::Token(Need::Usable)
                && (is_last_moment || now.awake >= caller.late_wait())
        });
        let has_served = !served.is_empty();
        for caller in served {
            self.outputs.push_back(Action::Wake { caller: caller.id, result: Ok(()) });
        }
        if self.callers.need_token() {
            has_served
        } else {
            self.leave_to_holder(super::callers::LATE_WAIT, now)
        }
    }

    /// When the token in hand is handed out because its refresh did not come.
    fn last_moment(&self, now: Time) -> Option<Instant> {
        Some(self.machine.usable_token(now)?.windows().unusable_at.earlier_by(HANDING_OUT))
    }

    /// Callers with a token in its last minute wait for another process: until when.
    pub(super) fn wait_for_late(&self, wait: &mut Wait, now: Time) {
        if self.position != Position::ReadShared || self.machine.urgency(now) != Urgency::Late {
            return;
        }
        if let Some(last) = self.last_moment(now).filter(|last| *last > now.monotonic) {
            wait.no_later_than(last);
        }
        let moments = self.callers.waiting.iter().map(super::callers::Caller::late_wait);
        moments.filter(|moment| *moment > now.awake).for_each(|moment| wait.no_later_than_awake(moment));
    }

    /// There is no token to hand out, and another process works for the account.
    fn wait_for_holder(&mut self, claim: &Claim, now: Time) -> bool {
        if !self.callers.need_token() {
            return self.leave_to_holder(LOOK_EVERY, now);
        }
        if claim.work != ClaimedWork::Asking {
            return false;
        }
        let Some(store_now) = self.account.as_ref().map(|account| account.store_now(now)) else {
            return false;
        };
        let asks_for = match claim.asks_until_ms {
            Some(until) if store_now.clock == claim.renewed.clock => {
                Duration::from_millis(until.saturating_sub(store_now.ms))
            }
            _ => claim.lease,
        };
        self.refuse_waits(asks_for, WaitReason::AskedElsewhere, now)
    }

    /// The machine wants to send: announces it, reserves its places, and lets it go.
    fn prepare_send(&mut self, budget: &mut Budget, now: Time) -> bool {
        let Some(account) = &mut self.account else { return false };
        let Some(attempt) = &account.attempt else { return false };
        let is_announced =
            attempt.announced.is_some_and(|announced| now.monotonic.since(announced) <= CLAIM_FRESH);
        if !is_announced {
            return self.write_account(now);
        }
        if !attempt.has_place {
            let Some(expected) = account.budget.version else {
                return self.read(RecordKind::Budget, now);
            };
            if budget.is_over(now.monotonic) && !attempt.was_over {
                self.take_back_unsent(now);
                return true;
            }
            return self.write_budget(expected, budget, now);
        }
        if let Some(attempt) = account.attempt.take() {
            account.budget.is_write_due = true;
            self.outputs.push_back(Action::Send(attempt.request));
        }
        true
    }

    /// Writes what other processes have to know, and renews or ends the claim.
    fn write_what_is_due(&mut self, budget: &Budget, now: Time) -> bool {
        let needs_claim = self.needs_claim();
        let Some(account) = &mut self.account else { return false };
        let renewal = account.held.is_some_and(|held| now.monotonic >= held + account.renew_every());
        let is_over = account.held.is_some() && !needs_claim;
        if renewal || is_over {
            return self.write_account(now);
        }
        if account.budget.is_due() && !self.machine.is_outstanding() {
            return match account.budget.version {
                Some(expected) => self.write_budget(expected, budget, now),
                None => self.read(RecordKind::Budget, now),
            };
        }
        false
    }

    /// Whether others must not work for the account now.
    fn needs_claim(&self) -> bool {
        let is_unsent = self.account.as_ref().is_some_and(|account| account.attempt.is_some());
        is_unsent || self.machine.is_outstanding() || self.machine.challenge_until().is_some()
    }

    fn write_account(&mut self, now: Time) -> bool {
        let needs_claim = self.needs_claim();
        let generation = self.machine.generation();
        let has_totp = matches!(self.machine.config().mfa, MfaSource::Totp(_));
        let asks_until = self.machine.challenge_until().filter(|_| !has_totp);
        let call = self.machine.outstanding_call();
        let keeper = self.keeper_to_write(now);
        let Some(account) = &mut self.account else { return false };
        let Some(expected) = account.version else {
            return self.read(RecordKind::Account, now);
        };
        let store_now = account.store_now(now);
        // A challenge in hand does not take the account back from a process that took it over.
        let is_free = account.held.is_some() || account.attempt.is_some() || account.observed.is_none();
        let claims = needs_claim && is_free;
        // What a process writes for another reason has changed something that others wait for.
        let may_renew = account.held.is_some() && account.attempt.is_none() && !account.is_write_due;
        let may_renew = may_renew && !account.is_run_due && !self.machine.is_unshared();
        let mut record = account.record.clone();
        record.set_written_by(&store_now.clock);
        if claims {
            let ahead = store_now.ms.wrapping_sub(now.monotonic.as_millis());
            record.claim = Some(Claim {
                owner: account.config.owner,
                work: match (asks_until, call) {
                    (_, Some(Call::Refresh)) => ClaimedWork::Refresh,
                    (Some(_), None) => ClaimedWork::Asking,
                    _ => ClaimedWork::SignIn,
                },
                renewed: store_now.clone(),
                lease: account.lease,
                asks_until_ms: asks_until.map(|until| until.as_millis().wrapping_add(ahead)),
            });
        } else {
            record.claim.take_if(|claim| claim.owner == account.config.owner);
        }
        let mut view = self.machine.shared_record(now);
        view.sign_outs = account.sign_outs + u64::from(account.owes_sign_out);
        view.rejection_resets = account.resets + u64::from(account.owes_reset);
        let known = account.record.view(&account.config.identity).token.filter(|_| !account.owes_sign_out);
        let known = known.filter(|known| match &view.token {
            Some(own) if own.token.matches(known.token.expose()) => false,
            // The record has never had the token in hand, and the machine knows the one in the record.
            Some(_) => account.known_generation == generation || account.is_unseen,
            None => !self.machine.gave_up(known),
        });
        if known.is_some() {
            view.token.clone_from(&known);
        } else if let Some(token) = &mut view.token {
            (token.stamp, token.replaced_unauthorized_at) =
                account.globalize(&token.stamp, token.replaced_unauthorized_at);
        }
        if let Some(backoff) = &mut view.backoff {
            backoff.until = account.globalize(&backoff.until, None).0;
        }
        record.update(&account.config.identity, view);
        record.set_keeper(&account.config.identity, keeper);
        record.drop_ended_tokens(&store_now.clock, Instant::from_millis(store_now.ms));
        let carries = generation.filter(|_| known.is_none());
        let names_run = account.is_run_due
            && !account.is_write_due
            && account.attempt.is_none()
            && account.held.is_none();
        let bytes = record.encode();
        let is_renewal = match (&account.record.claim, &record.claim) {
            (Some(before), Some(claim)) => may_renew && claims && claim.is_renewal_of(before),
            _ => false,
        };
        account.record = record;
        (account.is_write_due, account.is_run_due) = (false, false);
        let announces = account.attempt.as_ref().map(|attempt| attempt.request.id);
        let began = now.monotonic;
        let id = account.begin(Operation::WriteAccount { began, claims, announces, carries, names_run }, now);
        let write = Write { id, record: RecordKind::Account, expected, bytes, is_renewal };
        self.outputs.push_back(Action::Write(write));
        true
    }

    fn write_budget(&mut self, expected: Version, budget: &Budget, now: Time) -> bool {
        let Some(account) = &mut self.account else { return false };
        let record = budget.to_record(&account.boot, now);
        let record = record.moved(|stamp, moment| account.globalize(stamp, moment));
        let bytes = budget_record::encode(&record, &account.budget.rest);
        let reserves = account.attempt.as_ref().map(|attempt| attempt.request.id);
        let moves_clock = reserves.is_none() && !account.budget.is_write_due;
        account.budget.drop_due();
        let id = account.begin(Operation::WriteBudget { reserves, moves_clock }, now);
        let write = Write { id, record: RecordKind::Budget, expected, bytes, is_renewal: false };
        self.outputs.push_back(Action::Write(write));
        true
    }

    fn read(&mut self, record: RecordKind, now: Time) -> bool {
        let Some(account) = &mut self.account else { return false };
        let id = account.begin(
            match record {
                RecordKind::Account => Operation::ReadAccount,
                RecordKind::Budget => Operation::ReadBudget,
            },
            now,
        );
        self.outputs.push_back(Action::Read { id, record });
        true
    }

    pub(super) fn is_unsent(&self) -> bool {
        self.account.as_ref().is_some_and(|account| account.attempt.is_some())
    }

    /// A request that the machine wanted to send is not sent.
    pub(super) fn take_back_unsent(&mut self, now: Time) {
        let attempt = self.account.as_mut().and_then(|account| account.attempt.take());
        if let Some(attempt) = attempt {
            let _ = self.input().handle_not_sent(attempt.request.id, now);
        }
    }

    /// Says of a change that it was written down, or could not be.
    fn wake_changes(&mut self, result: &Result<(), Failure>) -> bool {
        let is_owed =
            self.account.as_ref().is_some_and(|account| account.is_write_due || account.incoming.is_some());
        if is_owed {
            return false;
        }
        let changed = self.callers.take(|caller| matches!(caller.purpose, Purpose::Change(_)));
        let has_woken = !changed.is_empty();
        for caller in changed {
            self.outputs.push_back(Action::Wake { caller: caller.id, result: result.clone() });
        }
        if let Some(account) = self.account.as_mut().filter(|_| result.is_ok()) {
            account.sign_outs += u64::from(core::mem::take(&mut account.owes_sign_out));
            account.resets += u64::from(core::mem::take(&mut account.owes_reset));
        }
        has_woken
    }

    fn wake_looks(&mut self, result: &Result<(), Failure>) -> bool {
        let looked = self.callers.take(|caller| caller.purpose == Purpose::Look);
        let has_woken = !looked.is_empty();
        for caller in looked {
            self.outputs.push_back(Action::Wake { caller: caller.id, result: result.clone() });
        }
        if let Some(account) = &mut self.account {
            account.expect_look();
        }
        has_woken
    }

    /// Without its store nothing may be sent: what has not been sent ends.
    fn stop_for_store(&mut self, message: &str, now: Time) {
        if let Some(account) = &mut self.account {
            account.stop_sharing();
            account.budget.version = None;
            account.budget.drop_due();
        }
        self.take_back_unsent(now);
        if self.machine.is_wanted() && !self.machine.is_outstanding() && self.input().withdraw().is_ok() {
            self.ended = Some(nothing_sent(message));
        }
        if self.position == Position::ReadShared {
            // The machine asks for a look without a want, too; it does not get one.
            let _ = self.input().handle_shared(None, now);
        }
        self.be_quiet_until(now.monotonic + LOOK_EVERY);
        self.wake_looks(&Err(store_failed(message)));
        self.wake_changes(&Err(store_failed(message)));
    }

    /// Notes what other processes have to be told of a change.
    pub(super) fn owe(&mut self, change: Change) {
        if let Some(account) = &mut self.account {
            match change {
                Change::SignOut => account.owes_sign_out = true,
                Change::ForgetRejection => account.owes_reset = true,
            }
            account.is_write_due = true;
        }
    }

    fn take_operation(&mut self, id: OperationId) -> Result<(Operation, Instant), crate::InputError> {
        if !self.is_drained {
            return Err(crate::InputError::MustDrain);
        }
        let account = self.account.as_mut().ok_or(crate::InputError::Stale)?;
        let taken = account.operation.take_if(|(known, ..)| *known == id);
        let (_, operation, began) = taken.ok_or(crate::InputError::Stale)?;
        self.is_drained = false;
        Ok((operation, began))
    }
}

/// Without its record, other processes would not know of a rejection.
fn nothing_sent(message: &str) -> Failure {
    let sentence =
        alloc::format!("{message}; nothing was sent, because other processes could not know what came of it");
    Failure::new(FailureKind::Store, sentence)
}

fn store_failed(message: &str) -> Failure {
    Failure::new(FailureKind::Store, message)
}

/// A moment moved by so many milliseconds, saturating.
fn shift(moment: Instant, ms: i64) -> Instant {
    Instant::from_millis(moment.as_millis().saturating_add_signed(ms))
}
