//! The token that is handed out. The thread that drives the machine publishes it, and all threads read it.

use std::cell::RefCell;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use http::HeaderValue;
use plextrac_auth_core::{Age, Generation, Machine, Secret, Windows};

use crate::aligned_secret::AlignedSecret;
use crate::clock::{Instant, Time};
use crate::http::secret_header_value;
use crate::sync::{AtomicBool, AtomicU64, Mutex, RwLock, SpinMutex, thread_local};

/// A token in the forms in which it is used.
pub(crate) struct LiveToken {
    pub(crate) generation: Generation,
    pub(crate) authorization: Secret,
    pub(crate) header: HeaderValue,
    pub(crate) cookie: Option<Secret>,
    pub(crate) tenant_id: Option<i64>,
    pub(crate) windows: Windows,
    was_accepted: AtomicBool,
}

impl LiveToken {
    /// The API answered a request with this token, and not with 401.
    pub(crate) fn note_accepted(&self) {
        // Most requests find it set: then no other thread's cache line is taken away.
        if !self.was_accepted() {
            self.was_accepted.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn was_accepted(&self) -> bool {
        self.was_accepted.load(Ordering::Relaxed)
    }

    pub(crate) fn age(&self, now: Instant) -> Age {
        self.windows.age(now)
    }

    /// The machine's token as it is now, if it may be handed out.
    fn of(machine: &Machine, now: Time) -> Option<Self> {
        let token = machine.usable_token(now)?;
        let authorization = machine.authorization(now).ok()?;
        // The core lets only header-safe tokens pass.
        let header = secret_header_value(authorization.expose()).ok()?;
        Some(Self {
            generation: token.generation(),
            header,
            authorization,
            cookie: token.cookie().cloned(),
            tenant_id: token.tenant_id(),
            windows: *token.windows(),
            was_accepted: AtomicBool::new(false),
        })
    }
}

/// The token of one session, for all threads.
///
/// Reading it through one lock would have the threads hand that lock's cache line to each other, at several times the
/// price of reading the clock. So each thread keeps a copy of its own, and a version says whether that is the
/// newest. The copies are registered: when the session is closed all of them are wiped.
pub(crate) struct Live {
    id: u64,
    /// Counts what was published. A copy is good while its version is this one.
    version: AtomicU64,
    published: RwLock<Option<Arc<LiveToken>>>,
    copies: Mutex<Vec<Weak<Copy>>>,
}

/// What a thread keeps of a token: as much as it takes to hand it out.
pub(crate) struct Lent {
    version: u64,
    windows: Windows,
    authorization: AlignedSecret,
}

/// One thread's copy. Only its thread fills it; whoever closes the session empties it.
#[derive(Default)]
struct Copy {
    held: SpinMutex<Option<Lent>>,
    /// The session is closed: its thread empties the copy when letting go of the lock.
    is_over: AtomicBool,
}

/// The copies of one thread, of the session it used last first.
type Copies = Vec<(u64, Arc<Copy>)>;

/// Sessions whose tokens a thread keeps copies of: those it used last.
const COPIES_PER_THREAD: usize = 8;

/// Some microseconds. In a model every store shows at once.
const LOOKS: u32 = if cfg!(plextrac_shuttle) { 1 } else { 1000 };

thread_local! {
    static COPIES: RefCell<Copies> = const { RefCell::new(Vec::new()) };
}

impl Live {
    /// The token, whatever its age.
    pub(crate) fn get(&self) -> Option<Arc<LiveToken>> {
        self.published.read().clone()
    }

    /// Lends this thread's copy: no lock that another thread takes but to close the session, no shared counter.
    /// `None` if there is no token, or this thread is inside `use_it` already.
    pub(crate) fn lend<T>(&self, use_it: impl FnOnce(&Lent) -> T) -> Option<T> {
        // Not while the thread ends.
        let lent = COPIES.try_with(|copies| {
            let mut copies = copies.try_borrow_mut().ok()?;
            self.lend_of(&mut copies, use_it)
        });
        lent.ok().flatten()
    }

    /// Publishes what the machine has, unless it is published already.
    pub(crate) fn publish(&self, machine: &Machine, now: Time) {
        let held = machine.usable_token(now).map(plextrac_auth_core::Token::generation);
        let published = self.published.read().as_ref().map(|live| live.generation);
        if held != published {
            let live = LiveToken::of(machine, now).map(Arc::new);
            *self.published.write() = live;
            // After the token: a thread that sees the new version must find the new token.
            self.version.fetch_add(1, Ordering::Release);
        }
    }

    /// Forgets the token, and wipes every thread's copy of it.
    pub(crate) fn clear(&self) {
        *self.published.write() = None;
        self.version.fetch_add(1, Ordering::Release);
        for copy in self.copies.lock().drain(..).filter_map(|copy| copy.upgrade()) {
            copy.end();
        }
    }

    fn lend_of<T>(&self, copies: &mut Copies, use_it: impl FnOnce(&Lent) -> T) -> Option<T> {
        if copies.first().is_none_or(|(id, _)| *id != self.id) {
            self.bring_to_front(copies);
        }
        let (_, copy) = copies.first()?;
        let mut held = copy.held.try_lock()?;
        let version = self.version.load(Ordering::Acquire);
        if held.as_ref().is_none_or(|lent| lent.version != version) {
            *held = self.copied(version);
        }
        let lent = held.as_ref().map(use_it);
        drop(held);
        if copy.is_over.load(Ordering::SeqCst) {
            copy.try_empty();
        }
        lent
    }

    #[cold]
    fn copied(&self, version: u64) -> Option<Lent> {
        self.get().map(|token| Lent::new(version, &token))
    }

    #[cold]
    fn bring_to_front(&self, copies: &mut Copies) {
        if let Some(index) = copies.iter().position(|(id, _)| *id == self.id) {
            copies[..=index].rotate_right(1);
            return;
        }
        copies.retain(|(_, copy)| !copy.is_over.load(Ordering::Relaxed));
        copies.truncate(COPIES_PER_THREAD - 1);
        let copy = Arc::new(Copy::default());
        let mut registered = self.copies.lock();
        registered.retain(|copy| copy.strong_count() > 0);
        registered.push(Arc::downgrade(&copy));
        drop(registered);
        copies.insert(0, (self.id, copy));
    }
}

impl Default for Live {
    fn default() -> Self {
        static NEXT_ID: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
        Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            version: AtomicU64::new(0),
            published: RwLock::default(),
            copies: Mutex::default(),
        }
    }
}

impl Lent {
    fn new(version: u64, token: &LiveToken) -> Self {
        let authorization = AlignedSecret::new(token.authorization.expose());
        Self { version, windows: token.windows, authorization }
    }

