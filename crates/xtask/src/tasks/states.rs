//! `cargo xtask states`: the drawing of the machine's states, generated from its one table.

use std::fmt::Write;

use plextrac_auth_core::table::{Phase, Trigger, next};

use crate::generated;
use crate::project::Project;
use crate::steps::Halt;

/// Where the drawing lies in the repository.
pub(crate) const PATH: &str = "docs/states.md";

/// Generate docs/states.md from the core's table (--check: only say whether it has drifted)
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Write nothing; fail if the page is not what the table says.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(project: &Project, options: &Options) -> Result<(), Halt> {
    let content = generate(project)?;
    let said = generated::write_or_check(project, PATH, "states", &content, options.check)?;
    println!("{said}");
    Ok(())
}

/// The page as the table has it now.
pub(crate) fn generate(_: &Project) -> Result<Vec<u8>, Halt> {
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
    page.push_str("```\n\n`SignOut` leads from every state to `SignedOut`, but for `LockedOut`, which stays; it is not drawn.\n");

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
    Ok(page.into_bytes())
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

This page is generated from `crates/plextrac-auth-core/src/table.rs` by `cargo xtask states`, and checked for drift.
A pair of state and trigger that is not here cannot happen: the machine refuses the input and changes nothing. What
is asserted of every pair is in `crates/plextrac-auth-core/tests/table.rs`, and of every input in every state in
`tests/every_state_and_input.rs` beside it.

Waiting is no state: the budget, a rate limit, a back-off or a TOTP step can hold up a want in any state that sends.

";
