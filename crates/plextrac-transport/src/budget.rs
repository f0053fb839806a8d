//! One budget per instance for all sessions of this process.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use plextrac_auth_core::{Budget, DEFAULT_PER_MINUTE, Instance};

use crate::clock::Clock;
use crate::sync::{Mutex, ProcessMutex};

/// The budget of an instance, by whichever session it is used.
pub(crate) type SharedBudget = Arc<Mutex<Budget>>;

/// The budget that all sessions on `instance` share. It stays for as long as the process runs: a program that makes
/// a session for each call must not get a new budget with each.
///
/// Moments of different clocks cannot be compared, so sessions on another clock have another budget.
pub(crate) fn of_instance(
    instance: &Instance,
    clock: &Arc<dyn Clock>,
    per_minute: Option<u32>,
) -> SharedBudget {
    static BUDGETS: OnceLock<ProcessMutex<HashMap<Key, Entry>>> = OnceLock::new();
    let mut budgets = BUDGETS.get_or_init(ProcessMutex::default).lock();
    let key = (instance.clone(), Arc::as_ptr(clock).cast::<()>() as usize);
    let entry = budgets.entry(key).or_insert_with(|| {
        let budget = Budget::new(per_minute.unwrap_or(DEFAULT_PER_MINUTE)).unwrap_or_default();
        Entry { budget: Arc::new(Mutex::new(budget)), _clock: Arc::clone(clock) }
    });
    if let Some(per_minute) = per_minute {
        entry.budget.lock().lower_to(per_minute);
    }
    Arc::clone(&entry.budget)
}

type Key = (Instance, usize);

struct Entry {
    budget: SharedBudget,
    /// Keeps the clock's address, which is part of the key, from being used by another.
    _clock: Arc<dyn Clock>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{SystemClock, Time};

    #[test]
    fn sessions_of_one_instance_share_a_budget_and_the_lowest_limit_holds() {
        let (a, b) = (
            Instance::parse("https://budget-a.example").unwrap(),
            Instance::parse("https://budget-b.example").unwrap(),
        );
        let clock = SystemClock::shared();
        let first = of_instance(&a, &clock, None);
        assert!(Arc::ptr_eq(&first, &of_instance(&a, &clock, Some(4))));
        assert!(Arc::ptr_eq(&first, &of_instance(&a, &clock, Some(9))));
        assert_eq!(first.lock().per_minute(), 4);
        assert!(!Arc::ptr_eq(&first, &of_instance(&b, &clock, None)));
        let other: Arc<dyn Clock> = Arc::new(|| Time::from_millis(0, 0));
        assert!(!Arc::ptr_eq(&first, &of_instance(&a, &other, None)));
    }
}