    pub(crate) fn age(&self, now: Instant) -> Age {
        self.windows.age(now)
    }

    pub(crate) fn authorization(&self) -> &str {
        self.authorization.expose()
    }
}

impl Copy {
    /// Empties it, or has its thread do so.
    ///
    /// The thread lets go of the lock by a plain store, and that may show here after it has looked at `is_over`. So a
    /// lock that is found taken is looked at for longer than such a store takes to show. Whoever holds it even then is
    /// in the code of a caller (who may be closing the session from there), and finds `is_over` set afterwards.
    fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        for _ in 0..LOOKS {
            if self.try_empty() {
                return;
            }
            std::hint::spin_loop();
        }
    }

    #[cold]
    fn try_empty(&self) -> bool {
        self.held.try_lock().map(|mut held| *held = None).is_some()
    }
}

#[cfg(all(test, not(plextrac_shuttle)))]
mod tests {
    use plextrac_auth_core::{
        Budget, Config, Credentials, FingerprintKey, Instance, Output, Response, Seed, Want,
    };

    use super::*;

    fn start() -> Time {
        Time::from_millis(1_000_000, 1_700_000_000_000)
    }

    fn signed_in(token: &str) -> Machine {
        let mut config = Config::new(Instance::parse("https://acme.example").unwrap());
        config.credentials = Some(Credentials::new("u", "p").unwrap());
        let mut machine = Machine::new(config, Seed { draws: 1, key: FingerprintKey::new([0; 32]) }, start());
        let mut budget = Budget::default();
        machine.want(Want::default()).unwrap();
        let Output::Send(request) = machine.poll(&mut budget, start()) else { panic!() };
        while !machine.poll(&mut budget, start()).is_last() {}
        let body = format!(r#"{{"token":"{token}"}}"#);
        let answer = Response { status: 200, headers: &[], body: body.as_bytes() };
        machine.handle_response(request.id, &answer, start()).unwrap();
        while !machine.poll(&mut budget, start()).is_last() {}
        machine
    }

    fn lent(live: &Live) -> Option<String> {
        live.lend(|token| token.authorization().to_owned())
    }

    #[test]
    fn every_thread_sees_the_newest_token_until_it_is_cleared() {
        let live = Live::default();
        assert_eq!(lent(&live), None);
        live.publish(&signed_in("first"), start());
        assert_eq!(lent(&live).as_deref(), Some("first"));
        std::thread::scope(|scope| {
            scope.spawn(|| assert_eq!(lent(&live).as_deref(), Some("first")));
        });
        let mut next = signed_in("second");
        // A machine of its own begins to count at one again; a second token of one machine counts on.
        next.sign_out(start()).unwrap();
        while !next.poll(&mut Budget::default(), start()).is_last() {}
        live.publish(&next, start());
        assert_eq!(lent(&live), None);
        live.publish(&signed_in("third"), start());
        assert_eq!(lent(&live).as_deref(), Some("third"));
        live.clear();
        assert_eq!(lent(&live), None);
    }

    #[test]
    fn a_thread_inside_its_copy_cannot_block_itself() {
        let live = Live::default();
        live.publish(&signed_in("token"), start());
        lent(&live);
        let copy = COPIES.with_borrow(|copies| Arc::clone(&copies[0].1));
        live.lend(|token| {
            assert_eq!(lent(&live), None, "once at a time");
            live.clear();
            assert_eq!(token.authorization(), "token", "what is lent stays until it is given back");
        });
        assert!(copy.held.lock().is_none());
    }

    #[test]
    fn a_thread_keeps_copies_of_the_sessions_it_used_last() {
        let sessions: Vec<_> = (0..COPIES_PER_THREAD + 3).map(|_| Live::default()).collect();
        let machine = signed_in("token");
        for live in &sessions {
            live.publish(&machine, start());
            assert!(lent(live).is_some());
        }
        COPIES.with_borrow(|copies| assert!(copies.len() <= COPIES_PER_THREAD));
        assert!(lent(&sessions[0]).is_some(), "one that was pushed out comes back");
    }
}
