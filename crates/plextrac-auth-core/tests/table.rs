//! The transition table, written out a second time and compared cell by cell.

use std::collections::BTreeSet;
use std::fmt::Write;

use plextrac_auth_core::table::{Phase, Trigger, next};

/// A row for each trigger, a column for each phase it may meet; `.` where it cannot happen.
const EXPECTED: &str = "
                 SignedOut      Authenticating AwaitingCode   Verifying      Active         Refreshing     Suspect        Reviving       LockedOut
SignInSent       Authenticating .              .              .              .              .              .              .              .
CodeSent         .              .              Verifying      .              .              .              .              .              .
RefreshSent      .              .              .              .              Refreshing     .              Reviving       .              .
Granted          .              Active         .              Active         .              Active         .              Active         .
Challenged       .              AwaitingCode   .              .              .              .              .              .              .
Refused          .              LockedOut      .              SignedOut      .              Active         .              SignedOut      .
NotSent          .              SignedOut      .              AwaitingCode   .              Active         .              Suspect        .
Failed           .              SignedOut      .              SignedOut      .              Active         .              Suspect        .
Adopted          Active         .              Active         .              Active         .              Active         .              Active
AdoptedDoubtful  Suspect        .              .              .              .              .              .              .              Suspect
Unauthorized     .              .              .              .              Suspect        Reviving       .              .              .
Expiring         .              .              .              .              Suspect        Reviving       .              .              .
Expired          .              .              .              .              .              .              SignedOut      .              .
ChallengeDropped .              .              SignedOut      .              .              .              .              .              .
LockoutFound     LockedOut      .              .              .              .              .              .              .              .
LockoutCleared   .              .              .              .              .              .              .              .              SignedOut
SignOut          SignedOut      SignedOut      SignedOut      SignedOut      SignedOut      SignedOut      SignedOut      SignedOut      LockedOut
";

#[test]
fn the_table_says_what_is_written_here() {
    let mut actual = format!("\n{:16}", "");
    for phase in Phase::ALL {
        write!(actual, " {:14}", format!("{phase:?}")).unwrap();
    }
    for trigger in Trigger::ALL {
        write!(actual, "\n{:16}", format!("{trigger:?}")).unwrap();
        for phase in Phase::ALL {
            let cell = next(phase, trigger).map_or(".".into(), |phase| format!("{phase:?}"));
            write!(actual, " {cell:14}").unwrap();
        }
    }
    let trimmed = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    let (actual, expected) = (trimmed(&actual), trimmed(EXPECTED));
    assert_eq!(actual.trim_end(), expected.trim_end(), "the table is now:\n{actual}");
}

#[test]
fn every_phase_is_reached_from_signed_out() {
    assert_eq!(reached_from(Phase::SignedOut, &Trigger::ALL).len(), Phase::ALL.len());
}

#[test]
fn no_phase_is_terminal() {
    for phase in Phase::ALL {
        assert!(reached_from(phase, &Trigger::ALL).contains("Active"), "{phase:?}");
    }
}

/// Signing out and clearing a lockout are decisions of a person. What waits for an answer or for a code finds a way
/// on without one.
#[test]
fn only_a_rejection_needs_a_person_to_go_on() {
    let without_a_person: Vec<Trigger> = Trigger::ALL
        .into_iter()
        .filter(|trigger| !matches!(trigger, Trigger::SignOut | Trigger::LockoutCleared | Trigger::CodeSent))
        .collect();
    for phase in Phase::ALL {
        assert!(reached_from(phase, &without_a_person).contains("Active"), "{phase:?}");
    }
    let alone: Vec<Trigger> = without_a_person
        .into_iter()
        .filter(|trigger| !matches!(trigger, Trigger::Adopted | Trigger::AdoptedDoubtful))
        .collect();
    let stuck = Phase::ALL
        .into_iter()
        .filter(|phase| !reached_from(*phase, &alone).contains("Active"))
        .collect::<Vec<_>>();
    assert_eq!(stuck, [Phase::LockedOut], "but for another session's token");
}

/// The names of all phases that can follow, by these triggers.
fn reached_from(phase: Phase, triggers: &[Trigger]) -> BTreeSet<String> {
    let (mut reached, mut open) = (BTreeSet::from([format!("{phase:?}")]), vec![phase]);
    while let Some(phase) = open.pop() {
        for next in triggers.iter().filter_map(|trigger| next(phase, *trigger)) {
            if reached.insert(format!("{next:?}")) {
                open.push(next);
            }
        }
    }
    reached
}
