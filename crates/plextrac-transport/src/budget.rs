//! One budget per instance for all sessions of this process.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use plextrac_auth_core::{Budget, DEFAULT_PER_MINUTE, Instance};

use crate::clock::Clock;
use crate::fork::{self, ForkGuard};
use crate::sync::{Mutex, MutexGuard, ProcessMutex};

/// The budget of an instance, by whichever session it is used: of this process, and of a child that comes of it. What the
/// parent had sent before counts in the child; from then on neither knows of the other's.
#[derive(Clone)]
pub(crate) struct SharedBudget(Arc<Mutex<Budget>>);

/// The budget, for one thread, and with no fork in between.
pub(crate) struct Lent<'a> {
    budget: MutexGuard<'a, Budget>,
    _undivided: ForkGuard,
}

impl SharedBudget {
    pub(crate) fn lock(&self) -> Lent<'_> {
        // This first: whoever has it finds the budget free, or held by one that does not wait for it.
        let undivided = fork::undivided();
        Lent { budget: self.0.lock(), _undivided: undivided }
    }
}

impl Deref for Lent<'_> {
    type Target = Budget;

    fn deref(&self) -> &Budget {
        &self.budget
    }
}

impl DerefMut for Lent<'_> {
    fn deref_mut(&mut self) -> &mut Budget {
        &mut self.budget
    }
}

/// The budget that all sessions on `instance` share. It stays for as long as the process runs: a program that makes
/// a session for each call must not get a new budget with each.
///
/// Moments of different clocks cannot be compared, so sessions on another clock have another budget.
pub(crate) fn of_instance(
    instance: &Instance,
    clock: &Arc<dyn Clock>,
    per_minute: Option<u32>,
) -> SharedBudget {
    let budget = entry(instance, clock, per_minute);
    if let Some(per_minute) = per_minute {
        budget.lock().lower_to(per_minute);
    }
    budget
}

fn entry(instance: &Instance, clock: &Arc<dyn Clock>, per_minute: Option<u32>) -> SharedBudget {
    // A list, because a program has few instances. A hash map points into the middle of its memory, and Valgrind
    // reports all that it holds as possibly lost.
    static BUDGETS: ProcessMutex<Vec<Entry>> = ProcessMutex::new(Vec::new());
    let _undivided = fork::undivided();
    let mut budgets = BUDGETS.lock();
    let is_same = |entry: &&Entry| {
        entry.instance == *instance && std::ptr::addr_eq(Arc::as_ptr(&entry.clock), Arc::as_ptr(clock))
    };
    if let Some(entry) = budgets.iter().find(is_same) {
        return entry.budget.clone();
    }
    let budget = Budget::new(per_minute.unwrap_or(DEFAULT_PER_MINUTE)).unwrap_or_default();
    let budget = SharedBudget(Arc::new(Mutex::new(budget)));
    budgets.push(Entry { instance: instance.clone(), clock: Arc::clone(clock), budget: budget.clone() });
    budget
}

struct Entry {
    instance: Instance,
    /// It is kept, so that no later clock gets its address.
    clock: Arc<dyn Clock>,
    budget: SharedBudget,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{SystemClock, Time};

    #[test]
    fn sessions_of_one_instance_share_the_lowest_limit() {
        let (a, b) = (
            Instance::parse("https://budget-a.example").unwrap(),
            Instance::parse("https://budget-b.example").unwrap(),
        );
        let clock = SystemClock::shared();
        let first = of_instance(&a, &clock, None);
        let is_first = |other: &SharedBudget| Arc::ptr_eq(&first.0, &other.0);
        assert!(is_first(&of_instance(&a, &clock, Some(4))));
        assert!(is_first(&of_instance(&a, &clock, Some(9))));
        assert_eq!(first.lock().per_minute(), 4);
        assert!(!is_first(&of_instance(&b, &clock, None)));
        let other: Arc<dyn Clock> = Arc::new(|| Time::from_millis(0, 0));
        assert!(!is_first(&of_instance(&a, &other, None)));
    }
}
