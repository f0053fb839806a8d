//! The drawing of the machine's states, generated from its one table.

use std::fmt::Write;

use plextrac_auth_core::table::{Phase, Trigger, next};

/// Where the drawing lies in the repository.
pub(super) const PATH: &str = "docs/states.md";

/// The page as the table has it now.
pub(super) fn generate() -> Vec<u8> {
    let mut page = String::from(INTRODUCTION);
    page.push_str("```mermaid\nstateDiagram-v2\n    [*] --> SignedOut\n");
    for from in Phase::ALL {
        for to in Phase::ALL {
            let triggers: Vec<_> = drawn(from, to).map(|trigger| format!("{trigger:?}")).collect();
            if !triggers.is_empty() {
                line(&mut page, format_args!("    {from:?} --> {to:?}: {}", triggers.join(", ")));
            }
        }
    }
    page.push_str("```\n\n`SignOut` is not drawn. It leads from every state to `SignedOut`, except from `LockedOut`, which does not change.\n");

    page.push_str("\n## States\n\n| state | meaning |\n|---|---|\n");
    for phase in Phase::ALL {
        line(&mut page, format_args!("| `{phase:?}` | {} |", phase.meaning()));
    }
    page.push_str("\n## What can happen\n\n| trigger | meaning | leads |\n|---|---|---|\n");
    for trigger in Trigger::ALL {
        let leads: Vec<_> = Phase::ALL
            .into_iter()
            .filter_map(|from| next(from, trigger).map(|to| format!("`{from:?}` → `{to:?}`")))
            .collect();
        line(&mut page, format_args!("| `{trigger:?}` | {} | {} |", trigger.meaning(), leads.join("<br>")));
    }
    page.into_bytes()
}

/// Triggers that lead from one state to the other, without the one that every state has.
fn drawn(from: Phase, to: Phase) -> impl Iterator<Item = Trigger> {
    let all = Trigger::ALL.into_iter();
    all.filter(move |trigger| *trigger != Trigger::SignOut && next(from, *trigger) == Some(to))
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(page, "{text}");
}

const INTRODUCTION: &str = "# States

`cargo xtask generate` writes this page from `crates/plextrac-auth-core/src/table.rs`. `cargo xtask check` compares it.
A pair of state and trigger that is not listed cannot happen: the machine refuses the input and changes nothing.
`crates/plextrac-auth-core/tests/table.rs` tests every pair. `tests/every_state_and_input.rs` tests every input in every
state.

Waiting is not a state. The budget, a rate limit, a back-off or a TOTP step can delay a request in any state that sends.

";
